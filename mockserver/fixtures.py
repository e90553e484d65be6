"""Find, check and load fixtures, the initial state of every sandbox.

A folder holds any of `FILES`; missing ones are taken from the shipped `default`. Records have the format of
`GET /__admin/state`; derived fields (`due_at`, `status_config` …) may be left out.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import RAISE, Schema, validate
from marshmallow import fields as base

from mockserver import clock
from mockserver.domain import due
from mockserver.errors import Problem
from mockserver.formats import fields, ids, relative
from mockserver.formats import json as wire_json
from mockserver.formats.json import quoted
from mockserver.keys import check_key

DEFAULT = "default"
SHIPPED = (DEFAULT, "demo", "demo-today")  # the names that `--fixtures` accepts

# The vendor's bounds, which hold for its API and for fixtures.
STATUS_TYPES = ("initial", "in_progress", "done", "master_done")
PRIORITIES = (0, 1, 2)
MIN_TITLE = 1  # characters
MIN_RESPONSIBLES = 1

Records = list[dict[str, Any]]


class Fixtures(NamedTuple):
    """Valid fixtures: the document of a state, the API keys besides `test_<name>`, and the document's SHA-256.

    `document_at` makes the document for another time in milliseconds; None when the fixtures have no relative times.
    """

    document: dict[str, Records]
    api_keys: Records
    digest: str
    document_at: Callable[[int], dict[str, Records]] | None = None


class InvalidFixtures(Exception):
    """The fixtures cannot be used; `problems` has one line of text for each of them."""

    def __init__(self, problems: Iterable[object]) -> None:
        self.problems = [str(problem) for problem in problems]
        more = f" (and {len(self.problems) - 1} more: vambe-mock fixtures validate)" if self.problems[1:] else ""
        super().__init__(self.problems[0] + more)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _Record(_Strict):
    id = fields.Id(required=True)


class _User(_Record):
    first_name = fields.Text(required=True, min_length=1)
    last_name = fields.Text(required=True)
    email = fields.Text(required=True)
    phone = fields.Text(required=True)
    active = fields.Boolean(load_default=True)


class _Status(_Record):
    name = fields.Text(required=True, min_length=1)
    color = fields.Text(required=True)
    type = fields.Choice(STATUS_TYPES, required=True)
    order = fields.Integer(required=True, validate=validate.Range(0, 10_000, error="Must be from 0 to 10000"))


class _Party(_Record):
    name = fields.Text(required=True, min_length=1)
    phone = fields.Text(load_default=None, allow_none=True)
    email = fields.Text(load_default=None, allow_none=True)


class _Ticket(_Record):
    current_stage_id = fields.Id(load_default=None, allow_none=True)
    pipeline_id = fields.Id(load_default=None, allow_none=True)


class _Contact(_Party):
    platform = fields.Text(load_default="whatsapp", min_length=1)
    last_message_at = fields.Instant(load_default=None, allow_none=True)
    chat_status = fields.Text(load_default="ATTENDED", min_length=1)
    created_at = fields.Instant(load_default=clock.DEFAULT_START)
    ai_customer_id = fields.Id(load_default=None, allow_none=True)
    default_stage_id = fields.Id(load_default=None, allow_none=True)
    blocked = fields.Boolean(load_default=False)
    is_chat_read = fields.Boolean(load_default=True)
    active_ticket_v2 = base.Nested(_Ticket, load_default=None, allow_none=True)
    custom_fields = base.Dict(fields.Text(), fields.Text(), load_default=dict)


class _Assignment(_Strict):
    responsible_id = fields.Id(required=True)


class _Task(_Record):
    title = fields.Text(required=True, min_length=MIN_TITLE)
    description = fields.Text(load_default="", allow_none=True)
    due_date = fields.DueDate(load_default=None, allow_none=True)
    due_time = fields.Time(load_default=None, allow_none=True)
    timezone = fields.TimeZone(load_default=None, allow_none=True)
    due_timezone = fields.TimeZone(allow_none=True)
    due_at = fields.Instant(allow_none=True)
    is_all_day = fields.Boolean()
    created_at = fields.Instant(required=True)
    ai_contact_id = fields.Id(load_default=None, allow_none=True)
    ai_customer_id = fields.Id(load_default=None, allow_none=True)
    task_status_config_id = fields.Id(required=True)
    priority = fields.Choice(PRIORITIES, required=True)
    creator_id = fields.Id(required=True)
    task_responsibles = base.List(
        base.Nested(_Assignment),
        required=True,
        validate=validate.Length(min=MIN_RESPONSIBLES, error=f"Must have at least {MIN_RESPONSIBLES} item"),
    )
    status_config = base.Raw()


class _Note(_Record):
    task_id = fields.Id(required=True)
    contact_id = fields.Id(required=True)
    created_at = fields.Instant(required=True)


class _ApiKey(_Strict):
    key = fields.Parsed(check_key, {"type": "string"}, required=True)
    user_id = fields.Id(required=True)
    revoked = fields.Boolean(load_default=False)


_SCHEMAS: dict[str, Schema] = {
    "users": _User(),
    "statuses": _Status(),
    "contacts": _Contact(),
    "customers": _Party(),
    "tasks": _Task(),
    "notes": _Note(),
    "api_keys": _ApiKey(),
}
TASK_FIELDS: dict[str, base.Field[Any]] = dict(_SCHEMAS["tasks"].fields)
FILES = tuple(f"{name}.json" for name in _SCHEMAS)
_WITH_TIMES = ("contacts", "tasks", "notes")
_INSTANTS = ("created_at", "due_at", "last_message_at")
# The ids in a list that refer to records of another list: their key, their kind, and that list.
_REFERENCES = {
    "tasks": (
        ("ai_contact_id", "contact", "contacts"),
        ("ai_customer_id", "customer", "customers"),
        ("task_status_config_id", "status", "statuses"),
        ("creator_id", "user", "users"),
    ),
    "notes": (("task_id", "task", "tasks"),),
    "api_keys": (("user_id", "active user", "active"),),
}


@cache
def shipped() -> Path:
    """The folder of the fixtures that come with the package."""
    packaged = Path(__file__).parent / "_fixtures"
    return packaged if _shipped_content(packaged / "users.json") else Path(__file__).parent.parent / "fixtures"


@cache
def _shipped_content(path: Path) -> bytes | None:
    """The content of a shipped file, or None if there is none.

    The import system reads it: the file systems that tests fake do not replace what that reads.
    """
    try:
        return SourceFileLoader("", "").get_data(str(path))
    except OSError:
        return None


def find(name: str) -> Path:
    """The folder that `--fixtures` names: the user's if the name has a slash, else a shipped one.

    Raises InvalidFixtures.
    """
    if "/" in name or os.sep in name or name in (".", ".."):
        if not Path(name).is_dir():
            raise InvalidFixtures([f"{name} is not a folder"])
        return Path(name)
    if name not in SHIPPED:
        hint = f"; for the folder write ./{name}" if Path(name).is_dir() else ""
        raise InvalidFixtures([f"there are no fixtures {quoted(name)}, only {', '.join(SHIPPED)}{hint}"])
    return shipped() if name == DEFAULT else shipped() / name


def files(name: str) -> dict[str, Path]:
    """The fixture files of a name or folder, by file name; missing ones are the default's. Raises InvalidFixtures."""
    folder = find(name)
    return {path.name: path for path in (_file(folder, list_name) for list_name in _SCHEMAS) if _exists(path)}


