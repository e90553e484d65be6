"""What a session has learned: as evidence, as JSON, and as text for people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mockserver import clock
from mockserver.conform.judgements import JUDGEMENTS
from mockserver.conform.probes import STAGES, Probe
from mockserver.conform.session import Session
from mockserver.conform.verdicts import NO_PROBE, Verdict
from mockserver.fidelity import contract
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.fidelity.evidence import CONFIRMED, CONTRADICTORY, NOT_REACHED, REFUTED, Evidence
from mockserver.formats.json import Document

_STAGES = {
    "read-only": "GET and HEAD: nothing can change",
    "refusals": "requests that should be refused; what a wrong guess creates is deleted at once",
    "write": "creates a task of its own, changes it and deletes it",
}


def evidence(host: str, verdicts: Mapping[str, Verdict]) -> Evidence:
    """The findings about the rules that a request can show, measured now."""
    rules = {name: each.finding for name, each in verdicts.items() if each.why != NO_PROBE}
    return Evidence(contract.VERSION, clock.text_of(clock.wall_ms())[:19] + "Z", host, rules)


def write(path: Path, found: Evidence) -> None:
    """Write a file of evidence, all of it or nothing; raises OSError."""
    partial = Path(f"{path}.{os.getpid()}")
    try:
        partial.write_text(json.dumps(found.document(), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def document(session: Session, host: str, sent: int, verdicts: Mapping[str, Verdict]) -> Document:
    """The evidence, the reasons for what is open, and what the session has left, as JSON."""
    found = evidence(host, verdicts).document()
    for name, each in found["rules"].items():
        if verdicts[name].why:
            each["why"] = verdicts[name].why
    left = [{"id": each.id, "why": each.why} for each in session.left]
    return {
        **found,
        "requests": sent,
        "stopped": session.stopped or None,
        "not_deleted": left,
        "lost_answers": session.lost,
        "leftovers": [{"id": id, "run": run} for id, run in session.leftovers.items()],
        "not_probed": [name for name, each in verdicts.items() if each.why == NO_PROBE],
    }


def lines(session: Session, host: str, sent: int, verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The report for people: what was learned, what to set, what is open, and what the session has left."""
    by_verdict: dict[str, list[str]] = {}
    for name, each in verdicts.items():
        by_verdict.setdefault(each.finding.verdict, []).append(name)
    yield f"{host} was measured with {sent} requests."
    for verdict in (REFUTED, CONTRADICTORY):
        yield from _table(verdict, by_verdict.get(verdict, ()), verdicts)
    confirmed = by_verdict.get(CONFIRMED, [])
    switches = [f"{name}={verdicts[name].finding.value}" for name in confirmed if name in BY_NAME]
    yield from _paragraph("confirmed", [name for name in confirmed if name not in BY_NAME] + switches)
    yield from _to_set(verdicts)
    yield from _open(by_verdict.get(NOT_REACHED, ()), verdicts)
    yield from left(session)


def _table(verdict: str, names: Iterable[str], verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    rules = {rule.name: rule for rule in contract.RULES}
    for name in names:
        finding, why = verdicts[name]
        value = f" = {finding.value}" if finding.value else ""
        yield f"{verdict}: {name}{value}  ({', '.join(finding.probes)}){f': {why}' if why else ''}"
        yield f"    the rule: {rules[name].statement.replace('`', '')}"


def _paragraph(title: str, names: list[str]) -> Iterator[str]:
    if names:
        yield f"{title} ({len(names)}): {', '.join(names)}"


def _to_set(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The switches to set for a mock that answers as the vendor does."""
    values = {
        name: each.finding.value
        for name, each in verdicts.items()
        if each.finding.verdict == REFUTED and each.finding.value
    }
    if values:
        yield "to set: " + " ".join(f"--assume {name}={value}" for name, value in values.items())


def _open(names: Iterable[str], verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The rules that are left open, by their reasons."""
    reasons: dict[str, list[str]] = {}
    for name in names:
        reasons.setdefault(verdicts[name].why, []).append(name)
    for why, found in sorted(reasons.items(), key=lambda each: each[0] == NO_PROBE):
        yield from _paragraph(f"left open, {why}", found)


def left(session: Session) -> Iterator[str]:
    """What the session, and those before it, have left in the workspace."""
    yield from not_deleted(session)
    for probe in session.lost:
        yield f"UNKNOWN: {probe} was not answered, so that a task of the run {session.run} may exist"
    for id, run in session.leftovers.items():
        yield f"left by the run {run}: task {id}"
    if session.left or session.lost or session.leftovers:
        yield "delete what is left with: vambe-mock conform --delete-leftovers --target URL"


def not_deleted(session: Session) -> Iterator[str]:
    """The tasks that could not be deleted."""
    for task in session.left:
        yield f"NOT DELETED: task {task.id}: {task.why}"


def plan(probes: Iterable[Probe]) -> Iterator[str]:
    """The requests of every stage, each with what it would settle, as text for people."""
    found = list(probes)
    yield "Nothing was sent. These requests would be, with each stage also those before it:"
    for stage in STAGES:
        yield f"--{stage}: {_STAGES[stage]}"
        for each in found:
            if each.stage == stage:
                yield f"  {each.name}: {each.shown}"
                yield f"      settles {', '.join(settled_by(each.name)) or 'nothing alone'}"


def plan_document(probes: Iterable[Probe]) -> list[Document]:
    """The same as JSON."""
    return [
        {"name": each.name, "stage": each.stage, "request": each.shown, "settles": settled_by(each.name)}
        for each in probes
    ]


def settled_by(probe: str) -> list[str]:
    """The rules that a probe helps to settle."""
    return list(dict.fromkeys(each.rule for each in JUDGEMENTS if probe in (*each.probes, *each.also)))
