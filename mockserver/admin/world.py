"""Calls about the world: health, reset, state, sandboxes, snapshots, clock, settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mockserver import __version__, clock, fields, fixtures, instants
from mockserver.admin.calls import Body, Call, call
from mockserver.clock import Clock
from mockserver.errors import BadRequest, Problem, ValidationFailed
from mockserver.sandbox import names, sandboxes, snapshots, state
from mockserver.sandbox.faults import MAX_DELAY_MS
from mockserver.sandbox.sandboxes import FIXTURES, PARTS
from mockserver.store.world import World

Document = dict[str, Any]
_LISTS = ("users", "statuses", "contacts", "customers", "tasks", "notes")


def _about(text: str, *examples: Any) -> dict[str, Any]:
    return {"description": text, **({"examples": list(examples)} if examples else {})}


class Reset(Body):
    """What to reset, and to what."""

    to = fields.Text(
        load_default=FIXTURES,
        metadata=_about("`fixtures`, `empty` (people and statuses stay), or the name of a snapshot.", "fixtures"),
    )
    parts = fields.Subset(
        PARTS, data_key="only", load_default=PARTS, metadata=_about("The parts to reset; all when left out.")
    )


class NewSandbox(Body):
    """A sandbox to open."""

    name = fields.Text(load_default=None, metadata=_about("Its name; one is made up when left out.", "gw3"))


class NewSnapshot(Body):
    """A snapshot to take."""

    name = fields.Text(required=True, metadata=_about("Its name.", "onboarded"))


class ClockChange(Body):
    """What of the clock to set."""

    mode = fields.Choice({mode: mode for mode in clock.MODES}, metadata=_about("How it moves.", "frozen"))
    now = fields.ClockInstant(metadata=_about("The time it shows.", "2026-03-01T08:00:00.000Z"))
    tick_ms = fields.WholeNumber(0, 86_400_000, metadata=_about("What a successful write adds when it ticks.", 1000))


class Advance(Body):
    """How far to move the clock."""

    seconds = fields.WholeNumber(0, 5_000_000_000, required=True, metadata=_about("Seconds.", 3600))


class RateLimit(Body):
    """So many requests in a window of real time."""

    requests = fields.WholeNumber(1, 1_000_000, required=True, metadata=_about("How many.", 100))
    seconds = fields.WholeNumber(1, 86_400, required=True, metadata=_about("The length of the window.", 60))


class SettingsChange(Body):
    """What of the sandbox's settings to change."""

    strict = fields.Boolean(metadata=_about("Refuse unread body keys, and dueTime without timezone."))
    delay_ms = fields.WholeNumber(0, MAX_DELAY_MS, metadata=_about("What every request waits.", 0))
    rate_limit = fields.Object(RateLimit, allow_none=True, metadata=_about("Null for none."))


@call("GET", "/health", about_a_sandbox=False)
def health(call: Call) -> Document:
    """Whether the mock answers, its version, and how many sandboxes there are."""
    return {"status": "healthy", "version": __version__, "sandboxes": len(call.mock.sandboxes.names())}


@call("POST", "/reset", body=Reset())
def reset(call: Call) -> Document:
    """Put the sandbox back to the fixtures, to nothing but people and statuses, or to a snapshot."""
    to = call.body["to"]
    if to not in (sandboxes.FIXTURES, sandboxes.EMPTY):
        snapshots.check_name(to)
    return _reset(call, to, call.body["parts"])


@call("GET", "/state")
def get_state(call: Call) -> Document:
    """The sandbox as one document, in the shape of a fixtures folder."""
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return state.document(opened.world)


@call("PUT", "/state", raw_body={"type": "object", "required": list(_LISTS)})
def put_state(call: Call) -> Document:
    """Replace everything that the state document holds, or nothing."""
    wrong = [Problem((name,), "required", "Required") for name in _LISTS if name not in call.body]
    known = ", ".join(_LISTS)
    wrong += [Problem((key,), "unknown", f"Unknown key; there are {known}") for key in call.body if key not in _LISTS]
    wrong += [
        Problem((name,), "invalid_type", f"Expected an array, received {fields.kind_of(call.body[name])}")
        for name in _LISTS
        if name in call.body and not isinstance(call.body[name], list)
    ]
    document, problems = fixtures.check(call.body) if not wrong else ({}, wrong)
    if problems:
        raise ValidationFailed(problems)
    call.mock.sandboxes.refill(call.sandbox, document)
    _superseded(call)
    call.mock.waiting.announce(call.sandbox, "state", lambda: {"replaced": True})
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return state.document(opened.world)


@call("GET", "/sandboxes", about_a_sandbox=False)
def list_sandboxes(call: Call) -> Document:
    """Every sandbox, with its key."""
    return {"sandboxes": [_sandbox(name, call.base_url) for name in call.mock.sandboxes.names()]}


@call("POST", "/sandboxes", body=NewSandbox(), status=201, about_a_sandbox=False)
def create_sandbox(call: Call) -> Document:
    """Open a sandbox, under a name that is made up when none is given."""
    return _sandbox(call.mock.sandboxes.create(call.body["name"]), call.base_url)


