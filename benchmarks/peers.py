"""The servers that are measured, each as data: how to get it, how to start it, what to ask it, what it does not do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
CONFIGS = HERE / "configs"
INSTALLED = HERE / ".peers"
OPENAPI = HERE.parent / "docs" / "openapi.json"

NEEDED = "pip install '.[bench]'"

NUMBER = "@@@@@@@@"  # eight digits, others in each request
ID = "@ID@"  # of the task that was created last

_DAY = "2025-11-26"
_USER = "228d7a0d-9072-4ca8-939b-959b75cc606a"
_TASK = {
    "title": f"Call the client {NUMBER}",
    "description": "Ask for the signed offer",
    "responsibleIds": [_USER],
    "priority": "1",
    "dueDate": _DAY,
    "dueTime": "14:30",
    "timezone": "America/Santiago",
}
_CHANGED = f"Call the client back {NUMBER}"


class Missing(Exception):
    """Something that the benchmarks need is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class Call:
    """A request, and what a right answer to it has: one of these statuses, and this text.

    With `each`, every task that the answer lists is then asked for by that method.
    """

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    statuses: tuple[int, ...] = (200,)
    contains: str = ""
    each: str = ""


@dataclass(frozen=True)
class Dialogue:
    """What one test of a suite asks, in the words of a server. `setup` comes once, `clean` makes a clean world."""

    create: Call
    list: Call
    update: Call
    refuse: Call
    delete: Call
    setup: tuple[Call, ...] = ()
    clean: tuple[Call, ...] = ()
    id_pattern: str = r'"id":\s*"?([\w-]+)'

    def test(self) -> Sequence[Call]:
        """The calls of one test, in their order."""
        return [*self.clean, self.create, self.list, self.update, self.refuse, self.delete]


@dataclass(frozen=True)
class Peer:
    """A server. `command` takes a port and an empty folder; `package` is its pinned npm package, if it has one.

    `create` says what stands for the create, and the other texts what the server does of that which the project's
    create does; "no" is the whole text where it does not.
    """

    name: str
    command: Callable[[int, Path], list[str]]
    dialogue: Dialogue
    create: str
    validates: str
    stores: str
    journals: str
    clean: str
    package: str = ""
    distribution: str = ""
    suite: Dialogue | None = None  # for the tests of a suite, when it is another
    only_in: str = ""  # the one measure that it is a subject of; all when empty

    @property
    def version(self) -> str:
        """The version, as it is installed."""
        if self.distribution:
            return metadata.version(self.distribution)
        return self.package.rpartition("@")[2]

    def install(self) -> None:
        """See that it is there: have npm install its package, once."""
        try:
            _ = self.version
        except metadata.PackageNotFoundError:
            raise Missing(f"{self.distribution} is not installed: {NEEDED}") from None
        folder = _folder(self.package)
        if not self.package or (folder / "node_modules").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise Missing(f"{self.name} needs npm (Debian: apt-get install npm), or leave it out with --peer")
        line = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), self.package]
        if subprocess.run(line, check=False).returncode:  # noqa: S603 (a pinned package)
            shutil.rmtree(folder, ignore_errors=True)
            raise Missing(f"npm could not install {self.package}; leave it out with --peer")


def _rest(
    *,
    path: str = "/api/public/tasks",
    key: str = "test_bench",
    user: str = _USER,
    created: tuple[int, ...] = (201,),
    setup: tuple[Call, ...] = (),
    clean: tuple[Call, ...] = (),
    list_query: str = f"?responsibleIds=&fromDate={_DAY}&toDate={_DAY}&includeTasksWithoutDates=false",
) -> Dialogue:
    """The vendor's API."""
    keyed = {"x-api-key": key}
    sending = {**keyed, "Content-Type": "application/json"}
    task, changed = (json.dumps(_TASK | more) for more in ({}, {"title": _CHANGED}))
    refused = json.dumps({name: value for name, value in _TASK.items() if name != "title"})
    return Dialogue(
        create=Call("create", "POST", path, sending, task, created),
        list=Call("list", "GET", path + list_query, keyed, contains=str(_TASK["title"])),
        update=Call("update", "PUT", f"{path}/{ID}", sending, changed, contains=_CHANGED),
        refuse=Call("refuse", "POST", path, sending, refused, (400, 422), contains=""),
        delete=Call("delete", "DELETE", f"{path}/{ID}", keyed),
        setup=setup,
        clean=clean,
    )


