"""Calls about the world: health, reset, state, sandboxes, snapshots, clock, settings."""

from __future__ import annotations

from mockserver import __version__, clock, fixtures, keys
from mockserver.admin import schemas
from mockserver.admin.calls import Call, call
from mockserver.clock import Clock
from mockserver.domain import statuses
from mockserver.engine import Engine
from mockserver.errors import BadRequest, ValidationFailed
from mockserver.fidelity import advice
from mockserver.formats.json import Document, quoted
from mockserver.sandbox import resetting, settings, snapshots, state
from mockserver.sandbox.resetting import PARTS
from mockserver.store.contents import World


@call(about_a_sandbox=False)
def health(call: Call) -> Document:
    """The mock's health, its version, and its number of sandboxes."""
    number = len(call.engine.sandboxes.names())
    return {"status": "healthy", "version": __version__, "sandboxes": number, **_shard_of(call.engine)}


@call(body_schema=schemas.Reset())
def reset(call: Call) -> Document:
    """Reset the sandbox to the fixtures, to people and statuses only, or to a snapshot."""
    to = call.body["to"]
    if to not in (snapshots.FIXTURES, snapshots.EMPTY):
        snapshots.check_name(to)
    return _reset(call, to, call.body["parts"])


@call()
def get_state(call: Call) -> Document:
    """The sandbox as one document, in the shape of a fixtures folder."""
    return _state(call)


@call(body_schema=schemas.State(), needs_body=True)
def put_state(call: Call) -> Document:
    """Replace everything that the state document holds; an invalid document changes nothing."""
    with call.engine.sandboxes.look_or_open(call.sandbox) as opened:
        now_ms, open_ended = opened.world.clock.read_ms(), _open_ended(opened.world)
    document, problems = fixtures.check(fixtures.absolute(call.body, now_ms), open_ended=open_ended)
    if problems:
        raise ValidationFailed(problems)
    resetting.refill(call.engine.sandboxes, call.sandbox, document)
    _superseded(call.engine, call.sandbox)
    call.engine.waiting.announce(call.sandbox, "state", lambda: {"replaced": True})
    return _state(call)


@call(body_schema=schemas.NewTask(), status=201, changes="tasks")
def add_task(call: Call) -> Document:
    """Add a task without a request, by the names of the fixtures; what is left out gets a default."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        world = opened.world
        people = state.people(world)
        first = next(user["id"] for user in people["users"] if user["active"])
        task = {
            "title": f"Task {state.number_of_tasks(world) + 1}",
            "created_at": world.clock.read(),
            "task_status_config_id": statuses.initial(statuses.load(world))["id"],
            "priority": 1,
            "creator_id": first,
            "task_responsibles": [{"responsible_id": first}],
            **call.body,
        }
        now_ms = world.clock.read_ms()
        checked, problems = fixtures.check_task({"id": first, **task}, people, now_ms, _open_ended(world))
        if problems:
            raise ValidationFailed(problems)
        return state.add_task(world, checked if "id" in call.body else {**checked, "id": None})


@call(about_a_sandbox=False)
def list_sandboxes(call: Call) -> Document:
    """Every sandbox, with its key."""
    listed = [_sandbox(name, call.base_url) for name in call.engine.sandboxes.names()]
    return {"sandboxes": listed, **_shard_of(call.engine)}


@call(query_schema=schemas.NEW_SANDBOX, body_schema=schemas.NewSandbox(), status=201, about_a_sandbox=False)
def create_sandbox(call: Call) -> Document:
    """Open a sandbox, under a generated name when none is given."""
    asked, name, shard = call.query["sandbox"], call.body["name"], call.engine.settings.shard
    if None not in (asked, name) and asked != name:
        raise BadRequest(f"The query names the sandbox {quoted(asked)}, the body {quoted(name)}: send one name")
    made = call.engine.sandboxes.create(asked or name, shard.prefix if shard else keys.MADE_UP)
    astray = advice.of_shard(shard, made)
    return {**_sandbox(made, call.base_url), **({"advice": astray} if astray else {})}


@call(path_schema=schemas.SANDBOX_NAME, about_a_sandbox=False)
def delete_sandbox(call: Call) -> Document:
    """Delete a sandbox, its journal and its snapshots."""
    name = call.path["name"]
    call.engine.sandboxes.delete(name)
    _superseded(call.engine, name)
    done = {"deleted": name}
    call.engine.waiting.announce(name, "deleted", lambda: done)
    return done


@call()
def list_snapshots(call: Call) -> Document:
    """The sandbox's snapshots."""
    with call.engine.sandboxes.look(call.sandbox) as opened:
        return {"snapshots": snapshots.listed(opened)}


