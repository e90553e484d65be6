"""Sandboxes: each API key has a world of its own.

`sandboxes` opens them, `resetting` resets them, `settings` reads and changes their settings, `snapshots` keeps worlds
under names, `state` exports and fills a world as one document and keeps the fixtures as a template, `sweeper` deletes
superseded rows, `waiting` holds delays, verifications and event streams, and `sharing` does so where several processes
share a store.
"""
