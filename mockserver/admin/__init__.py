"""The control plane under `/__admin`: calls about the mock, over `sandbox`.

`calls` makes a view of a declaration, `schemas` declares what calls take, and the calls are in `faults`, `requests` and
`world`. `guard` checks who may call, `blueprint` adds all of it to Flask, and `openapi` describes it.
"""
