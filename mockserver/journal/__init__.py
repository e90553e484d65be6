"""The journal of a sandbox: its requests and their answers, in the order of their effects.

`journal` stores entries, `entries` builds them from `messages` (a request and its answer), `patterns` matches them,
with the `matchers` in a pattern, and `verify` counts matches and finds near misses.
"""