def load(name: str) -> Fixtures:
    """Load and check the fixtures of a name or folder; raises InvalidFixtures with every problem."""
    folder = find(name)
    files = {name: _file(folder, name) for name in _SCHEMAS}
    if not any(path.parent == folder for path in files.values()):
        raise InvalidFixtures([f"{folder} holds none of {', '.join(FILES)}"])
    found = () if _is_shipped(folder) else folder.glob("*.json")
    unusable = [f"{path}: not one of {', '.join(FILES)}" for path in sorted(found) if path.name not in FILES]
    raw, lines, unread = _read(files)
    dated = absolute(raw, clock.ms_of(clock.parse_instant(clock.DEFAULT_START)))
    document, problems = check(dated, frozenset(unread))
    if unusable or unread or problems:
        located = [_located(problem, files, lines) for problem in problems]
        raise InvalidFixtures([*unusable, *unread.values(), *located])
    api_keys = document.pop("api_keys")
    is_relative = dated != raw
    digest = hashlib.sha256(wire_json.encode(raw if is_relative else document)).hexdigest()
    return Fixtures(document, api_keys, digest, (lambda now: check(absolute(raw, now))[0]) if is_relative else None)


def absolute(document: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """The document with the times that are relative to a clock as that clock, in milliseconds, makes them."""
    now = clock.moment_of(now_ms)
    return {
        name: [_absolute_record(record, now) for record in records] if name in _WITH_TIMES else records
        for name, records in document.items()
    }


def _absolute_record(record: Any, now: datetime) -> Any:
    if not isinstance(record, dict):
        return record
    found = {key: relative.absolute_instant(record[key], now) for key in _INSTANTS if key in record}
    if "due_date" in record:
        found["due_date"] = relative.absolute_date(record["due_date"], now, record.get("timezone"))
    return record | found


def check(
    document: dict[str, Any], unknown: frozenset[str] = frozenset(), open_ended: frozenset[str] = frozenset()
) -> tuple[dict[str, Records], list[Problem]]:
    """Check a whole document; return its records with the derived fields filled in, and every problem.

    A problem's path begins with the name of the list: `("users", 2, "email")`. Lists that are `unknown` could not be
    read: neither they nor references to them are checked. References may also lead nowhere in lists that are
    `open_ended`.
    """
    loaded: dict[str, Records] = {}
    problems: list[Problem] = []
    for name, schema in _SCHEMAS.items():
        loaded[name] = []
        for index, record in enumerate(document.get(name, ())):
            values, found = _load_record(schema, record)
            loaded[name].append(values)
            problems += [Problem((name, index, *each.path), each.code, each.message) for each in found]
    problems += _check_whole(loaded, unknown | {str(problem.path[0]) for problem in problems}, open_ended)
    if not problems:
        loaded["notes"] = loaded["notes"] if "notes" in document else list(_notes_of(loaded["tasks"]))
    return loaded, problems


def check_task(
    record: dict[str, Any], people: dict[str, Records], now_ms: int, open_ended: frozenset[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """Check one task that refers to these people; return it with the derived fields filled in, and its problems.

    `now_ms` is the clock's time, for times relative to it; `open_ended` as in `check`.
    """
    document = absolute({**people, "tasks": [record], "notes": []}, now_ms)
    loaded, problems = check(document, open_ended=open_ended)
    return loaded["tasks"][0], [problem._replace(path=problem.path[2:]) for problem in problems]


def _file(folder: Path, name: str) -> Path:
    own = folder / f"{name}.json"
    return own if _exists(own) else shipped() / f"{name}.json"


def _is_shipped(path: Path) -> bool:
    return path.is_relative_to(shipped())


def _exists(path: Path) -> bool:
    return _shipped_content(path) is not None if _is_shipped(path) else path.exists()


def _read(files: dict[str, Path]) -> tuple[dict[str, Any], dict[str, list[int]], dict[str, str]]:
    """Read the files: the lists, the line numbers of their records, and an error for each list that is unreadable."""
    raw: dict[str, Any] = {}
    lines: dict[str, list[int]] = {}
    unread: dict[str, str] = {}
    for name, path in files.items():
        if not _exists(path):
            continue
        try:
            content = (_shipped_content(path) or b"") if _is_shipped(path) else path.read_bytes()
            content = content.removeprefix(codecs.BOM_UTF8)  # editors on Windows write one
            records = wire_json.decode(content)
            if not isinstance(records, list):
                raise wire_json.NotJson(f"expected an array of records, found {fields.kind_of(records)}")
            raw[name], lines[name] = records, list(_lines_of(content.decode()))
        except wire_json.NotJson as error:
            unread[name] = f"{path}: {error}"
        except OSError as error:
            unread[name] = f"{path}: {error.strerror}"
    return raw, lines, unread


def _lines_of(text: str) -> Iterator[int]:
    """The line on which each element of a JSON array begins."""
    decoder = json.JSONDecoder()
    position = text.index("[") + 1
    while True:
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n,"))
        if text[position] == "]":
            return
        yield text.count("\n", 0, position) + 1
        _, position = decoder.raw_decode(text, position)


def _located(problem: Problem, files: dict[str, Path], lines: dict[str, list[int]]) -> str:
    """A problem as text, with its file, its line and its JSON path."""
    name, *rest = problem.path
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    line = f":{lines[str(name)][rest[0]]}" if rest and isinstance(rest[0], int) else ""
    return f"{files[str(name)]}{line}: {path}: {problem.message}"


def _load_record(schema: Schema, record: Any) -> tuple[dict[str, Any], list[Problem]]:
    if not isinstance(record, dict):
        return {}, [Problem((), "invalid_type", f"Expected an object, received {fields.kind_of(record)}")]
    values, problems = fields.load(schema, record)
    if not problems and isinstance(schema, _Task):
        values, problems = _complete(values)
    return values, problems


def _complete(task: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Add the fields derived from the due date; those that are given must agree."""
    if task["due_date"] is None and (task["due_time"] or task["timezone"]):
        return {}, [Problem(("due_date",), "required", "due_time and timezone are kept only with a due_date")]
    parts = due.Parts(*map(task.get, due.Parts._fields))
    try:
        all_day = _all_day(parts, task.get("due_at"))
        derived = due.due(parts, all_day)._asdict()
    except due.OutOfRange as error:
        return {}, [Problem(("due_date",), "out_of_range", str(error))]
    wrong = [
        Problem((key,), "conflict", f"the due date gives {json.dumps(value)}")
        for key, value in derived.items()
        if key in task and task[key] != value
    ]
    responsibles = [each["responsible_id"] for each in task["task_responsibles"]]
    wrong += [
        Problem(("task_responsibles", place, "responsible_id"), "repeated", f'"{id}" is there already')
        for place, id in enumerate(responsibles)
        if id in responsibles[:place]
    ]
    return {**task, **due.columns(parts, all_day)}, wrong


def _all_day(parts: due.Parts, due_at: str | None) -> str:
    """The value of the switch `all-day` under which a task is due then."""
    of_utc = due.due(parts, due.UTC_MIDNIGHT) if parts.is_all_day_date else None
    return due.UTC_MIDNIGHT if of_utc and of_utc.due_at == due_at else due.ZONE_MIDNIGHT


def _check_whole(loaded: dict[str, Records], doubtful: frozenset[str], open_ended: frozenset[str]) -> list[Problem]:
    """Check records against each other. Invalid records are empty, and their lists are `doubtful`."""
    return [
        *(problem for name in _SCHEMAS for problem in _duplicates(loaded, name, "key" if name == "api_keys" else "id")),
        *_duplicates(loaded, "statuses", "name"),
        *_duplicates(loaded, "statuses", "order"),
        *_duplicates(loaded, "notes", "task_id"),
        *_missing_ones(loaded, doubtful),
        *_unresolved(loaded, doubtful | open_ended),
        *_stray_notes(loaded),
    ]


def _sound(records: Records) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((index, record) for index, record in enumerate(records) if record)


def _duplicates(loaded: dict[str, Records], name: str, key: str) -> Iterator[Problem]:
    seen: Counter[Any] = Counter()
    for index, record in _sound(loaded[name]):
        seen[record[key]] += 1
        if seen[record[key]] > 1:
            yield Problem((name, index, key), "repeated", f"{json.dumps(record[key])} is there already")


def _missing_ones(loaded: dict[str, Records], doubtful: frozenset[str]) -> Iterator[Problem]:
    if "statuses" not in doubtful and not any(status["type"] == "initial" for status in loaded["statuses"]):
        yield Problem(("statuses",), "required", "no status has the type initial, which new tasks get")
    if "users" not in doubtful and not any(user["active"] for user in loaded["users"]):
        yield Problem(("users",), "required", "no user is active, so no key could act as one")


def _unresolved(loaded: dict[str, Records], doubtful: frozenset[str]) -> Iterator[Problem]:
    people = [name for name in ("users", "contacts", "customers", "statuses", "tasks") if name not in doubtful]
    known = {name: {record["id"] for record in loaded[name]} for name in people}
    if "users" in known:
        known["active"] = {user["id"] for user in loaded["users"] if user["active"]}
    for path, id, kind, name in _references(loaded):
        if id is not None and id not in known.get(name, (id,)):
            yield Problem(path, "not_found", f"there is no {kind} {id}")


def _references(loaded: dict[str, Records]) -> Iterator[tuple[tuple[str | int, ...], str | None, str, str]]:
    """Every id that refers to another record: its path, the id, its kind, and the list that has to have it."""
    for name, references in _REFERENCES.items():
        for index, record in _sound(loaded[name]):
            for key, kind, target in references:
                yield (name, index, key), record[key], kind, target
            for place, each in enumerate(record.get("task_responsibles", ())):
                path = (name, index, "task_responsibles", place, "responsible_id")
                yield path, each["responsible_id"], "user", "users"


def _stray_notes(loaded: dict[str, Records]) -> Iterator[Problem]:
    contact_of = {task["id"]: task["ai_contact_id"] for _, task in _sound(loaded["tasks"])}
    for index, note in _sound(loaded["notes"]):
        if note["task_id"] in contact_of and contact_of[note["task_id"]] != note["contact_id"]:
            yield Problem(("notes", index, "contact_id"), "conflict", "it is not the contact of the note's task")


def _notes_of(tasks: Records) -> Iterator[dict[str, Any]]:
    """The notes that creating the tasks would have made."""
    for number, task in enumerate(task for task in tasks if task["ai_contact_id"] is not None):
        yield {
            "id": ids.mint("fixtures", "note", number),
            "task_id": task["id"],
            "contact_id": task["ai_contact_id"],
            "created_at": task["created_at"],
        }
