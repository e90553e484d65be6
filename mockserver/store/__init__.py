"""The store: all state of the mock, in one database.

`transactions` is the interface of a store, `models` are its tables, `statements` caches the texts of queries,
`contents` is a world inside a transaction, and `sqlite` is the store on a SQLite file.
"""
