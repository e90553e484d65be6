"""Sandboxes: each API key has a world of its own.

`sandboxes` opens and resets them, `settings` holds what can be set in each, `snapshots` keeps their worlds under names,
`state` reads and fills a world as one document and keeps the fixtures as a template, `sweeper` deletes superseded rows,
and `waiting` is where requests wait.
"""
