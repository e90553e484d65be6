"""The results of a session: as evidence, as JSON, and as text for people."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mockserver import clock
from mockserver.conform.checks import CHECKS
from mockserver.conform.probes import PROBES, STAGES
from mockserver.conform.session import Session
from mockserver.conform.verdicts import NO_PROBE, Verdict
from mockserver.fidelity import contract
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.fidelity.evidence import CONFIRMED, NOT_REACHED, REFUTED, Evidence
from mockserver.formats.json import Document

_STATEMENTS = {rule.name: rule.statement.replace("`", "") for rule in contract.RULES}
_STAGES = {
    "read-only": "GET and HEAD: nothing can change",
    "refusals": "requests that should be refused; what a wrong guess creates is deleted at once",
    "write": "creates a task of its own, changes it and deletes it",
}


def evidence(host: str, verdicts: Mapping[str, Verdict]) -> Evidence:
    """The findings about the rules that a request can show, measured now."""
    rules = {name: each.finding for name, each in verdicts.items() if each.why != NO_PROBE}
    return Evidence(contract.VERSION, clock.text_of(clock.wall_ms())[:19] + "Z", host, rules)


def check_writable(path: str) -> None:
    """Raise OSError unless a file of evidence can be written there; only files are replaced."""
    if os.path.lexists(target := os.path.realpath(path)) and not Path(target).is_file():
        raise OSError(errno.EINVAL, "it is not a file")
    with _partial(target) as partial:
        partial.touch()


def write(path: str, found: Evidence) -> None:
    """Write a file of evidence, all of it or nothing; raises OSError."""
    target = os.path.realpath(path)
    with _partial(target) as partial:
        partial.write_text(json.dumps(found.document(), indent=2) + "\n", encoding="utf-8")
        partial.replace(target)


@contextlib.contextmanager
def _partial(path: str) -> Iterator[Path]:
    """A file beside the one at this path, which is removed in the end if it is still there."""
    partial = Path(f"{path}.{os.getpid()}")
    try:
        yield partial
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def document(session: Session, verdicts: Mapping[str, Verdict]) -> Document:
    """The evidence, the reasons for what is open, and what the session has left, as JSON."""
    found = evidence(session.vendor.host, verdicts).document()
    for name, each in found["rules"].items():
        if verdicts[name].why:
            each["why"] = verdicts[name].why
    return {
        **found,
        "requests": session.vendor.sent,
        "stopped": session.stopped or None,
        "not_deleted": [{"id": id, "why": why} for id, why in session.not_deleted.items()],
        "lost_answers": session.lost_answers,
        "leftovers": [{"id": id, "run": run} for id, run in session.leftovers.items()],
        "not_probed": [name for name, each in verdicts.items() if each.why == NO_PROBE],
    }


def lines(session: Session, verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The report for people: the verdicts, the tasks that remain, and the switches to set."""
    switches = {name: each for name, each in verdicts.items() if name in BY_NAME}
    others = {name: each for name, each in verdicts.items() if name not in BY_NAME}
    yield f"{session.vendor.url} was measured with {session.vendor.sent} requests."
    yield ""
    yield from _table([("switch", "value", "verdict", "shown by"), *map(_row, switches.items())])
    yield ""
    for name, each in others.items():
        if each.finding.verdict == REFUTED:
            yield f"refuted: {name} ({', '.join(each.finding.probes)}): {_STATEMENTS[name]}"
    confirmed = [name for name, each in others.items() if each.finding.verdict == CONFIRMED]
    yield from _paragraph("confirmed", confirmed)
    yield from _open(verdicts)
    yield from remaining(session)
    yield from _to_set(switches)


def _row(switch: tuple[str, Verdict]) -> tuple[str, str, str, str]:
    name, (finding, why) = switch
    return name, finding.value or "-", finding.verdict, why or ", ".join(finding.probes)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _paragraph(title: str, names: list[str]) -> Iterator[str]:
    if names:
        yield f"{title} ({len(names)}): {', '.join(names)}"


def _to_set(switches: Mapping[str, Verdict]) -> Iterator[str]:
    """The switches to set for a mock that answers as the vendor does."""
    refuted = {name: each.finding.value for name, each in switches.items() if each.finding.verdict == REFUTED}
    values = [f"--assume {name}={value}" for name, value in refuted.items() if value]
    yield f"to set: {' '.join(values)}" if values else "to set: nothing"


def _open(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The rules that are left open, by their reasons; those that no request shows are last."""
    reasons: dict[str, list[str]] = {}
    for name, each in verdicts.items():
        if each.finding.verdict == NOT_REACHED and name not in BY_NAME:
            reasons.setdefault(each.why, []).append(name)
    for why, found in sorted(reasons.items(), key=lambda each: each[0] == NO_PROBE):
        yield from _paragraph(f"left open, {why}", found)


def remaining(session: Session) -> Iterator[str]:
    """The tasks that the session, and those before it, have left in the workspace."""
    yield from not_deleted(session)
    for probe in session.lost_answers:
        yield f"UNKNOWN: {probe} had no answer with an id: a task of the run {session.run} may exist"
    for id, run in session.leftovers.items():
        yield f"left by the run {run}: task {id}"
    if session.not_deleted or session.lost_answers or session.leftovers:
        yield "delete what is left with: vambe-mock conform --delete-leftovers --target URL"


def not_deleted(session: Session) -> Iterator[str]:
    """The tasks that could not be deleted."""
    for id, why in session.not_deleted.items():
        yield f"NOT DELETED: task {id}: {why}"


def plan() -> Iterator[str]:
    """The requests of every stage, each with the rules that it helps to settle, as text for people."""
    yield "Nothing was sent. Each stage sends its requests and those of the stages before it:"
    for stage in STAGES:
        yield f"--{stage}: {_STAGES[stage]}"
        for each in PROBES:
            if each.stage == stage:
                yield f"  {each.name}: {each.shown}"
                yield f"      settles {', '.join(_settled_by(each.name)) or 'nothing alone'}"


def plan_document() -> list[Document]:
    """The same as JSON."""
    return [
        {"name": each.name, "stage": each.stage, "request": each.shown, "settles": _settled_by(each.name)}
        for each in PROBES
    ]


def _settled_by(probe: str) -> list[str]:
    return list(dict.fromkeys(each.rule for each in CHECKS if probe in (*each.probes, *each.also)))
