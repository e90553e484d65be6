"""Wire formats, as pure functions.

`json` decodes bodies strictly and encodes answers, `dates` parses and formats dates and times, `relative` resolves
times relative to a clock, `zones` loads the time zones of the `tzdata` package, `ids` checks and mints UUIDs,
`fields` makes marshmallow fields of them, and `zod` words what is wrong as the vendor does. The modules import nothing
of ours but `errors`. `json` is always imported as `wire_json`, so that it is not mistaken for Python's.
"""
