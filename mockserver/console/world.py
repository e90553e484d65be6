"""The world page: people, clock, snapshots and settings; and the state as fixtures."""

from __future__ import annotations

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from mockserver import clock, fixtures
from mockserver.client.terminal import evidence_of
from mockserver.engine import current_engine
from mockserver.fidelity import assumptions
from mockserver.fidelity.assumptions import Assumption
from mockserver.formats.json import Document
from mockserver.keys import DEFAULT
from mockserver.sandbox import settings, snapshots, state
from mockserver.sandbox.resetting import PARTS
from mockserver.sandbox.sandboxes import OpenSandbox

# Derived from a task's due date and status, and left out so that edited files stay consistent.
_DERIVED = ("due_timezone", "due_at", "is_all_day", "status_config")
_EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest in a zip file; constant, so that equal states give equal bytes
_PLAIN_FILE = 0o100644 << 16


def context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page."""
    fetched = state.fetch(opened.world)
    engine, assumed = current_engine(), opened.world.assumed
    labels = engine.settings.evidence.labels(assumed) if engine.settings.evidence else {}
    content = {
        "clock": opened.world.clock.document(),
        "modes": clock.MODES,
        "snapshots": snapshots.listed(opened),
        "settings": settings.document(opened.world, engine.sandboxes.assumed),
        "assumptions": [_assumption(each, assumed[each.name], labels) for each in assumptions.OF_SANDBOXES],
        "parts": PARTS,
        "deletable": opened.name != DEFAULT,
    }

    def present() -> Document:
        document = fetched()
        notes = notes_by_contact(document)
        return content | {
            "users": document["users"],
            "statuses": sorted(document["statuses"], key=lambda status: status["order"]),
            "contacts": [contact | {"notes": notes[contact["id"]]} for contact in document["contacts"]],
            "customers": document["customers"],
        }

    return present


def _assumption(switch: Assumption, value: str, labels: Mapping[str, Document]) -> Document:
    """A switch with its value, the reason for its default, and the label of what was measured."""
    return {
        "name": switch.name,
        "options": list(switch.values),
        "value": value,
        "meaning": switch.values[value].replace("`", ""),
        "why": switch.why,
        "evidence": evidence_of(labels[switch.name]) if switch.name in labels else "",
    }


def notes_by_contact(document: state.Document) -> dict[str, list[dict[str, Any]]]:
    """The notes of each contact, newest first, each with the title of its task."""
    titles = {task["id"]: task["title"] for task in document["tasks"]}
    notes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in reversed(document["notes"]):
        notes[note["contact_id"]].append(note | {"title": titles.get(note["task_id"], note["task_id"])})
    return notes


def exported(document: state.Document) -> bytes:
    """The state as a zip file with a JSON file for each list of fixtures; equal states give equal bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, records in as_fixtures(document).items():
            file = zipfile.ZipInfo(f"{name}.json", _EARLIEST_DATE)
            file.create_system, file.external_attr = 3, _PLAIN_FILE
            archive.writestr(file, json.dumps(records, ensure_ascii=False, indent=2) + "\n")
    return content.getvalue()


def as_fixtures(document: state.Document) -> state.Document:
    """The lists of fixtures that load as this state.

    The shipped API keys apply, and are left out, unless the state lacks an active user for one of them.
    """
    tasks = [{key: value for key, value in task.items() if key not in _DERIVED} for task in document["tasks"]]
    active = {user["id"] for user in document["users"] if user["active"]}
    keys = fixtures.load(fixtures.DEFAULT).api_keys
    usable = [key for key in keys if key["user_id"] in active]
    return document | {"tasks": tasks} | ({} if usable == keys else {"api_keys": usable})
