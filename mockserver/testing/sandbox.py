"""The API of a sandbox in test suites: the fixture `vambe_mock`, and the target of `with MockServer() as …`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from mockserver import clock
from mockserver.client import terminal
from mockserver.client.client import CallFailed, Client
from mockserver.config import KEY_VARIABLE, URL_VARIABLE
from mockserver.formats.json import Document
from mockserver.keys import KEY_HEADER
from mockserver.logs import printable
from mockserver.testing.failures import Failure

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Unpack

STRANGERS = "Meanwhile, the server refused requests of any test whose key opens no sandbox:"
SHOWN, MATCHES_SHOWN = 50, 5  # entries listed by `explain`, and by a failed verification


class Match(TypedDict, total=False):
    """A pattern for requests, besides their operation; every part is optional.

    `*` in `path` matches any characters; `json` is a part of the body; `query` maps parameters to their values. A value
    may be a matcher, such as `{"$contains": "call"}`.
    """

    method: str
    path: str
    query: Mapping[str, Any]
    json: Any


class Answered(Match, total=False):
    """A pattern for requests, with their headers and the status of their answers."""

    headers: Mapping[str, Any]
    status: int


class Verified(Answered, total=False):
    """A pattern for requests, and the options of `VambeMock.verify`."""

    times: int | None
    at_least: int | None
    at_most: int | None
    timeout: float


class FaultOptions(Match, total=False):
    """The requests that a fault hits: a pattern, and the number of matching requests.

    `when` is "before" the commit (the default: nothing is done) or "after" it (the request is carried out, and the
    client does not learn of it); `times` is the number of requests to hit (default 1; None: no limit), `skip` the
    number to let through first (default 0), `probability` a chance from 0 to 1, reproducible by the sandbox's seed.
    `request_headers` are headers of the requests.
    """

    request_headers: Mapping[str, Any]

    when: str
    times: int | None
    skip: int
    probability: float | None


class NewTask(TypedDict, total=False):
    """The keys of a task, as in the fixtures."""

    id: str
    title: str
    description: str
    due_date: str | date | None
    due_time: str | time | None
    timezone: str | None
    created_at: str | datetime
    ai_contact_id: str | None
    ai_customer_id: str | None
    task_status_config_id: str
    priority: int
    creator_id: str
    task_responsibles: Sequence[Mapping[str, str]]


class VambeMock:
    """A sandbox of a mock server, with its own data, clock, faults and journal.

    The application under test uses `base_url` and `api_key` instead of the vendor's host and key. `name` is the
    sandbox's. Methods raise `CallFailed` when the mock refuses the call or cannot be reached.
    """

    def __init__(self, control: Client, name: str, api_key: str, transport: Callable[[], httpx.BaseTransport]) -> None:
        self.base_url = control.url
        self.name = name
        self.api_key = api_key
        self.clock = Clock(control)
        self._control = control
        self._transport = transport
        self._snapshots: list[str] = []
        self._pinned: dict[str, str] = {}
        self._made_at = clock.text_of(clock.real_ms())

    @property
    def headers(self) -> dict[str, str]:
        """The headers that direct a request to this sandbox."""
        return {KEY_HEADER: self.api_key}

    @property
    def env(self) -> dict[str, str]:
        """Environment variables for an application that reads its host and key from them."""
        return {URL_VARIABLE: self.base_url, KEY_VARIABLE: self.api_key}

    @property
    def transport(self) -> Any:
        """A transport for `httpx.Client` and `httpx.AsyncClient` that needs no socket, whatever the client's base URL.

        With a `RemoteServer`, it connects to that server. Needs httpx.
        """
        return self._transport()

    @property
    def state(self) -> Document:
        """The state as a document: users, statuses, contacts, customers, tasks, notes; assign one to replace it."""
        return self._control.call("GET", "/state")

    @state.setter
    def state(self, document: Mapping[str, Any]) -> None:
        self._control.call("PUT", "/state", dict(document))

    @property
    def users(self) -> list[Document]:
        """The team, in fixture order; a user who is not `active` cannot be responsible for a task."""
        return self._listed("users")

    @property
    def statuses(self) -> list[Document]:
        """The status configurations, in fixture order."""
        return self._listed("statuses")

    @property
    def contacts(self) -> list[Document]:
        """The contacts, in fixture order."""
        return self._listed("contacts")

    @property
    def customers(self) -> list[Document]:
        """The customers, in fixture order."""
        return self._listed("customers")

    @property
    def tasks(self) -> list[Document]:
        """The tasks that are not deleted, in the order of their creation."""
        return self._listed("tasks")

    @property
    def notes(self) -> list[Document]:
        """The interactive notes, which no endpoint of the vendor returns."""
        return self._listed("notes")

    def add_task(self, **task: Unpack[NewTask]) -> Document:
        """Add a task without a request of the API, and return it; what is left out gets a default.

        It leaves no entry in the journal and does not advance the clock.
        """
        texts = {name: _text(value) if isinstance(value, (date, time)) else value for name, value in task.items()}
        return self._control.call("POST", "/tasks", texts)

    def requests(self, operation: str | None = None, **match: Unpack[Answered]) -> list[Document]:
        """The matching entries of the journal, oldest first: request, response, decision, problems, changes."""
        found: list[Document] = self._control.call("POST", "/requests/find", _pattern(operation, match))["requests"]
        return found

    def verify(
        self,
        operation: str | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        timeout: float = 0.0,
        **match: Unpack[Answered],
    ) -> int:
        """Check the number of matching requests, and return it.

        `times` is exact (0: never); without `times`, `at_least` and `at_most`, one is enough. With a `timeout`, in
        seconds, requests that are still to come count too. Raises AssertionError that shows the near misses.
        """
        __tracebackhide__ = True
        bounds = {"exactly": times, "at_least": at_least, "at_most": at_most}
        wanted = {word: bound for word, bound in bounds.items() if bound is not None} or {"at_least": 1}
        return self._verified({"request": _pattern(operation, match), "times": wanted}, timeout)

    def verify_sequence(self, *patterns: str | Mapping[str, Any], timeout: float = 0.0) -> int:
        """Check that matching requests came in this order, with or without others in between; return their number.

        A pattern is an operation's id, or a mapping of `operation` and the parts of `Answered`; `timeout` is in
        seconds. Raises AssertionError that shows the near misses of the first pattern that nothing matched.
        """
        __tracebackhide__ = True
        sequence = [{"operation": each} if isinstance(each, str) else dict(each) for each in patterns]
        return self._verified({"sequence": sequence}, timeout)

    async def averify(self, operation: str | None = None, **options: Unpack[Verified]) -> int:
        """As `verify`, without blocking the event loop: the application under test can run in it meanwhile."""
        __tracebackhide__ = True
        return await _in_thread(partial(self.verify, operation, **options))

    async def averify_sequence(self, *patterns: str | Mapping[str, Any], timeout: float = 0.0) -> int:
        """As `verify_sequence`, without blocking the event loop."""
        __tracebackhide__ = True
        return await _in_thread(partial(self.verify_sequence, *patterns, timeout=timeout))

    def fail(
        self,
        operation: str | None = None,
        status: int = 503,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **options: Unpack[FaultOptions],
    ) -> Fault:
        """Answer the next matching request with an error: the mock's own for that status, or `body`."""
        return self.fault(_rule(operation, options, status=status, headers=dict(headers or {}), body=body))

    def delay(
        self, operation: str | None = None, ms: int | Mapping[str, Any] = 1000, **options: Unpack[FaultOptions]
    ) -> Fault:
        """Delay the next matching request by `ms` milliseconds of real time, then answer as usual.

        `{"uniform": [50, 400]}` and `{"lognormal": {"median": 120, "sigma": 0.4}}` are drawn from the sandbox's seed.
        """
        return self.fault(_rule(operation, options, delay_ms=ms))

    def drop(self, operation: str | None = None, connection: str = "reset", **options: Unpack[FaultOptions]) -> Fault:
        """Break the connection of the next matching request: "reset", "empty", "truncate" or "garbage".

        With `when="after"` the request is carried out and its answer is lost: a client that retries duplicates it.
        """
        return self.fault(_rule(operation, options, connection=connection))

    def apply(self, failure: Failure) -> Fault:
        """Set the fault rule of one of `mockserver.testing.failures`."""
        return self.fault(failure.trigger)

    def fault(self, rule: Mapping[str, Any]) -> Fault:
        """Set a fault rule in the format of `POST /__admin/faults`."""
        return Fault(self._control, self._control.call("POST", "/faults", dict(rule)))

    def clear_faults(self) -> None:
        """Delete every fault rule."""
        self._control.call("DELETE", "/faults")

    @property
    def settings(self) -> Document:
        """The sandbox's settings: `strict`, `delay_ms`, `rate_limit`, `assume`."""
        return self._control.call("GET", "/settings")

    def configure(self, **settings: Any) -> Document:
        """Change some of the settings.

        They are `strict`, `delay_ms`, `rate_limit` (`{"requests": 100, "seconds": 60}`), and `assume`, which replaces
        guesses about the vendor (`{"create-status": "200"}`; None puts one back).
        """
        return self._control.call("PATCH", "/settings", settings)

    def pin(self, assume: Mapping[str, str]) -> None:
        """Replace guesses about the vendor for as long as the sandbox exists: `reset` keeps them."""
        self._pinned = dict(assume)
        self.configure(assume=self._pinned)

    def snapshot(self, name: str | None = None) -> str:
        """Take a snapshot of all but the journal; return its name, which is generated by default."""
        chosen = name or f"snapshot-{len(self._snapshots) + 1}"
        self._control.call("POST", "/snapshots", {"name": chosen})
        self._snapshots.append(chosen)
        return chosen

    def restore(self, name: str | None = None) -> None:
        """Restore the named snapshot, else the last that this object took; LookupError when there is none."""
        if name is None and not self._snapshots:
            raise LookupError("there is no snapshot to restore: call snapshot() first, or name one")
        self._control.call("POST", f"/snapshots/{name or self._snapshots[-1]}/restore")

    def reset(self, to: str = "fixtures", only: Sequence[str] | None = None) -> None:
        """Reset the sandbox to "fixtures", to "empty", or to a snapshot, or `only` some of its parts.

        The parts are tasks, journal, faults, clock, ids and settings.
        """
        self._control.call("POST", "/reset", {"to": to} | ({} if only is None else {"only": list(only)}))
        if self._pinned:
            self.configure(assume=self._pinned)

    def explain(self) -> str:
        """The journal as text: each request, its answer, its problems, the names that nothing read, and advice.

        It ends with the requests since the sandbox was created whose key opens no sandbox.
        """
        journal = self._control.call("GET", "/requests")
        entries = journal["requests"]
        left_out = max(0, len(entries) - SHOWN) + journal["dropped"]
        lines = [f"({left_out} earlier requests are left out)"] if left_out > 0 else []
        lines += [terminal.format_entry(entry) for entry in entries[-SHOWN:]]
        if not entries:
            lines = ["No request was answered in this sandbox: does the client use its base_url and its api_key?"]
        if strangers := [entry for entry in self._unidentified() if entry["received_at"] >= self._made_at]:
            lines += [STRANGERS, *(terminal.format_entry(entry) for entry in strangers[-SHOWN:])]
        return "\n".join(lines)

    def assert_nothing_unread(self) -> None:
        """Raise AssertionError when a request had a body key or a query name that nothing reads.

        Also when the journal has dropped requests, which may have had some.
        """
        __tracebackhide__ = True
        journal = self._control.call("GET", "/requests")
        unread = [entry for entry in journal["requests"] if entry["unread"]]
        if unread:
            raise _failure(["Nothing reads what the client sent:", *map(_unread_line, unread)])
        if journal["dropped"]:
            raise AssertionError(f"Requests may have sent what nothing reads: {_dropped(journal['dropped'])}")

    def assert_all_faults_hit(self) -> None:
        """Raise AssertionError when a fault rule has hit no request, so that the failure was not tested."""
        __tracebackhide__ = True
        missed = [rule for rule in self._control.call("GET", "/faults")["faults"] if not rule["hits"]]
        if missed:
            raise _failure(["No request met these faults:", *map(_fault_line, missed)])

    def close(self) -> None:
        """Delete the sandbox; no error when it, or its server, is already gone."""
        try:
            self._control.call("DELETE", f"/sandboxes/{self.name}")
        except CallFailed as error:
            if error.status not in (None, 404):
                raise

    def __enter__(self) -> VambeMock:
        """Return the sandbox itself; the end of the block deletes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<VambeMock {self.name!r} at {self.base_url}>"

    def _unidentified(self) -> list[Document]:
        listed: list[Document] = self._control.call("GET", "/requests", unidentified="true")["requests"]
        return listed

    def _listed(self, name: str) -> list[Document]:
        listed: list[Document] = self.state[name]
        return listed

    def _verified(self, verification: Document, timeout: float) -> int:
        __tracebackhide__ = True
        body = verification | {"timeout_ms": round(timeout * 1000)}
        try:
            return int(self._control.call("POST", "/requests/verify", body, wait=timeout)["actual"])
        except CallFailed as error:
            if error.status != 409 or error.document is None:
                raise
            failure = _failure(self._failed_verification(error.document))
        raise failure

    def _failed_verification(self, document: Document) -> Iterator[str]:
        yield document["message"]
        yield f"  expected: {document['expected']}"
        if pattern := document["expected"].get("request"):
            for entry in self._control.call("POST", "/requests/find", pattern)["requests"][-MATCHES_SHOWN:]:
                request = entry["request"]
                yield f"  came: #{entry['id']}  {request['method']} {request['path']}  {terminal.status_of(entry)}"
        for miss in document["near_misses"]:
            yield f"  close: #{miss['id']}  {miss['request']}  {miss['status'] or 'no answer'}"
            for difference in miss["differences"]:
                found = repr(difference["actual"]) if "actual" in difference else "nothing"
                yield f"    {difference['field']}: expected {difference['expected']!r}, found {found}"


class Fault:
    """A fault rule that is set: its `id` and its hits."""

    def __init__(self, control: Client, document: Document) -> None:
        self.id: str = document["id"]
        self._control = control

    @property
    def hits(self) -> int:
        """The number of requests that it has hit; 0 when it is deleted."""
        rules = self._control.call("GET", "/faults")["faults"]
        return next((int(rule["hits"]) for rule in rules if rule["id"] == self.id), 0)

    def remove(self) -> None:
        """Delete the rule."""
        self._control.call("DELETE", f"/faults/{self.id}")


class Clock:
    """The sandbox's clock, the source of `created_at`. Delays, timeouts and rate limits use real time instead."""

    def __init__(self, control: Client) -> None:
        self._control = control

    @property
    def now(self) -> str:
        """The current time of the clock, such as `2025-11-26T09:00:00.000Z`."""
        return str(self._control.call("GET", "/clock")["now"])

    @property
    def mode(self) -> str:
        """`ticking` (each successful write advances it), `frozen` or `real`."""
        return str(self._control.call("GET", "/clock")["mode"])

    def set(self, now: str | datetime) -> None:
        """Set the time; a datetime without a zone is taken as UTC."""
        self._put(now=_instant(now))

    def freeze(self, now: str | datetime | None = None) -> None:
        """Stop the clock, at its current time or at `now`."""
        self._put(mode="frozen", **({} if now is None else {"now": _instant(now)}))

    def tick(self, ms: int = 1000) -> None:
        """Advance the clock by `ms` milliseconds with each successful write."""
        self._put(mode="ticking", tick_ms=ms)

    def run(self) -> None:
        """Follow the real time of the server's machine."""
        self._put(mode="real")

    def advance(self, seconds: int | timedelta) -> None:
        """Advance the clock, by whole seconds."""
        whole = seconds // timedelta(seconds=1) if isinstance(seconds, timedelta) else seconds
        self._control.call("POST", "/clock/advance", {"seconds": whole})

    def _put(self, **change: Any) -> None:
        self._control.call("PUT", "/clock", change)


