"""The store: all state of the mock, in one database.

`transactions` is the interface of a store, `models` are its tables, `statements` caches the texts of queries,
`contents` is a world inside a transaction, and `orm` is peewee. `sqlite` is the store in a SQLite file, `postgres` that
in a PostgreSQL database, and `opening` opens the one that a setting names.
"""
