"""The store on SQLite, in memory or in a file.

`database` opens it, its connections and its transactions, `files` checks and locks a file, and `error_codes` tells a
full disk from other errors of SQLite.
"""
