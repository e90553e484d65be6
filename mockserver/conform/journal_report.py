"""The results of a replay, besides those of its session: the differences, and the entries that were left out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mockserver.conform.comparing import Difference
from mockserver.conform.journal_checks import Compared, rules_of
from mockserver.conform.journal_entries import Journal, reason_against, stage_of
from mockserver.conform.replay import Replay
from mockserver.formats.json import Document

_LONGEST = 200  # characters of a value


def lines(replay: Replay) -> Iterator[str]:
    """The differences and the counts, as text for people."""
    different = [each for each in replay.compared if each.differences]
    yield f"requests of the journal that were compared: {len(replay.compared)}; answers that differ: {len(different)}"
    for each in different:
        request = each.entry["request"]
        yield f"{each.name}  {request['method']} {request['path']}  ({each.entry['operation'] or 'no operation'})"
        yield from (f"    {_line(difference)}" for difference in each.differences)
        yield f"    the mock's answer rests on {', '.join(_rules(each))}"
    for reason, ids in replay.left_out.items():
        yield f"left out, {reason}: {len(ids)} ({', '.join(f'#{id}' for id in ids[:10])}{', …' if ids[10:] else ''})"
    if replay.journal.dropped:
        yield f"the journal had dropped {replay.journal.dropped} entries: --journal-limit keeps more"


def document(replay: Replay) -> Document:
    """The same as JSON."""
    return {
        "compared": len(replay.compared),
        "differences": [
            {
                "entry": each.entry["id"],
                "operation": each.entry["operation"],
                "rules": _rules(each),
                **difference._asdict(),
            }
            for each in replay.compared
            for difference in each.differences
        ],
        "left_out": [{"reason": reason, "entries": ids} for reason, ids in replay.left_out.items()],
        "dropped": replay.journal.dropped,
    }


def plan(journal: Journal) -> Iterator[str]:
    """The requests of a journal with their stages, or why they would be left out, as text for people."""
    yield "Nothing was sent. These requests of the journal would be, in this order, with ids of the vendor:"
    for each in plan_document(journal):
        what = each["stage"] or f"left out, {each['why']}"
        yield f"  #{each['entry']}  {each['request']}  {what}"


def plan_document(journal: Journal) -> list[Document]:
    """The same as JSON."""
    return [
        {
            "entry": each["id"],
            "operation": each["operation"],
            "request": f"{each['request']['method']} {each['request']['path']}",
            "stage": None if (why := reason_against(each)) else f"--{stage_of(each)}",
            "why": why,
        }
        for each in journal.entries
    ]


def _rules(compared: Compared) -> list[str]:
    decision = compared.entry["decision"]
    return list(dict.fromkeys([*rules_of(compared.entry), decision["rule"], decision["body"]["rule"]]))


def _line(difference: Difference) -> str:
    mock, vendor = (json.dumps(value, ensure_ascii=False)[:_LONGEST] for value in (difference.mock, difference.vendor))
    return f"{difference.grade}: {difference.path}: the mock has {mock}, the vendor {vendor}"
