"""The probes, as data: the requests that show how the vendor behaves, in the order in which they are sent.

`{NAMES}` in a path, a header or a body are filled in when a probe is sent:

- `RUN`: eight hexadecimal digits made up for the run; titles bear them.
- `UNKNOWN`: an id made up for the run, which nobody has.
- `USER`, `OTHER`: the first two of the organization's users, or twice the only one.
- `TASK`, `UPPER`: the id of the task that the run has created, and the same in upper case.
- `POSITION`: the order of the initial status, where no other probe tries it.
- `CONTACT`, `INACTIVE`: ids that the caller gives.

All due dates are near 2030-01-15: a list of those days has the tasks that earlier runs left, and few others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from mockserver.api.operations import BASE_PATH
from mockserver.formats import ids
from mockserver.vendor import Request

STAGES = READ_ONLY, REFUSALS, WRITE = ("read-only", "refusals", "write")
TITLE = "vambe-mock conform {RUN}: a test, may be deleted"
OF_A_RUN = re.compile(r"\s*vambe-mock conform ([0-9a-f]{8}): ")  # the beginning of such a title
TASK = "TASK"

_ABSENT = object()
_NAME = re.compile(r"\{([A-Z]+)\}")
_DAYS = "fromDate=2030-01-13&toDate=2030-01-17"
_DAY = "fromDate=2030-01-15&toDate=2030-01-15"
_VALID = {"title": TITLE, "responsibleIds": ["{USER}"], "priority": "1"}


class Missing(Exception):
    """A name of a probe has no value in this run."""


class Probe(NamedTuple):
    """A request, with names to be filled in: `body` is a JSON value, or a text as it is sent, with a JSON type.

    `keeps` is the name that the id of the created task gets; a task without one is deleted at once.
    """

    name: str
    stage: str
    method: str
    path: str
    body: Any = _ABSENT
    headers: Mapping[str, str] = {}
    keyed: bool = True
    keeps: str = ""

    @property
    def may_create(self) -> bool:
        """True for a request that creates a task unless it is refused."""
        return self.method == "POST"

    @property
    def shown(self) -> str:
        """The request as text, with its names."""
        body = "" if self.body is _ABSENT else f" {_text(self.body) or '(an empty body)'}"
        headers = "".join(f", {name}: {text}" for name, text in self.headers.items())
        key = "" if self.keyed or self.headers else ", without a key"
        return f"{self.method} {BASE_PATH}{self.path}{body}{headers}{key}"

    def request(self, names: Mapping[str, Any]) -> Request:
        """The request, with these values for its names; raises Missing, with the first name that has none."""
        path = BASE_PATH + _NAME.sub(lambda found: quote(str(_value(found[1], names)), safe=""), self.path)
        headers = _filled(self.headers, names)
        if self.body is _ABSENT:
            return Request(self.method, path, headers, None, self.keyed)
        body = _text(_filled(self.body, names)).encode()
        return Request(self.method, path, {"Content-Type": "application/json", **headers}, body, self.keyed)


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    """A value of JSON with its names filled in; a text that is only a name becomes the name's value."""
    if isinstance(value, Mapping):
        return {key: _filled(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, names) for member in value]
    if not isinstance(value, str):
        return value
    if whole := _NAME.fullmatch(value):
        return _value(whole[1], names)
    return _NAME.sub(lambda found: str(_value(found[1], names)), value)


def _value(name: str, names: Mapping[str, Any]) -> Any:
    if name not in names:
        raise Missing(name)
    return names[name]


def _get(name: str, path: str, **rest: Any) -> Probe:
    return Probe(name, READ_ONLY, "GET", path, **rest)


def _refused(name: str, method: str, path: str, body: Any = _ABSENT, **rest: Any) -> Probe:
    return Probe(name, REFUSALS, method, path, body, **rest)


def _update(name: str, body: Any, **rest: Any) -> Probe:
    return Probe(name, WRITE, "PUT", "/tasks/{TASK}", body, **rest)


def _invalid_task() -> dict[str, Any]:
    """A body with something wrong in each of its fields."""
    return {
        "title": "",
        "description": 1,
        "dueDate": "15-01-2030",
        "dueTime": "9:00",
        "timezone": "Mars/Olympus",
        "responsibleIds": ["x"],
        "aiContactId": "x",
        "aiCustomerId": "x",
        "priority": 1,
    }


_LIST = "/tasks?responsibleIds={USER}&" + _DAY

