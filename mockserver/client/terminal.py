"""Journal entries as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.formats.json import Document
from mockserver.logs import printable


def status_of(entry: Document) -> str:
    """The status of the answer, or in words why the client has none."""
    response = entry["response"]
    if not response or entry["state"] == "abandoned":
        return str(entry["state"])
    return str(response["status"] or "no answer")


def evidence_of(part: Document) -> str:
    """The evidence of a decision, of a problem or of a switch, with the day on which it was measured."""
    day = str(part.get("measured_at", ""))[:10]
    return f"{part['evidence']} {day}".rstrip()


def format_entry(entry: Document) -> str:
    """Format an entry as a line, and below it its fault, problems, changes and advice."""
    return "\n".join(printable(line) for line in _lines(entry))


def _lines(entry: Document) -> Iterator[str]:
    request, status = entry["request"], status_of(entry)
    name = entry["operation"] or "no operation"
    yield f"#{entry['id']}  {entry['at'][11:19]}  {request['method']} {request['path']}  {status}  ({name})"
    if entry["fault"]:
        fault = entry["fault"]
        effect = fault["connection"] or fault["status"] or f"{fault['delay_ms']} ms"
        yield f"    fault {fault['id']}: {effect}, {fault['when']} the commit"
    for problem in entry["problems"]:
        where = ".".join(map(str, problem["path"]))
        section = f", contract {problem['section']}" if problem["section"] else ""
        evidence = f"[{problem['rule']}, {evidence_of(problem)}{section}]"
        yield f"    {where + ': ' if where else ''}{problem['message']}  {evidence}"
    if entry["problems"]:
        body = entry["decision"]["body"]
        yield f"    the wording of the answer  [{body['rule']}, {evidence_of(body)}]"
    for change in entry["changes"]:
        verb = "made" if change["before"] is None else "removed" if change["after"] is None else "changed"
        yield f"    {verb} {change['resource']} {change['id']}"
    for advice in entry["advice"]:
        yield f"    advice: {advice['message']}"
