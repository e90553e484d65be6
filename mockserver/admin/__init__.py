"""The control plane under `/__admin`: calls about the mock, over `sandbox`.

`routes` is the table of calls, `blueprint` adds them to Flask, and `guard` checks who may call. The calls are in
`faults`, `requests` and `world`: `calls` makes a view of a declaration, `schemas` declares what is taken, and `openapi`
describes it.
"""
