"""The store: everything that the mock remembers, in one database.

`transactions` is what a store offers, `models` are its tables, `statements` the queries by parts of their text,
`contents` is a world inside a transaction, and `sqlite` is the store on a SQLite file.
"""