@call("DELETE", "/sandboxes/{name}", about_a_sandbox=False)
def delete_sandbox(call: Call) -> Document:
    """Forget a sandbox, its journal and its snapshots."""
    name = names.check_name(call.path["name"])
    call.mock.sandboxes.delete(name)
    call.mock.waiting.release(name)
    call.mock.sweeper.want()
    return {"deleted": name}


@call("GET", "/snapshots")
def list_snapshots(call: Call) -> Document:
    """The sandbox's snapshots."""
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return {"snapshots": snapshots.listed(opened)}


@call("POST", "/snapshots", body=NewSnapshot(), status=201, changes="snapshots")
def take_snapshot(call: Call) -> Document:
    """Keep the sandbox as it is, all but its journal, under a name."""
    name = snapshots.check_name(call.body["name"])
    with call.mock.sandboxes.open(call.sandbox) as opened:
        return snapshots.take(opened, name)


@call("POST", "/snapshots/{name}/restore")
def restore_snapshot(call: Call) -> Document:
    """Put the sandbox back as the snapshot has it; the journal goes on."""
    name = snapshots.check_name(call.path["name"])
    return _reset(call, name, [part for part in PARTS if part != "journal"])


@call("DELETE", "/snapshots/{name}", changes="snapshots")
def delete_snapshot(call: Call) -> Document:
    """Forget a snapshot."""
    name = snapshots.check_name(call.path["name"])
    with call.mock.sandboxes.open(call.sandbox) as opened:
        snapshots.remove(opened, name)
    call.mock.sweeper.want()
    return {"deleted": name}


@call("GET", "/clock")
def get_clock(call: Call) -> Document:
    """The sandbox's clock."""
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return _clock(opened.world)


@call("PUT", "/clock", body=ClockChange(), changes="clock")
def put_clock(call: Call) -> Document:
    """Set the clock: its mode, its time, what a write adds; what is left out stays.

    A clock that becomes real, and is not given a time, shows the machine's.
    """
    with call.mock.sandboxes.open(call.sandbox) as opened:
        old = opened.world.clock
        mode = call.body.get("mode", old.mode)
        if "now" in call.body:
            now_ms = clock.ms_of(call.body["now"])
        else:
            now_ms = clock.wall_ms() if mode == "real" != old.mode else clock.ms_of(_shown(old))
        opened.world.clock = Clock(mode, now_ms, clock.wall_ms(), call.body.get("tick_ms", old.tick_ms))
        return _clock(opened.world)


@call("POST", "/clock/advance", body=Advance(), changes="clock")
def advance_clock(call: Call) -> Document:
    """Move the clock on."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        old = opened.world.clock
        later = _moved(_shown(old), call.body["seconds"])
        opened.world.clock = Clock(old.mode, clock.ms_of(later), clock.wall_ms(), old.tick_ms)
        return _clock(opened.world)


@call("GET", "/settings")
def get_settings(call: Call) -> Document:
    """The sandbox's settings."""
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return _settings(opened.world)


@call("PATCH", "/settings", body=SettingsChange(), changes="settings")
def patch_settings(call: Call) -> Document:
    """Change some of the sandbox's settings."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        columns = opened.world.columns
        columns |= {name: call.body[name] for name in ("strict", "delay_ms") if name in call.body}
        if "rate_limit" in call.body:
            limit = call.body["rate_limit"] or {"requests": None, "seconds": None}
            columns |= {"rate_requests": limit["requests"], "rate_seconds": limit["seconds"], "rate_window_ms": 0}
        return _settings(opened.world)


def _reset(call: Call, to: str, only: list[str]) -> Document:
    call.mock.sandboxes.reset(call.sandbox, to, only)
    _superseded(call)
    done = {"sandbox": call.sandbox, "to": to, "only": list(only)}
    call.mock.waiting.announce(call.sandbox, "reset", lambda: done)
    return done


def _superseded(call: Call) -> None:
    """What the sandbox held is no more: its delayed requests end, and its rows are cleared up."""
    call.mock.waiting.release(call.sandbox)
    call.mock.sweeper.want()


def _sandbox(name: str, url: str) -> Document:
    return {"name": name, "api_key": names.PREFIX + name, "base_url": url}


def _clock(world: World) -> Document:
    return {"mode": world.clock.mode, "now": world.clock.read(), "tick_ms": world.clock.tick_ms}


def _shown(clock: Clock) -> datetime:
    """What a clock shows; one that ticks or runs may have left the years that it can be set to."""
    return instants.parse_date_time(clock.read())[0]


def _moved(moment: datetime, seconds: int) -> datetime:
    later = moment + timedelta(seconds=seconds)
    if later.year > clock.LATEST_YEAR:
        raise BadRequest(f"The clock shows years up to {clock.LATEST_YEAR} only")
    return later


def _settings(world: World) -> Document:
    columns = world.columns
    limit = {"requests": columns["rate_requests"], "seconds": columns["rate_seconds"]}
    return {
        "strict": bool(columns["strict"]),
        "delay_ms": columns["delay_ms"],
        "rate_limit": None if columns["rate_requests"] is None else limit,
    }
