"""The store on a SQLite file.

`database` opens the file, its connections and its transactions, `temporary` manages temporary databases and the lock
of a file, and `error_codes` tells a full disk from other errors of SQLite.
"""
