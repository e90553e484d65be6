"""The imitated API.

`operations` declares endpoints, `views` are the endpoints, `schemas` their wire shapes. A request takes this way: `doors`
reads it from WSGI's environment, `pipeline` carries it out with `reading` (validation) and `breaking` (faults), and
`answers` is what it returns. `blueprint` adds all of it to Flask, and `openapi` describes it.
"""
