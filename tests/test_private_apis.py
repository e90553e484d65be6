"""The private names of libraries and of Python that the package relies on, checked against the installed versions.

A row that fails names the version that broke it: the last column says what the name is used for.
"""

from __future__ import annotations

import importlib
import inspect
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

import pytest

from mockserver.server.connection import Connection
from mockserver.server.loop import Loop


class Private(NamedTuple):
    """A name that a library does not promise to keep.

    `parameters` are those of a function, or None for anything else.
    """

    distribution: str
    owner: str
    name: str
    parameters: str | None
    use: str


CHANNEL, SERVER = "waitress.channel.HTTPChannel", "waitress.server.TcpWSGIServer"


def functions(distribution: str, owner: str, use: str, **parameters: str) -> list[Private]:
    return [Private(distribution, owner, name, names, use) for name, names in parameters.items()]


def values(distribution: str, owner: str, use: str, names: str) -> list[Private]:
    return [Private(distribution, owner, name, None, use) for name in names.split()]


PRIVATE = (
    # Connections.
    *functions(
        "waitress",
        CHANNEL,
        "overridden: deadlines, and a close that lets the client read its refusal",
        __init__="self server sock addr adj map",
        handle_read_event="self",
        received="self data",
        service="self",
        write_soon="self data",
        send="self data do_close",
        handle_write="self",
        handle_expt="self",
        handle_close="self",
        _flush_outbufs_below_high_watermark="self",
    ),
    *functions(
        "waitress",
        CHANNEL,
        "called",
        send_continue="self",
        check_client_disconnected="self",
        _flush_exception="self flush do_close",
        _flush_some="self do_close",
        _flush_some_if_lockable="self do_close",
    ),
    *values("waitress", CHANNEL, "the queue of requests", "request requests requests_lock sent_continue"),
    *values("waitress", CHANNEL, "what waits to be sent", "outbuf_lock total_outbufs_len current_outbuf_count"),
    *values("waitress", CHANNEL, "its end", "connected will_close close_when_flushed"),
    *values("waitress", CHANNEL, "its server, settings and peer", "server adj addr socket"),
    *values("waitress", "waitress.wasyncore.dispatcher", "its place in the loop, which it may leave", "_map _fileno"),
    *values("waitress", "waitress.channel", "ends a task whose client has gone", "ClientDisconnected"),
    *functions("waitress", "waitress.utilities", "the Date of an answer", build_http_date="when"),
    # The loop.
    *functions(
        "waitress",
        SERVER,
        "overridden: the loop, its threads and its limits are ours",
        __init__="self application map _start _sock dispatcher adj sockinfo bind_socket kw",
        set_reuse_addr="self",
        run="self",
        add_task="self task",
        pull_trigger="self",
        readable="self",
        handle_accept="self",
        handle_error="self",
        close="self",
    ),
    *functions("waitress", SERVER, "called", set_socket_options="self conn", writable="self"),
    *values(
        "waitress",
        SERVER,
        "the state of the loop",
        "application adj channel_class active_channels accepting socket trigger server_name effective_port _map",
    ),
    *functions(
        "waitress",
        "waitress.trigger._triggerbase",
        "wakes the loop, through sockets of ours",
        __init__="self",
        pull_trigger="self thunk",
        close="self",
    ),
    *functions("waitress", "waitress.trigger.trigger", "overridden: as above", _close="self", _physical_pull="self"),
    *functions(
        "waitress",
        "waitress.wasyncore",
        "a turn of the loop",
        loop="timeout use_poll map count",
        readwrite="obj flags",
    ),
    *functions("waitress", "waitress.wasyncore.dispatcher", "stops listening", close="self"),
    *functions("waitress", "waitress.adjustments.Adjustments", "the settings", __init__="self kw"),
    # The store.
    *functions("peewee", "peewee.SqliteDatabase", "overridden: the connections can be closed", _connect="self"),
    *values("peewee", "peewee.SqliteDatabase", "the connection of a thread", "_state"),
    *functions("peewee", "peewee._ConnectionState", "its `conn` is that connection", set_connection="self conn"),
    *values("peewee", "peewee.Metadata", "the columns of a table", "fields sorted_fields sorted_field_names"),
    *functions("peewee", "peewee.Metadata", "the columns of a table", get_default_dict="self"),
    # Python.
    *values("Python", "json.encoder", "one encoder for all documents", "c_make_encoder encode_basestring"),
    *values("Python", "json.JSONDecoder", "decodes without looking for blanks", "scan_once"),
    *values("Python", "_socket.socket", "accepts where a test replaces the class of sockets", "_accept"),
    *values("Python", "sys", "tells whose pattern is compiled", "_getframe"),
    # Flask and Werkzeug.
    *values("Flask", "flask.globals", "the methods that OPTIONS answers with", "request_ctx"),
    *values("Flask", "flask.ctx.RequestContext", "the methods that OPTIONS answers with", "url_adapter"),
    *functions(
        "Werkzeug",
        "werkzeug.routing.Rule",
        "overridden: what builds a rule's URL is compiled with the first that is built",
        _compile_builder="self append_unknown",
    ),
)

OVERRIDING = {CHANNEL: Connection, SERVER: Loop}


def found(dotted: str) -> object:
    """A module, or what is in one."""
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(module), name)


def own(owner: object, name: str) -> bool:
    """Test if the owner has the name; attributes of instances are looked up in `__init__`."""
    if hasattr(owner, name):
        return True
    return name in {used for base in getattr(owner, "__mro__", ()) for used in _used(base.__init__)}


def _used(function: object) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_names if code else ()


@pytest.mark.parametrize("private", PRIVATE, ids=lambda private: f"{private.owner}.{private.name}")
def test_a_private_name_is_still_what_is_relied_on(private: Private) -> None:
    is_python = private.distribution == "Python"
    version = platform.python_version() if is_python else metadata.version(private.distribution)
    installed = f"{private.distribution} {version}"
    broken = f"{installed} has no {private.owner}.{private.name} as it is relied on: {private.use}"
    owner = found(private.owner)
    assert own(owner, private.name), broken
    if private.parameters is not None:
        assert list(inspect.signature(getattr(owner, private.name)).parameters) == private.parameters.split(), broken


def overridden() -> Iterator[tuple[str, str]]:
    """The names that our classes override."""
    for owner, ours in OVERRIDING.items():
        for name in vars(ours):
            if name not in vars(object) and own(found(owner), name):
                yield owner, name


def test_whatever_is_overridden_is_in_the_list() -> None:
    listed = {(private.owner, private.name) for private in PRIVATE}
    bookkeeping = {"__module__", "__dict__", "__weakref__", "__annotations__", "__static_attributes__"}
    assert {(owner, name) for owner, name in overridden() if name not in bookkeeping} <= listed
