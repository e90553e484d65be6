"""Run a server in the foreground: bind the port, open the database, announce the URL, serve until stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from mockserver import __version__, fixtures, keys, logs
from mockserver.application import create_app
from mockserver.config import Settings, flag
from mockserver.domain.team import list_team_members
from mockserver.engine import EXTENSION, Engine
from mockserver.server import Server, raise_file_limit
from mockserver.store.transactions import UnusableDatabase
from mockserver.web import hosts
from mockserver.web.proxies import guarded

_log = logging.getLogger("mockserver.server")


class CannotListen(Exception):
    """The address or the ready file cannot be used; the message names the option."""


def serve(settings: Settings) -> None:
    """Run a server until SIGINT or SIGTERM, or until standard input ends if the settings say so.

    Raises CannotListen, `InvalidFixtures` or `UnusableDatabase` before anything is served.
    """
    logs.configure("json" if settings.log_format == "json" else "text")
    _on_signals(sys.exit)
    raise_file_limit()
    with bound_server(settings) as (server, engine, _):
        end = partial(_end, server, engine)
        _on_signals(end)
        if settings.stop_with_stdin:
            threading.Thread(target=_at_end_of_stdin, args=[end], daemon=True).start()
        generated = None if settings.admin_token else engine.settings.admin_token
        ready = _ready(settings, server, generated)
        with _ready_file(settings.ready_file, ready):
            _announce(settings, ready, server, engine, generated)
            with _logged(settings, server):
                server.serve()


@contextlib.contextmanager
def _logged(settings: Settings, server: Server) -> Iterator[None]:
    """Log the start and the stop in the format JSON; in text, the announcement on standard output tells the start."""
    if settings.log_format == "json":
        _log.info("started on %s", server.url)
    yield
    if settings.log_format == "json":
        _log.info("stopped")


class BoundServer(NamedTuple):
    """A bound server, its engine, and the application for calls in process, as no proxy shows it."""

    server: Server
    engine: Engine
    application: Callable[..., Iterable[bytes]]


@contextlib.contextmanager
def bound_server(settings: Settings, named: Callable[[str], str] = flag) -> Iterator[BoundServer]:
    """Bind a server and open its engine; the block starts the server, and its end closes both.

    Errors call a setting what `named` makes of its name. The port is bound before the database is opened, so that a
    port in use leaves the file untouched.
    """
    with _bind(settings, named) as server:
        engine, application = _open(_guarded(settings, server), named)
        try:
            engine.waiting.before_wait = server.step_aside
            server.loop.application = guarded(application, settings, server.loopback)
            yield BoundServer(server, engine, application)
        finally:
            _end(server, engine)
            engine.close()


def _end(server: Server, engine: Engine) -> None:
    """Stop serving; requests that wait are ended instead of being waited for."""
    engine.release()
    server.stop()


def _guarded(settings: Settings, server: Server) -> Settings:
    """The settings with an admin token, which is required off loopback and behind a proxy, and not used elsewhere."""
    if server.loopback and not (settings.public_url or settings.trusted_proxy):
        return replace(settings, admin_token=None)
    return settings if settings.admin_token else replace(settings, admin_token=secrets.token_urlsafe(24))


def _bind(settings: Settings, named: Callable[[str], str]) -> Server:
    try:
        return Server(
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            max_body=settings.max_body,
            refusal_headers=_cors_headers(settings),
        )
    except OSError as error:
        cause = error.strerror or error
        raise CannotListen(f"{named('host')} {settings.host} {named('port')} {settings.port}: {cause}") from None


def _cors_headers(settings: Settings) -> Callable[[str, str | None], list[tuple[str, str]]]:
    """The CORS headers of the server's own refusals."""
    admin, api = hosts.exact_origins(settings.admin_origin), hosts.origins(settings.cors_origin)
    return lambda path, origin: hosts.cors_headers(origin, admin if path.startswith("/__admin") else api)


def _open(settings: Settings, named: Callable[[str], str]) -> tuple[Engine, Any]:
    try:
        app = create_app(settings)
    except fixtures.InvalidFixtures as error:
        raise fixtures.InvalidFixtures([f"{named('fixtures')}: {error}"]) from None
    except UnusableDatabase as error:
        raise UnusableDatabase(f"{named('database')}: {error}") from None
    return app.extensions[EXTENSION], app


def _on_signals(end: Callable[[], object]) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: end())


def _at_end_of_stdin(act: Callable[[], object]) -> None:
    if sys.stdin:  # it is not closed
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), 65_536):  # not by the file, which is locked while this thread reads
                pass
    act()


def _ready(settings: Settings, server: Server, token: str | None) -> str:
    """The line of `--json` and `--ready-file`; `token` is the admin token if it was generated."""
    event = {"event": "ready", "url": server.url, "api_key": keys.DEFAULT_KEY, "pid": os.getpid()}
    more = {"version": __version__, "public_url": settings.public_url, "admin_token": token}
    return json.dumps(event | {name: text for name, text in more.items() if text})


@contextlib.contextmanager
def _ready_file(path: Path | None, line: str) -> Iterator[None]:
    """Keep the ready file while the block runs; it is written atomically."""
    if path is None:
        yield
        return
    partial = Path(f"{path}.{os.getpid()}")
    try:
        partial.write_text(line + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CannotListen(f"--ready-file {path}: {error.strerror}") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _announce(settings: Settings, ready: str, server: Server, engine: Engine, token: str | None) -> None:
    try:
        click.echo(ready if settings.json else _welcome(settings, server, _first_user(engine), token))
    except OSError:
        discard_output()  # standard output is closed or full: serve anyway


def discard_output() -> None:
    """Discard what cannot be written to standard output, so that it does not fail again at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _first_user(engine: Engine) -> str:
    with engine.sandboxes.look(keys.DEFAULT) as opened:
        return str(list_team_members(opened.world)[0]["id"])


def _welcome(settings: Settings, server: Server, user_id: str, token: str | None) -> str:
    task = json.dumps({"title": "Call the client", "responsibleIds": [user_id], "priority": "1"})
    url = server.url
    where = "behind a proxy" if server.loopback else "off loopback"
    return (
        f"vambe-mock {__version__} answers on {url}\n"
        + (f"Public URL: {settings.public_url}\n" if settings.public_url else "")
        + f"API key: {keys.DEFAULT_KEY} (any test_<name> opens a sandbox of its own)\n"
        + (f"Admin token: {token} (the control plane requires it {where})\n" if token else "")
        + f"Try it: curl -s {url}/api/public/tasks -H 'x-api-key: {keys.DEFAULT_KEY}' "
        f"-H 'content-type: application/json' -d '{task}'"
    )
