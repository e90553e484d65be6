"""Errors of PostgreSQL, as those of the store (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

from __future__ import annotations

import psycopg

from mockserver.store.transactions import StorageFull, StoreUnavailable

KEY_IN_USE, READ_ONLY = "23505", "25006"

_NO_ROOM = ("53100",)
_LOCKED = ("55P03",)
# Of the connection, a transaction that the server ended, resources, a shutdown or a limit of the server, a standby, a
# user who may not write any more.
_AWAY = ("08", "40", "25P03", "25P04", "53", "57", READ_ONLY, "42501")


class BrokenConnection(psycopg.OperationalError):
    """The connection ended while statements were under way; at a commit, nobody knows if it was carried out."""

    committing = False


def translated(error: psycopg.Error, database: str) -> Exception:
    """The store's error for one of psycopg's, which is returned itself if it is a mistake in a statement."""
    state, text = error.sqlstate or "", " ".join(str(error).split())
    if state.startswith(_NO_ROOM):
        return StorageFull(f"There is no room to write to {database}: {text}. Free space on its disk")
    if state.startswith(_LOCKED):
        message = f"other requests keep its lock in {database} for longer than lock_timeout. Try again"
        return StoreUnavailable(f"The sandbox is busy: {message}", limit="lock")
    if isinstance(error, BrokenConnection) and error.committing:
        message = "the request may have been carried out. Look before you send it again"
        return StoreUnavailable(f"The connection to {database} broke at the commit: {message}", limit="database")
    if state.startswith(_AWAY) or (not state and isinstance(error, psycopg.OperationalError)):
        return StoreUnavailable(f"{database} does not answer: {text}", limit="database")
    return error
