"""A sandbox as a test suite holds it: what the fixture `vambe_mock` is, and what `with MockServer()` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict

from mockserver.client import terminal
from mockserver.client.client import CallFailed, Client
from mockserver.config import KEY_VARIABLE, URL_VARIABLE
from mockserver.testing.failures import Failure

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Unpack

Document = dict[str, Any]

API_KEY_HEADER = "x-api-key"
SHOWN, MATCHES_SHOWN = 50, 5  # entries in a text for people


class Match(TypedDict, total=False):
    """What a request must be like, beside its operation; every part may be left out.

    `path` may have `*` for any characters; `json` is a part of the body; `query` names parameters and their values.
    """

    method: str
    path: str
    query: Mapping[str, Any]
    json: Any


class Answered(Match, total=False):
    """What a request and its answer must be like."""

    status: int


class FaultOptions(Match, total=False):
    """Which requests a fault hits: those like `Match`, from when on, and how many.

    `when` is "before" (nothing is done; the default) or "after" the commit (it is done, and the client does not learn
    of it); `times` is how many are hit (1; None for ever), `skip` how many are let through first (0), and
    `probability` a chance from 0 to 1 that repeats with the sandbox's seed.
    """

    when: str
    times: int | None
    skip: int
    probability: float | None


class VambeMock:
    """A sandbox of a mock server: an own world, own tasks, own clock, own faults, own journal.

    `base_url` and `api_key` are what the application under test is given instead of the vendor's host and key.
    `name` is the sandbox's. Calls raise `CallFailed` where the mock refuses them.
    """

    def __init__(self, control: Client, name: str, api_key: str, transport: Callable[[], httpx.BaseTransport]) -> None:
        self.base_url = control.url
        self.name = name
        self.api_key = api_key
        self.clock = Clock(control)
        self._control = control
        self._transport = transport
        self._snapshots: list[str] = []

    @property
    def headers(self) -> dict[str, str]:
        """The headers that make a request one of this sandbox."""
        return {API_KEY_HEADER: self.api_key}

    @property
    def env(self) -> dict[str, str]:
        """What to put into the environment of an application that reads its host and key from there."""
        return {URL_VARIABLE: self.base_url, KEY_VARIABLE: self.api_key}

    @property
    def transport(self) -> Any:
        """A transport for `httpx.Client` and `httpx.AsyncClient` that needs no socket, whatever the client's base URL.

        With a server of another process it leads there. Needs httpx.
        """
        return self._transport()

    @property
    def state(self) -> Document:
        """The sandbox as one document: users, statuses, contacts, customers, tasks, notes; assign one to replace it."""
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
        """The tasks that are not deleted, in the order they came."""
        return self._listed("tasks")

    @property
    def notes(self) -> list[Document]:
        """The interactive notes, which no endpoint of the vendor's shows."""
        return self._listed("notes")

    def requests(self, operation: str | None = None, **match: Unpack[Answered]) -> list[Document]:
        """The journal's entries that are like this, oldest first: request, response, decision, problems, changes."""
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
        """Check how often it was asked so, and return how often it was.

        `times` is exact (0: never); without `times`, `at_least` and `at_most` once is enough. With a `timeout`, in
        seconds, requests that are still to come count too. Raises AssertionError that shows what came closest.
        """
        __tracebackhide__ = True
        bounds = {"exactly": times, "at_least": at_least, "at_most": at_most}
        wanted = {word: bound for word, bound in bounds.items() if bound is not None} or {"at_least": 1}
        return self._verified({"request": _pattern(operation, match), "times": wanted}, timeout)

    def verify_sequence(self, *patterns: str | Mapping[str, Any], timeout: float = 0.0) -> int:
        """Check that requests like these came in this order, others between them or not; return how many these are.

        A pattern is an operation's id, or a mapping of `operation` and the parts of `Answered`.
        Raises AssertionError that shows what came closest to the first that did not come.
        """
        __tracebackhide__ = True
        sequence = [{"operation": each} if isinstance(each, str) else dict(each) for each in patterns]
        return self._verified({"sequence": sequence}, timeout)

    def fail(
        self,
        operation: str | None = None,
        status: int = 503,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **options: Unpack[FaultOptions],
    ) -> Fault:
        """Answer the next request that is like this with an error: the vendor's own for that status, or `body`."""
        return self.fault(_rule(operation, options, status=status, headers=dict(headers or {}), body=body))

    def delay(self, operation: str | None = None, ms: int = 1000, **options: Unpack[FaultOptions]) -> Fault:
        """Have the next request that is like this wait for `ms` milliseconds of real time, then answer as usual."""
        return self.fault(_rule(operation, options, delay_ms=ms))

    def drop(self, operation: str | None = None, connection: str = "reset", **options: Unpack[FaultOptions]) -> Fault:
        """Break the connection of the next request that is like this: "reset", "empty", "truncate" or "garbage".

        With `when="after"` the request is carried out and its answer is lost, which is how duplicates are made.
        """
        return self.fault(_rule(operation, options, connection=connection))

    def apply(self, failure: Failure) -> Fault:
        """Make an operation fail as one of `mockserver.testing.failures` says."""
        return self.fault(failure.trigger)

    def fault(self, rule: Mapping[str, Any]) -> Fault:
        """Set a fault rule, as `POST /__admin/faults` takes it."""
        return Fault(self._control, self._control.call("POST", "/faults", dict(rule)))

    def clear_faults(self) -> None:
        """Delete every fault rule."""
        self._control.call("DELETE", "/faults")

    @property
    def settings(self) -> Document:
        """The sandbox's settings: `strict`, `delay_ms`, `rate_limit`."""
        return self._control.call("GET", "/settings")

    def configure(self, **settings: Any) -> Document:
        """Change some of the settings: `strict`, `delay_ms`, `rate_limit` (`{"requests": 100, "seconds": 60}`)."""
        return self._control.call("PATCH", "/settings", settings)

    def snapshot(self, name: str | None = None) -> str:
        """Keep the sandbox as it is, all but its journal, under a name (one is made up); the name."""
        chosen = name or f"snapshot-{len(self._snapshots) + 1}"
        self._control.call("POST", "/snapshots", {"name": chosen})
        self._snapshots.append(chosen)
        return chosen

    def restore(self, name: str | None = None) -> None:
        """Put the sandbox back as a snapshot has it: the one of that name, else the last that was taken here."""
        if name is None and not self._snapshots:
            raise LookupError("there is no snapshot to restore: call snapshot() first, or name one")
        self._control.call("POST", f"/snapshots/{name or self._snapshots[-1]}/restore")

    def reset(self, to: str = "fixtures", only: Sequence[str] | None = None) -> None:
        """Put the sandbox back: to "fixtures", to "empty", or to a snapshot; `only` some of its parts.

        The parts are tasks, journal, faults, clock, ids and settings.
        """
        self._control.call("POST", "/reset", {"to": to} | ({} if only is None else {"only": list(only)}))

    def explain(self) -> str:
        """The journal for people: each request, its answer, why it was refused, what nothing read, and advice."""
        entries = self.requests()
        left_out = len(entries) - SHOWN
        if not entries:
            return "No request was answered in this sandbox: does the client use its base_url and its api_key?"
        lines = [f"({left_out} earlier requests are left out)"] if left_out > 0 else []
        return "\n".join([*lines, *(terminal.format_entry(entry) for entry in entries[-SHOWN:])])

    def assert_nothing_unread(self) -> None:
        """Raise AssertionError when a request had a body key or a query name that nothing reads."""
        __tracebackhide__ = True
        unread = [entry for entry in self.requests() if entry["unread"]]
        if unread:
            raise AssertionError("Nothing reads what the client sent:\n" + "\n".join(map(_unread_line, unread)))

    def close(self) -> None:
        """Delete the sandbox. It may be gone already, as its server may be."""
        try:
            self._control.call("DELETE", f"/sandboxes/{self.name}")
        except CallFailed as error:
            if error.status not in (None, 404):
                raise

    def __enter__(self) -> VambeMock:
        """The sandbox itself; the end of the block deletes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<VambeMock {self.name!r} at {self.base_url}>"

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
            text = "\n".join(self._failed_verification(error.document))
        raise AssertionError(text)

    def _failed_verification(self, document: Document) -> Iterator[str]:
        yield document["message"]
        yield f"  asked for: {document['expected']}"
        if pattern := document["expected"].get("request"):
            for entry in self._control.call("POST", "/requests/find", pattern)["requests"][-MATCHES_SHOWN:]:
                request, status = entry["request"], entry["response"]["status"]
                yield f"  came: #{entry['id']}  {request['method']} {request['path']}  {status or 'no answer'}"
        for miss in document["near_misses"]:
            yield f"  close: #{miss['id']}  {miss['request']}  {miss['status'] or 'no answer'}"
            for difference in miss["differences"]:
                found = repr(difference["actual"]) if "actual" in difference else "nothing"
                yield f"    {difference['field']}: expected {difference['expected']!r}, found {found}"


class Fault:
    """A fault rule that was set: its `id`, and what becomes of it."""

    def __init__(self, control: Client, document: Document) -> None:
        self.id: str = document["id"]
        self._control = control

    @property
    def hits(self) -> int:
        """How many requests it has hit; 0 when it is deleted."""
        rules = self._control.call("GET", "/faults")["faults"]
        return next((int(rule["hits"]) for rule in rules if rule["id"] == self.id), 0)

    def remove(self) -> None:
        """Delete the rule."""
        self._control.call("DELETE", f"/faults/{self.id}")


class Clock:
    """The sandbox's clock, from which `created_at` comes. Delays, timeouts and rate limits are in real time instead."""

    def __init__(self, control: Client) -> None:
        self._control = control

    @property
    def now(self) -> str:
        """The time it shows, such as `2025-11-26T09:00:00.000Z`."""
        return str(self._control.call("GET", "/clock")["now"])

    @property
    def mode(self) -> str:
        """`ticking` (a successful write moves it), `frozen` or `real`."""
        return str(self._control.call("GET", "/clock")["mode"])

    def set(self, now: str | datetime) -> None:
        """Have it show a time; a date-time without a zone is taken as UTC."""
        self._put(now=_instant(now))

    def freeze(self, now: str | datetime | None = None) -> None:
        """Stop it, where it is or at a time."""
        self._put(mode="frozen", **({} if now is None else {"now": _instant(now)}))

    def tick(self, ms: int = 1000) -> None:
        """Have each successful write move it by so many milliseconds."""
        self._put(mode="ticking", tick_ms=ms)

    def run(self) -> None:
        """Have it show the time of the machine that the server runs on."""
        self._put(mode="real")

    def advance(self, seconds: int | timedelta) -> None:
        """Move it on, by whole seconds."""
        whole = seconds // timedelta(seconds=1) if isinstance(seconds, timedelta) else seconds
        self._control.call("POST", "/clock/advance", {"seconds": whole})

    def _put(self, **change: Any) -> None:
        self._control.call("PUT", "/clock", change)


def _instant(moment: str | datetime) -> str:
    if isinstance(moment, str):
        return moment
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _pattern(operation: str | None, match: Mapping[str, Any]) -> Document:
    return {**({} if operation is None else {"operation": operation}), **match}


def _rule(operation: str | None, options: Mapping[str, Any], **effects: Any) -> Document:
    """A fault rule of what it does, and of options of which those of `Match` say which requests it hits."""
    match = {name: value for name, value in options.items() if name in Match.__annotations__}
    others = {name: value for name, value in options.items() if name not in match}
    return {**effects, **others, "match": _pattern(operation, match)}


def _unread_line(entry: Document) -> str:
    request = entry["request"]
    return f"  #{entry['id']}  {request['method']} {request['path']}: {', '.join(entry['unread'])}"