@call(body_schema=schemas.NewSnapshot(), status=201, changes="snapshots")
def take_snapshot(call: Call) -> Document:
    """Save the sandbox's state, without its journal, under a name."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        return snapshots.take(opened, call.body["name"])


@call(path_schema=schemas.SNAPSHOT_NAME)
def restore_snapshot(call: Call) -> Document:
    """Restore the sandbox from the snapshot; the journal is kept."""
    name = call.path["name"]
    return _reset(call, name, [part for part in PARTS if part != "journal"])


@call(path_schema=schemas.SNAPSHOT_NAME, changes="snapshots")
def delete_snapshot(call: Call) -> Document:
    """Delete a snapshot."""
    name = call.path["name"]
    with call.engine.sandboxes.open(call.sandbox) as opened:
        snapshots.remove(opened, name)
    call.engine.sweeper.want()
    return {"deleted": name}


@call()
def get_clock(call: Call) -> Document:
    """The sandbox's clock."""
    with call.engine.sandboxes.look(call.sandbox) as opened:
        return opened.world.clock.document()


@call(body_schema=schemas.ClockChange(), changes="clock")
def put_clock(call: Call) -> Document:
    """Set the clock: its mode, its time, the step per write; what is left out is unchanged.

    A clock that becomes real without a given time shows the machine's.
    """
    with call.engine.sandboxes.open(call.sandbox) as opened:
        old = opened.world.clock
        mode = call.body.get("mode", old.mode)
        kept_ms = clock.wall_ms() if mode == "real" != old.mode else old.read_ms()
        now_ms = clock.ms_of(call.body["now"]) if "now" in call.body else kept_ms
        opened.world.clock = Clock(mode, now_ms, clock.wall_ms(), call.body.get("tick_ms", old.tick_ms))
        return opened.world.clock.document()


@call(body_schema=schemas.Advance(), changes="clock")
def advance_clock(call: Call) -> Document:
    """Move the clock forward."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        old = opened.world.clock
        later_ms = old.read_ms() + call.body["seconds"] * 1000
        if later_ms > clock.LATEST_MS:
            raise BadRequest(f"The clock shows years up to {clock.LATEST_YEAR} only")
        opened.world.clock = Clock(old.mode, later_ms, clock.wall_ms(), old.tick_ms)
        return opened.world.clock.document()


@call()
def get_settings(call: Call) -> Document:
    """The sandbox's settings."""
    return _settings(call)


@call(body_schema=schemas.SettingsChange(), changes="settings")
def patch_settings(call: Call) -> Document:
    """Change some of the sandbox's settings."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        settings.change(opened.world, call.body)
    return _settings(call)


def _settings(call: Call) -> Document:
    with call.engine.sandboxes.look(call.sandbox) as opened:
        return settings.document(opened.world, call.engine.sandboxes.assumed)


def _state(call: Call) -> Document:
    with call.engine.sandboxes.look(call.sandbox) as opened:
        document = state.fetch(opened.world)
    return document()


def _reset(call: Call, to: str, only: list[str]) -> Document:
    resetting.reset(call.engine.sandboxes, call.sandbox, to, only)
    _superseded(call.engine, call.sandbox)
    done = {"sandbox": call.sandbox, "to": to, "only": list(only)}
    call.engine.waiting.announce(call.sandbox, "reset", lambda: done)
    return done


def _open_ended(world: World) -> frozenset[str]:
    """The lists in which a task may refer to what is not there."""
    return frozenset(("contacts", "customers") if world.assumed["unknown-contact"] == "accepted" else ())


def _superseded(engine: Engine, sandbox: str) -> None:
    """End delayed requests of a sandbox whose contents were replaced, and have its old rows deleted."""
    engine.waiting.release(sandbox)
    engine.sweeper.want()


def _shard_of(engine: Engine) -> Document:
    """The shard that answers, where there are several."""
    return {"shard": str(engine.settings.shard)} if engine.settings.shard else {}


def _sandbox(name: str, url: str) -> Document:
    return {"name": name, "api_key": keys.PREFIX + name, "base_url": url}
