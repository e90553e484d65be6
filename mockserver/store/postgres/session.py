"""One connection to PostgreSQL, over which statements are sent in groups.

A statement whose result nobody needs waits for the next one whose result is needed, and both travel together: a
create takes two round trips. Each text is prepared when it is first sent.
"""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from mockserver.store.postgres.failures import BrokenConnection

Values = Sequence[Any]
Batch = list[tuple[str, Values]]

COMMIT = "COMMIT"
_BOOL, _WHOLE = 16, (20, 21, 23)  # the numbers of types


class Result:
    """The rows of a statement, as a cursor of the Python database interface shows them."""

    def __init__(self, raw: PGresult) -> None:
        columns = range(raw.nfields)
        readers = [_reader(raw.ftype(column)) for column in columns]
        self.names = [(raw.fname(column) or b"").decode() for column in columns]
        self.rowcount = raw.command_tuples or 0
        self.command = (raw.command_status or b"").decode()
        self._rows = iter(
            [
                tuple(
                    None if (value := raw.get_value(row, column)) is None else readers[column](value)
                    for column in columns
                )
                for row in range(raw.ntuples)
            ]
        )

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return list(self._rows)


def _reader(type_number: int) -> Callable[[bytes], Any]:
    if type_number == _BOOL:
        return b"t".__eq__
    return int if type_number in _WHOLE else bytes.decode


def _sent(value: Any) -> bytes | None:
    """A value as it is sent. PostgreSQL stores no NUL: no valid text has one, and a path that has one finds nothing."""
    if value is None or isinstance(value, bool):
        return None if value is None else b"t" if value else b"f"
    return str(value).replace("\0", "\ufffd").encode()


class Session:
    """A connection; `connect` opens it, and again if it turns out to be broken when a transaction begins."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._waiting: Batch = []
        self._is_new = True  # nothing of the transaction was sent yet
        self._open()

    def _open(self) -> None:
        self._connection = self._connect()
        self._pg: PGconn = self._connection.pgconn
        self._names: dict[str, bytes] = {}
        self._prepared = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pg.socket, selectors.EVENT_READ)

    @property
    def is_usable(self) -> bool:
        """True while the connection is open and in no transaction."""
        return self._can_send and self._pg.transaction_status == TransactionStatus.IDLE

    @property
    def _can_send(self) -> bool:
        """True while the connection is open and waits for no result."""
        return self._pg.status == ConnStatus.OK and self._pg.pipeline_status == PipelineStatus.OFF

    def close(self) -> None:
        """Close the connection."""
        self._selector.close()
        self._connection.close()

    def begin(self, *statements: tuple[str, Values]) -> None:
        """Begin a transaction with these statements, which are sent with the first one whose result is needed."""
        self._waiting = list(statements)
        self._is_new = True

    def later(self, text: str, values: Values = ()) -> None:
        """Send a statement with the next one whose result is needed."""
        self._waiting.append((text, values))

    def ask(self, text: str, values: Values = ()) -> Result:
        """Send a statement, and those that wait, and return its result."""
        self._waiting.append((text, values))
        return self._send()

    def commit(self) -> None:
        """Commit the transaction; raises BrokenConnection, `committing`, when nobody knows if that was done."""
        if self._is_new and self._waiting:
            self._send()  # with the commit, it could not be sent a second time
        try:
            done = self.ask(COMMIT).command
        except BrokenConnection as error:
            error.committing = True
            raise
        if done != COMMIT:  # a statement failed, and somebody went on
            raise psycopg.errors.InFailedSqlTransaction(f"the commit was answered with {done}")

    def end_reading(self) -> None:
        """End a transaction that only read, whose results are known whatever becomes of the connection."""
        if self._waiting:
            self._send()
        with contextlib.suppress(BrokenConnection):
            self.ask(COMMIT)

    def roll_back(self) -> None:
        """Undo the transaction, if the connection can."""
        self._waiting = []
        if self._can_send and self._pg.transaction_status != TransactionStatus.IDLE:
            self.ask("ROLLBACK")

    def _send(self) -> Result:
        batch, self._waiting = self._waiting, []
        try:
            return self._exchange(batch)
        except BrokenConnection:
            if not self._is_new or batch[-1][0] == COMMIT:
                raise
            self.close()
            self._open()  # the server has forgotten what it was sent: send it again, once
            return self._exchange(batch)
        finally:
            self._is_new = False

    def _exchange(self, batch: Batch) -> Result:
        """Send statements, and wait for all results; the last one's is returned, and the first error raised."""
        new: list[str] = []
        try:
            self._pg.enter_pipeline_mode()
            for text, values in batch:
                self._pg.send_query_prepared(self._name(text, new), [_sent(value) for value in values])
            self._pg.pipeline_sync()
            last = failed = None
            for result in self._results():
                if result.status == ExecStatus.FATAL_ERROR:
                    failed = failed or result
                elif result.status != ExecStatus.PIPELINE_ABORTED:
                    last = result
            self._pg.exit_pipeline_mode()
        except psycopg.OperationalError as error:
            raise BrokenConnection(str(error)) from error
        if failed is not None:
            for text in new:  # which of them were prepared is not known
                self._names.pop(text, None)
            raise psycopg.errors.error_from_result(failed)
        assert last is not None  # noqa: S101  # every statement has a result
        return Result(last)

    def _name(self, text: str, new: list[str]) -> bytes:
        """The name of the prepared statement with that text, which is prepared at first."""
        name = self._names.get(text)
        if name is None:
            self._prepared += 1
            name = self._names[text] = b"s%d" % self._prepared
            new.append(text)
            self._pg.send_prepare(name, _numbered(text).encode())
        return name

    def _results(self) -> Iterator[PGresult]:
        """The results until the end of the group."""
        fatal: PGresult | None = None
        while True:
            self._wait()
            result = self._pg.get_result()
            if result is None:
                if self._pg.status != ConnStatus.OK:
                    raise self._broken(fatal)
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return
            if result.status == ExecStatus.FATAL_ERROR:
                fatal = result
            yield result

    def _broken(self, fatal: PGresult | None) -> BrokenConnection:
        reason = (fatal.error_message if fatal else self._pg.error_message).decode("utf-8", "replace")
        return BrokenConnection(reason or "the connection is closed")

    def _wait(self) -> None:
        """Wait until a result can be read, and go on sending meanwhile: a large entry does not fit into the socket."""
        events = selectors.EVENT_READ
        while (unsent := self._pg.flush()) or self._pg.is_busy():
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
            if wanted != events:
                self._selector.modify(self._pg.socket, wanted)
                events = wanted
            if any(ready & selectors.EVENT_READ for _, ready in self._selector.select()):
                self._pg.consume_input()
        if events != selectors.EVENT_READ:
            self._selector.modify(self._pg.socket, selectors.EVENT_READ)


def _numbered(text: str) -> str:
    """A statement of peewee's with the server's placeholders: $1, $2 and so on."""
    first, *others = text.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))


def dictionaries(result: Result) -> Iterable[dict[str, Any]]:
    """The rows by the names of their columns."""
    return (dict(zip(result.names, row, strict=True)) for row in result)
