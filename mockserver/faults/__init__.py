"""Fault injection.

`rules` holds the fault rules of a sandbox and finds the one that hits a request, `words` puts a rule into a sentence,
`catalogue` lists the failures of each operation, `delays` draws delays, `prefer` reads the `Prefer` header, and
`rate_limit` counts requests against a sandbox's limit.
"""
