"""The values on the wire, as pure functions.

`json` decodes bodies strictly and encodes answers, `dates` reads and writes dates and times, `zones` knows the time
zones of the `tzdata` package, `ids` checks and mints UUIDs, and `fields` makes marshmallow fields of them. The modules
import nothing of ours but `errors`. `json` is always imported as `wire_json`, so that it is not taken for Python's.
"""
