"""Failures on purpose.

`rules` holds the fault rules of a sandbox and finds the one that hits a request, `catalogue` lists how each operation
can fail, `prefer` reads the `Prefer` header, and `rate_limit` counts requests against a sandbox's limit.
"""
