"""The store in a PostgreSQL database, which any number of processes share.

`database` is the store, `connections` connects and keeps sessions, `session` sends statements in groups over one
connection, `transactions` are those of the store, `statements` are the texts of SQL, `schema` creates and checks the
tables, `locks` numbers the locks, `listener` receives the notifications of other processes, and `failures` translates
the errors of the database.

Peewee writes the SQL, psycopg talks to the server. Writers of one sandbox take turns by an advisory lock, taken before
anything is read; they read what is committed. Readers see one moment.
"""
