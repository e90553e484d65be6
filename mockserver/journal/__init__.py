"""The journal of a sandbox: its requests and their answers, in the order of their effects.

`journal` stores entries, `entries` builds them, `patterns` matches them, and `verify` counts matches and finds near
misses.
"""
