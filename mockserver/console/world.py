"""The world page: people, clock, snapshots and settings; and the state as fixtures."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from mockserver import clock, fixtures
from mockserver.client.terminal import evidence_of
from mockserver.engine import Engine, current_engine
from mockserver.faults import delays
from mockserver.fidelity import assumptions
from mockserver.fidelity.assumptions import Assumed, Assumption
from mockserver.fidelity.contract import RULES, SECTIONS
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
    engine = current_engine()
    set_ = settings.document(opened.world, engine.sandboxes.assumed)
    content = {
        "clock": opened.world.clock.document(),
        "modes": clock.MODES,
        "snapshots": snapshots.listed(opened),
        "settings": set_,
        "delay": delays.parts(set_["delay_ms"]),
        "parts": PARTS,
        "deletable": opened.name != DEFAULT,
        **guesses(engine, opened.world.assumed),
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


def guesses(engine: Engine, assumed: Assumed) -> Document:
    """The switches of a sandbox with these values, and what was measured."""
    evidence = engine.settings.evidence
    labels, fits = (evidence.labels(assumed), evidence.measured()) if evidence else ({}, {})
    listed = [
        _guess(each, assumed[each.name], engine.sandboxes.assumed[each.name], fits, labels)
        for each in assumptions.OF_SANDBOXES
    ]
    return {
        "assumptions": listed,
        "changed": sum(each["changed"] for each in listed),
        "measured": sum(each["name"] in fits for each in listed),
        "origin": evidence.origin if evidence else "",
    }


def _guess(
    switch: Assumption, value: str, server: str, fits: Mapping[str, str | None], labels: Mapping[str, Document]
) -> Document:
    """A switch: its values, its evidence, and the rules of the contract that it changes.

    `server` is the value that a sandbox has until it is given another one.
    """
    label = labels.get(switch.name, {"evidence": switch.evidence})
    measured = fits.get(switch.name)
    own = server if server != switch.default else None
    notes = (("default", switch.default), ("server", own), ("measured", measured))
    return {
        "name": switch.name,
        "options": [(name, ", ".join(note for note, noted in notes if noted == name)) for name in switch.values],
        "value": value,
        "server": server,
        "changed": value != server,
        "meaning": _plain(switch.values[value]),
        "why": _plain(switch.why),
        "evidence": evidence_of(label),
        "kind": label["evidence"],
        "fits": measured if measured != value else None,
        "rules": [
            {"text": _plain(rule.statement), "section": rule.section, "title": SECTIONS[rule.section]}
            for rule in RULES
            if rule.name in switch.rules
        ],
    }


def _plain(text: str) -> str:
    """Text without the marks of Markdown."""
    return re.sub("[`*]", "", text)


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
