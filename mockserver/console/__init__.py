"""The console: web pages under `/__admin/` that show a sandbox and change it.

`pages` is its blueprint. A page each: `board`; `requests`, with the `rows` of its list, the `detail` of a request,
`copy_as` (a request as code) and `replaying` (sends one again); `faults`; `world`; and `reference`, the vendor's API at
`/docs`. `stories` are for newcomers.
"""
