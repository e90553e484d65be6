"""Reading the vendor's lists, and writing a folder that `--fixtures` takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from mockserver import clock, fixtures
from mockserver.api.operations import BASE_PATH
from mockserver.fixtures import Records
from mockserver.formats.json import Document
from mockserver.pull.conversion import fixtures_of
from mockserver.vendor import Request, Vendor

_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key is not accepted",
    HTTPStatus.FORBIDDEN: "the key may not read this",
    HTTPStatus.NOT_FOUND: "the endpoint is not there; is the target right?",
}
_REDIRECTED = "redirects are not followed; is the target right?"


class CannotPull(Exception):
    """There are no fixtures: an answer is a refusal or is not JSON, or the folder cannot be written."""


class Wanted(NamedTuple):
    """The part of a workspace to read: tasks due on these days, both included, and contacts of the last days."""

    first: date
    last: date
    contact_days: int


class Pulled(NamedTuple):
    """The written folder: the number of records in each file, notes, and the clock's setting at which it was read."""

    folder: Path
    counts: dict[str, int]
    notes: list[str]
    clock: str

    def document(self) -> Document:
        """The result as JSON."""
        return {**self._asdict(), "folder": str(self.folder)}


def pull(vendor: Vendor, folder: Path, wanted: Wanted, keep_people: bool, report: Callable[[str], None]) -> Pulled:
    """Read the lists of a workspace, by GET only, and write them to a folder as fixtures.

    Names, e-mail addresses, phone numbers and texts are invented, unless `keep_people`. `report` gets a line for each
    step. Raises CannotPull, UnusableAnswer, and what `Vendor.send` raises; then nothing is written.
    """
    _check_folder(folder)
    now = clock.text_of(clock.wall_ms())
    span = f"fromDate={wanted.first.isoformat()}&toDate={wanted.last.isoformat()}"
    paths = {
        "users": "team-members/all",
        "contacts": f"contacts?days={wanted.contact_days}",
        "tasks": f"tasks?responsibleIds=&{span}&includeTasksWithoutDates=true",
    }
    lists = {name: _list(vendor, name, path, report) for name, path in paths.items()}
    document, notes = fixtures_of(lists, keep_people)
    if problems := fixtures.check(document)[1]:
        raise CannotPull(f"the answers make no valid fixtures: {list(problems[0].path)}: {problems[0].message}")
    _write(folder, document)
    return Pulled(folder, {name: len(records) for name, records in document.items()}, notes, f"ticking@{now}")


def _check_folder(folder: Path) -> None:
    """Raise CannotPull for a folder that holds anything: nothing is ever overwritten."""
    if folder.is_dir() and any(folder.iterdir()):
        raise CannotPull(f"{folder}: there are files already; choose another folder")
    if folder.exists() and not folder.is_dir():
        raise CannotPull(f"{folder}: it is a file; choose another name")


def _list(vendor: Vendor, name: str, path: str, report: Callable[[str], None]) -> Any:
    """The list that the vendor answers; raises CannotPull, without a word that the vendor sent."""
    answer = vendor.send(Request("GET", f"{BASE_PATH}/{path}"))
    place = f"GET {BASE_PATH}/{path.partition('?')[0]}: {answer.status}"
    if answer.status != HTTPStatus.OK:
        is_redirect = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
        hint = _REDIRECTED if is_redirect else _HINTS.get(answer.status, "")
        raise CannotPull(f"{place}, {hint}" if hint else place)
    listed = answer.json
    if listed is None:
        raise CannotPull(f"{place}, but the body is not JSON; is the target right?")
    report(f"{name}: {len(listed)}" if isinstance(listed, list) else name)
    return listed


def _write(folder: Path, document: dict[str, Records]) -> None:
    """Write the files, or none of them; raises CannotPull."""
    contents = {f"{name}.json": json.dumps(records, ensure_ascii=False, indent=2) for name, records in document.items()}
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            written.append(folder / name)
            written[-1].write_text(f"{text}\n", encoding="utf-8")
    except BaseException as error:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        if not isinstance(error, OSError):
            raise
        raise CannotPull(f"{folder}: {error.strerror or error}") from None