async def _in_thread(call: Callable[[], int]) -> int:
    """Make a call in a thread, with asyncio or trio; when it is cancelled, nothing waits for the thread."""
    __tracebackhide__ = True
    try:
        import anyio
        import anyio.to_thread
    except ImportError:  # it comes with httpx, which asyncio can do without
        return await asyncio.to_thread(call)
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(math.inf))


def _instant(moment: str | datetime) -> str:
    if isinstance(moment, str):
        return moment
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _text(value: date | time) -> str:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return _instant(value) if isinstance(value, datetime) else value.isoformat()


def _pattern(operation: str | None, match: Mapping[str, Any]) -> Document:
    return {**({} if operation is None else {"operation": operation}), **match}


def _rule(operation: str | None, options: Mapping[str, Any], **effects: Any) -> Document:
    """Build a fault rule of effects and options; the options of `Match` form its pattern."""
    match = {name: value for name, value in options.items() if name in Match.__annotations__}
    others = {name: value for name, value in options.items() if name not in (*match, "request_headers")}
    if "request_headers" in options:
        match["headers"] = options["request_headers"]
    return {**effects, **others, "match": _pattern(operation, match)}


def _failure(lines: Iterable[str]) -> AssertionError:
    """An error whose lines reach a terminal as text, whatever clients sent."""
    return AssertionError("\n".join(map(printable, lines)))


def _fault_line(rule: Document) -> str:
    shown = {name: value for name, value in rule.items() if value and name != "id"}
    return f"  fault {rule['id']}: {shown}"


def _dropped(number: int) -> str:
    """The number of requests that the journal has dropped, and the way out."""
    return (
        f"{number} of the oldest are no longer in the journal. Raise journal_limit (--journal-limit) above what a test "
        'sends, or call reset(only=["journal"]) before'
    )


def _unread_line(entry: Document) -> str:
    request = entry["request"]
    return f"  #{entry['id']}  {request['method']} {request['path']}: {', '.join(entry['unread'])}"
