"""The settings, each defined once: flag, environment variable, default, meaning.

The command line, `create_app` and `MockServer` read them from `SETTINGS`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mockserver.clock import ClockSetting, parse_setting
from mockserver.fidelity import assumptions, evidence
from mockserver.fidelity.assumptions import Assumed
from mockserver.fidelity.evidence import Evidence
from mockserver.formats.json import quoted
from mockserver.keys import Shard, check_key, check_token, parse_shard

_log = logging.getLogger("mockserver")
ENVIRONMENT_PREFIX = "VAMBE_MOCK_"
URL_VARIABLE, KEY_VARIABLE = "VAMBE_API_URL", "VAMBE_API_KEY"  # set for applications under test


class InvalidSetting(ValueError):
    """A setting's value cannot be used; the message is one line that names the setting as it was given."""


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"{quoted(text)} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _like(pattern: str, kind: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{quoted(text)} is not {kind}")
        return text

    return parse


def _some(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("it is empty" if not text else "it has a NUL character")
    return text


def _database(text: str) -> Path | str:
    if text.startswith(_POSTGRESQL):
        return _some(text)
    # Names by which SQLite and URLs mean a database in memory, or a file by another name.
    if text.startswith((":memory:", "file:", "sqlite:")):
        raise ValueError(f"{quoted(text)} is no path of a file: leave it out to keep all in memory, or write ./{text}")
    if found := _PARAMETER.match(text):  # what follows may have a password
        raise ValueError(
            f"{quoted(found[0])} begins no path of a file: for PostgreSQL, use postgresql://user@host/name"
        )
    scheme, is_url, _ = text.partition("://")
    if is_url:
        raise ValueError(f"{quoted(scheme + is_url)} begins no URL of a database: use postgresql://user@host/name")
    return Path(_some(text))


_POSTGRESQL = ("postgresql://", "postgres://")
_PARAMETER = re.compile(r"(dbname|host|hostaddr|password|port|service|user) *=")  # as PostgreSQL also takes them


def _text(text: str) -> str:
    try:
        _some(text).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{quoted(text)} is not UTF-8") from None
    return text


def _path(text: str) -> Path:
    return Path(_some(text))


def _evidence(text: str) -> Evidence | None:
    """Read a file of evidence; log what is in it that this version of the contract does not have."""
    if not text:
        return None
    found = evidence.read(_path(text))
    if found.ignored:
        _log.warning("%s: %s", text, found.ignored)
    return found


_SWITCH = dict.fromkeys(["1", "true", "yes", "on"], True) | dict.fromkeys(["", "0", "false", "no", "off"], False)


def _switch(text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise ValueError(f"{quoted(text)} is neither true nor false")
    return _SWITCH[text.lower()]


_ORIGIN = r"[a-z][a-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"
_origin = _like(_ORIGIN, "an origin such as https://app.example.com")
_origin_or_all = _like(rf"\*|{_ORIGIN}", "an origin such as https://app.example.com, or *")
_PUBLIC_URL = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[1-9][0-9]{0,4})?(/(?!\.\.?(/|\Z))[A-Za-z0-9._~-]+)*/?"
_host = _like(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+", "a host name, such as mock.internal, without a port")


# A prefix with which a path of the mock itself begins, or one below that path, could not be told from it.
_OWN_PATHS = ("/api/public/", "/__admin/", "/docs/", "/openapi.json/")


def _public_url(text: str) -> str:
    url = _like(_PUBLIC_URL, "a URL such as https://mock.team.test/vambe")(text).rstrip("/")
    parts = urlsplit(url)
    path, _ = parts.path, parts.port  # a port above 65535 raises ValueError
    if path and any(own.startswith(f"{path}/") or f"{path}/".startswith(own) for own in _OWN_PATHS):
        raise ValueError(f"{quoted(path)} is a path of the mock itself: choose another one, such as /vambe")
    return url


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f"{quoted(text)} is neither an address nor a network such as 10.0.0.0/8") from None


def _setting(default: Any, parse: Callable[[str], Any], metavar: str, help: str, shown: str | None = None) -> Any:
    kind = "list" if default == () else "switch" if parse is _switch else "value"
    kind = "table" if parse is assumptions.parse else kind
    shown = str(default) if shown is None else shown
    return field(
        default=default, metadata={"parse": parse, "metavar": metavar, "help": help, "kind": kind, "shown": shown}
    )


@dataclass(frozen=True)
class Settings:
    """The settings of a server; the defaults are those of the command line."""

    host: str = _setting("127.0.0.1", _some, "HOST", "The address to listen on.")
    port: int = _setting(4010, _whole(0, 65535), "PORT", "The port to listen on; 0 picks a free one.")
    database: Path | str | None = _setting(
        None,
        _database,
        "PATH|URL",
        "The SQLite file to keep the sandboxes in, or the PostgreSQL database that several processes share, such as "
        "postgresql://user@host/name.",
        "in memory, up to 1 GiB",
    )
    durable: bool = _setting(
        False,
        _switch,
        "",
        "Answer a write only when it is on the disk, safe from a loss of power; slower.",
        "off",
    )
    fixtures: str = _setting(
        "default", _some, "NAME|DIR", "The initial state of sandboxes: shipped fixtures, or a folder such as ./mine."
    )
    seed: str = _setting("vambe", _text, "TEXT", "The seed of ids, for sandboxes opened from now on.")
    clock: ClockSetting = _setting(
        ClockSetting(),
        parse_setting,
        "MODE[@INSTANT]",
        "The clock of sandboxes opened from now on: ticking (one second per write), frozen or real.",
    )
    strict: bool = _setting(
        False,
        _switch,
        "",
        "Refuse what the vendor's pages do not promise to take, such as unread keys.",
        "off",
    )
    assume: tuple[tuple[str, str], ...] = _setting(
        (),
        assumptions.parse,
        "NAME=VALUE",
        "A guess about the vendor to replace, such as create-status=200; vambe-mock assumptions lists them.",
        "none",
    )
    evidence: Evidence | None = _setting(
        None,
        _evidence,
        "FILE",
        "A file of what was measured on the vendor, such as vambe-evidence.json; what it settles is no guess any more.",
        "none",
    )
    max_body: int = _setting(1_048_576, _whole(1, 1 << 30), "BYTES", "The largest request body.")
    max_sandboxes: int = _setting(1000, _whole(1, 1_000_000), "N", "The largest number of sandboxes.")
    sandbox_idle: int = _setting(
        600,
        _whole(0, 31_536_000),
        "SECONDS",
        "The time without use after which a sandbox that a key opened may make room for a new one.",
    )
    shard: Shard | None = _setting(
        None, parse_shard, "I/N", "Which one of several instances behind a load balancer this is, such as 2/3.", "none"
    )
    journal_limit: int = _setting(
        1000, _whole(1, 1_000_000), "N", "The number of requests that a sandbox's journal keeps, within 16 MiB."
    )
    max_delayed: int = _setting(2000, _whole(1, 100_000), "N", "The number of requests that may be delayed at once.")
    threads: int = _setting(64, _whole(1, 1024), "N", "The number of requests handled at once.")
    api_key: tuple[str, ...] = _setting(
        (), check_key, "KEY", "A key of your own that opens the sandbox default.", "none"
    )
    cors_origin: tuple[str, ...] = _setting(
        (),
        _origin_or_all,
        "ORIGIN",
        "An origin besides the loopback ones whose pages may call the API, or *.",
        "loopback only",
    )
    admin_token: str | None = _setting(
        None,
        check_token,
        "TOKEN",
        "The token that the control plane requires when the server does not listen on loopback.",
        "a random one, printed at the start",
    )
    admin_origin: tuple[str, ...] = _setting(
        (), _origin, "ORIGIN", "An origin whose pages may call the control plane.", "none"
    )
    allowed_host: tuple[str, ...] = _setting(
        (), _host, "HOST", "A Host header to answer besides the loopback ones.", "loopback only"
    )
    public_url: str | None = _setting(
        None,
        _public_url,
        "URL",
        "The URL at which a proxy offers the server, such as https://mock.team.test/vambe.",
        "none",
    )
    trusted_proxy: tuple[str, ...] = _setting(
        (),
        _network,
        "CIDR",
        "Proxies whose X-Forwarded-For, -Proto, -Host and -Prefix count, such as 127.0.0.1 or 10.0.0.0/8.",
        "none",
    )
    log_format: str = _setting("text", _like("text|json", "one of text, json"), "text|json", "The format of log lines.")
    ready_file: Path | None = _setting(
        None,
        _path,
        "PATH",
        "A file to write the line of --json to when the server is ready; it is removed at exit.",
        "none",
    )
    json: bool = _setting(False, _switch, "", "Print one line of JSON when ready, instead of text.", "off")
    stop_with_stdin: bool = _setting(
        False,
        _switch,
        "",
        "Stop when standard input ends, as it does with the process that holds its other end.",
        "off",
    )

    @property
    def is_shared(self) -> bool:
        """True when other processes may use the database."""
        return isinstance(self.database, str)

    @property
    def assumed(self) -> Assumed:
        """The value of each switch: the assumed one, else the measured one, else the default."""
        measured = self.evidence.switches() if self.evidence else {}
        return assumptions.assumed([*measured.items(), *self.assume])


def flag(name: str) -> str:
    """The command line option of a setting."""
    return "--" + name.replace("_", "-")


class Setting(NamedTuple):
    """A setting as the command line and the documentation present it."""

    name: str
    parse: Callable[[str], Any]
    metavar: str
    help: str
    kind: str
    shown: str

    @property
    def is_repeatable(self) -> bool:
        """True for a list, and for a table of names and values."""
        return self.kind in ("list", "table")

    @property
    def flag(self) -> str:
        """The command line option."""
        return flag(self.name)

    @property
    def variable(self) -> str:
        """The environment variable."""
        return ENVIRONMENT_PREFIX + self.name.upper()


SETTINGS = tuple(Setting(each.name, **each.metadata) for each in fields(Settings))


def resolve(
    options: Mapping[str, str | Sequence[str] | None],
    environment: Mapping[str, str],
    named: Callable[[str], str] = flag,
) -> Settings:
    """Resolve the settings from command line options, then the environment, then the defaults.

    Options map a setting's name to its text (a list's to its texts); None or an empty list means not given. In the
    environment, lists are separated by commas or blanks. A table has the entries of both, those of the options last.
    Raises InvalidSetting; `named` maps a setting's name to what its giver calls it.
    """
    environment = _without_service(environment)
    chosen: dict[str, Any] = {}
    for setting in SETTINGS:
        given = options.get(setting.name)
        found = [] if given in (None, (), []) else [_parse(setting, given, named(setting.name))]
        if setting.variable in environment and (not found or setting.kind == "table"):
            text = environment[setting.variable]
            given = list(filter(None, re.split(r"[\s,]+", text))) if setting.is_repeatable else text
            if given or setting.kind == "value":
                found.insert(0, _parse(setting, given, f"{setting.flag} ({setting.variable})"))
        if found:
            chosen[setting.name] = tuple(chain(*found)) if setting.kind == "table" else found[0]
    settings = Settings(**chosen)
    if settings.is_shared and not settings.admin_token:
        raise InvalidSetting(
            f"{named('admin_token')}: it is missing; the processes that share a PostgreSQL database need the same token"
        )
    return settings


def _without_service(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment without the address that Kubernetes puts into VAMBE_MOCK_PORT for a service named vambe-mock.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    name = ENVIRONMENT_PREFIX + "PORT"
    address = environment.get(name, "")
    if not re.match(r"(tcp|udp|sctp)://", address):
        return environment
    _log.warning("%s is ignored: %s is the address of a Kubernetes service, not a port", name, quoted(address))
    return {each: text for each, text in environment.items() if each != name}


def _parse(setting: Setting, given: str | Sequence[str], origin: str) -> Any:
    try:
        if setting.is_repeatable:
            return tuple(setting.parse(text) for text in given)
        return setting.parse(str(given))
    except ValueError as error:
        raise InvalidSetting(f"{origin}: {error}") from None
