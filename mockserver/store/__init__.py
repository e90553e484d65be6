"""The store: the database file, its tables, and a world inside a transaction."""