PROBES = (
    _get("team", "/team-members/all"),
    _get("no-key", "/team-members/all", keyed=False),
    _get("wrong-key", "/team-members/all", keyed=False, headers={"x-api-key": "conform-{RUN}"}),
    _get("unknown-path", "/conform-{RUN}?y=1", keyed=False),
    _get("other-method", "/tasks/{UNKNOWN}"),
    _get("trailing-slash", "/team-members/all/"),
    _get("upper-case", "/Team-Members/ALL"),
    Probe("head", READ_ONLY, "HEAD", "/team-members/all"),
    _get("list", "/tasks?responsibleIds=&" + _DAYS),
    _get("list-invalid", "/tasks?fromDate=15-01-2030&toDate=2030-01-15&toDate=2030-01-16&includeTasksWithoutDates=yes"),
    _get("list-bad-id", "/tasks?responsibleIds=x&" + _DAY),
    _get("list-comma", "/tasks?responsibleIds={USER},{OTHER}&" + _DAY),
    _get("list-repeated-name", "/tasks?responsibleIds={USER}&responsibleIds={OTHER}&" + _DAY),
    _get("list-brackets", "/tasks?responsibleIds[]={USER}&" + _DAY),
    _get("contacts", "/contacts"),
    _get("contacts-no-days", "/contacts?days=0"),
    _get("search-for-nothing", "/contacts/search"),
    _get("search-for-nobody", "/contacts/search?email=conform-{RUN}@example.invalid"),
    _refused("patch", "PATCH", "/team-members/all"),
    _refused("update-bad-id", "PUT", "/tasks/not-a-uuid", {}),
    _refused("update-unknown", "PUT", "/tasks/{UNKNOWN}", {}),
    _refused("delete-unknown", "DELETE", "/tasks/{UNKNOWN}"),
    _refused("create-invalid", "POST", "/tasks", _invalid_task()),
    _refused("create-empty", "POST", "/tasks", ""),
    _refused("create-untyped", "POST", "/tasks", _VALID, headers={"Content-Type": "text/plain"}),
    _refused("create-encoded", "POST", "/tasks", {}, headers={"Content-Encoding": "compress"}),
    _refused("create-for-nobody", "POST", "/tasks", {**_VALID, "responsibleIds": ["{UNKNOWN}"]}),
    _refused("create-unknown-status", "POST", "/tasks", {**_VALID, "statusId": "{UNKNOWN}"}),
    _refused("create-unknown-contact", "POST", "/tasks", {**_VALID, "aiContactId": "{UNKNOWN}"}),
    Probe(
        "create",
        WRITE,
        "POST",
        "/tasks",
        {**_VALID, "dueDate": "2030-01-15", "timezone": "America/Santiago"},
        keeps=TASK,
    ),
    Probe("list-own", WRITE, "GET", _LIST),
    Probe("update-upper-case", WRITE, "PUT", "/tasks/{UPPER}", {}),
    _update("update-empty", ""),
    _update("update-offset", {"dueDate": "2030-01-15T10:00:00-03:00"}),
    _update("update-local", {"dueDate": "2030-01-15T10:00:00"}),
    _update("update-instant", {"dueDate": "2030-01-15T10:00:00.000Z"}),
    _update(
        "update-instant-and-time",
        {"dueDate": "2030-01-15T23:30:00.000Z", "dueTime": "14:30", "timezone": "America/Santiago"},
    ),
    _update("update-day-and-time", {"dueDate": "2030-01-15", "dueTime": "09:15", "timezone": "America/Santiago"}),
    _update("update-zone-case", {"timezone": "america/santiago"}),
    _update("update-tokyo", {"dueDate": "2030-01-15", "dueTime": None, "timezone": "Asia/Tokyo"}),
    _update("update-nulls", {"dueDate": None, "description": None}),
    _update("update-null-title", {"title": None}),
    _update("update-unread-key", {"conform": True}),
    _update("update-repeated-key", '{"priority": "0", "title": "' + TITLE + '", "title": " ' + TITLE + ' e\u0301 "}'),
    _update("update-repeated-user", {"responsibleIds": ["{USER}", "{USER}"]}),
    _update("update-inactive", {"responsibleIds": ["{INACTIVE}"]}),
    _update("status-0", {"newStatusPosition": 0}),
    _update("status-1", {"newStatusPosition": 1}),
    _update("status-2", {"newStatusPosition": 2}),
    _update("status-known", {"newStatusPosition": "{POSITION}"}),
    _update("status-twice", {"newStatusPosition": 1, "newStatusName": "conform-{RUN}"}),
    _update("status-unknown", {"newStatusName": "conform-{RUN}"}),
    Probe("create-with-contact", WRITE, "POST", "/tasks", {**_VALID, "aiContactId": "{CONTACT}"}),
    Probe("delete", WRITE, "DELETE", "/tasks/{TASK}"),
    Probe("list-deleted", WRITE, "GET", "/tasks?responsibleIds={USER}&" + _DAYS),
    Probe("delete-again", WRITE, "DELETE", "/tasks/{TASK}"),
)
BY_NAME = {each.name: each for each in PROBES}


def upto(stage: str) -> Iterator[Probe]:
    """The probes of a stage and of those before it."""
    allowed = STAGES[: STAGES.index(stage) + 1]
    return (each for each in PROBES if each.stage in allowed)


def leftovers(tasks: Any) -> dict[str, str]:
    """The ids of tasks that an earlier run has left, with the digits of that run, among those of a list's answer."""
    found = [each for each in tasks if isinstance(each, dict)] if isinstance(tasks, list) else []
    runs = {each["id"]: OF_A_RUN.match(str(each.get("title"))) for each in found if ids.is_id(each.get("id"))}
    return {id: run[1] for id, run in runs.items() if run}