def _dynamodb() -> Dialogue:
    """A table of tasks in DynamoDB: moto's nearest to a stored task. The client makes the ids, as DynamoDB wants it."""

    def call(name: str, target: str, content: object, **more: object) -> Call:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{target}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20250101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        return Call(name, "POST", "/", headers, json.dumps({"TableName": "tasks", **content}), **more)  # type: ignore

    text = {name: {"S": value} for name, value in _TASK.items() if isinstance(value, str)}
    item = {**text, "id": {"S": NUMBER}, "responsibleIds": {"L": [{"S": _USER}]}}
    key = {"dueDate": {"S": _DAY}, "id": {"S": NUMBER}}
    table = call(
        "table",
        "CreateTable",
        {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in key],
            "KeySchema": [
                {"AttributeName": "dueDate", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    return Dialogue(
        setup=(table,),
        clean=(Call("reset", "POST", "/moto-api/reset"), table),
        create=call("create", "PutItem", {"Item": item}),
        list=call(
            "list",
            "Query",
            {"KeyConditionExpression": "dueDate = :day", "ExpressionAttributeValues": {":day": {"S": _DAY}}},
            contains=NUMBER,
        ),
        update=call(
            "update",
            "UpdateItem",
            {
                "Key": key,
                "UpdateExpression": "SET title = :title",
                "ExpressionAttributeValues": {":title": {"S": _CHANGED}},
                "ReturnValues": "ALL_NEW",
            },
            contains=_CHANGED,
        ),
        refuse=call("refuse", "PutItem", {"Item": {"dueDate": {"S": _DAY}}}, statuses=(400,)),
        delete=call("delete", "DeleteItem", {"Key": key}),
        id_pattern=r"(?!)",
    )


def _folder(package: str) -> Path:
    """Where a package is installed; another version is elsewhere."""
    return INSTALLED / package.strip("@").replace("/", "-")


def _npm(package: str, script: str) -> str:
    return str(_folder(package) / "node_modules" / script)


def _ours(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "mockserver", "serve", "--port", str(port)]


_PRISM = "@stoplight/prism-cli@5.16.0"
_MOCKOON = "@mockoon/cli@9.9.0"
_JSON_SERVER = "json-server@0.17.4"
_WIREMOCK = "wiremock@3.13.2"

_BY_RESET = (Call("reset", "POST", "/__admin/reset"),)
_PURGE = (Call("reset", "POST", "/mockoon-admin/state/purge", {"Authorization": "Bearer bench"}),)
_EMPTY_EACH = (Call("empty", "GET", "/api/public/tasks", each="DELETE"),)
_ALL_OF_IT = "every field, and that users exist"

OURS = Peer(
    "vambe-mock",
    _ours,
    _rest(),
    "`createTask`",
    validates=_ALL_OF_IT,
    stores="a SQLite file",
    journals="the newest 1,000, with reasons",
    clean="a key of its own for each test: no call",
    distribution="vambe-mock",
    suite=_rest(key=f"test_{NUMBER}"),
)

PEERS: tuple[Peer, ...] = (
    OURS,
    Peer(
        "vambe-mock, by reset",
        _ours,
        _rest(clean=_BY_RESET),
        "`createTask`",
        validates=_ALL_OF_IT,
        stores="a SQLite file",
        journals="the newest 1,000, with reasons",
        clean="`POST /__admin/reset`",
        distribution="vambe-mock",
        only_in="suite",
    ),
    Peer(
        "Prism",
        lambda port, folder: [
            "node",
            _npm(_PRISM, "@stoplight/prism-cli/dist/index.js"),
            *("mock", str(OPENAPI), "--port", str(port), "--verboseLevel", "silent"),
        ],
        _rest(),
        "the same, of the project's own OpenAPI document; the answer is its example",
        validates="every field, by the document",
        stores="no",
        journals="no",
        clean="nothing to clean",
        package=_PRISM,
    ),
    Peer(
        "Mockoon",
        lambda port, folder: [
            "node",
            _npm(_MOCKOON, "@mockoon/cli/bin/run.js"),
            *("start", "--data", str(CONFIGS / "mockoon" / "environment.json"), "--port", str(port)),
            *("--hostname", "127.0.0.1", "--disable-log-to-file", "--admin-api-token", "bench"),
        ],
        _rest(list_query="", clean=_PURGE),
        "the same, of a CRUD route over a data bucket",
        validates="one rule written for it: there is a title",
        stores="memory, the body as it came",
        journals="the newest 100",
        clean="`POST /mockoon-admin/state/purge`",
        package=_MOCKOON,
    ),
    Peer(
        "json-server",
        lambda port, folder: [
            "node",
            _npm(_JSON_SERVER, "json-server/lib/cli/bin.js"),
            *(str(CONFIGS / "json-server" / "tasks.js"), "--routes", str(CONFIGS / "json-server" / "routes.json")),
            *("--host", "127.0.0.1", "--port", str(port), "--quiet", "--no-gzip"),
        ],
        _rest(list_query=f"?dueDate={_DAY}", clean=_EMPTY_EACH),
        "the same, of a collection in memory",
        validates="no",
        stores="memory, the body as it came",
        journals="no",
        clean="no call for it: list, and delete what is left",
        package=_JSON_SERVER,
    ),
    Peer(
        "WireMock",
        lambda port, folder: [
            "java",
            *("-jar", _npm(_WIREMOCK, "wiremock/build/wiremock-standalone-3.13.2.jar")),
            *("--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(CONFIGS / "wiremock")),
            *("--disable-banner", "--max-request-journal-entries", "1000"),
        ],
        _rest(clean=(Call("reset", "POST", "/__admin/reset"),)),
        "the same, of stubs with a JSON schema; the answer is fixed",
        validates="every field, by a JSON schema written for it",
        stores="no",
        journals="the newest 1,000 (as set here)",
        clean="`POST /__admin/reset`",
        package=_WIREMOCK,
    ),
    Peer(
        "moto",
        lambda port, folder: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        _dynamodb(),
        "DynamoDB `PutItem` into a table of tasks, its key a day and an id",
        validates="the key of the item",
        stores="memory, the item as it came",
        journals="no",
        clean="`POST /moto-api/reset`, and the table made again",
        distribution="moto",
    ),
)
