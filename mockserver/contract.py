"""The contract as data: every rule that the mock keeps, its evidence, and where it lives in the code.

`docs/fidelity.md` is written from here (`python -m mockserver.contract > docs/fidelity.md`), and so is what the
mock says about a rule that decided something. The sections are those of the table's headings.
"""

from __future__ import annotations

from typing import NamedTuple

CODES = {
    "required": "the field or parameter is missing",
    "null": "null is sent where the type has no null",
    "invalid_type": "the value has another JSON type than the field",
    "too_short": "the text or the list has too few members",
    "invalid_uuid": "the text is no UUID of the accepted form",
    "invalid_date": "the text is no date, or no date-time, of the accepted form, or no day of the calendar",
    "invalid_time": "the text is no time of the form HH:mm",
    "invalid_timezone": "the text is no IANA time zone of the tzdata package",
    "invalid_choice": "the value is none of those allowed",
    "out_of_range": "the due date, converted to UTC, is outside the years 0001 to 9999",
    "repeated": "a parameter that has one value is given more than once",
    "conflict": "two fields are sent that exclude each other",
    "left_out": "the last of 100: how many more problems there are",
    "unknown": "control plane and fixtures: a key that is not known",
    "out_of_bounds": "control plane: a number is too small or too large",
    "invalid_pattern": "control plane: a part of a pattern cannot be used",
    "invalid_fault": "control plane: a part of a fault rule cannot be used",
    "strict_timezone": "strict mode only: dueTime without timezone",
    "strict_unread_key": "strict mode only: a body key that nothing reads",
}

DOCUMENTED = "documented"
INFERRED = "inferred"

SECTIONS = {
    "1": "Common to all endpoints",
    "2": "POST /api/public/tasks: create a task",
    "3": "GET /api/public/tasks: list by filters",
    "4": "PUT /api/public/tasks/{id}: update",
    "5": "DELETE /api/public/tasks/{id}: soft delete",
    "6": "GET /api/public/team-members/all",
    "7": "Advice: what the vendor recommends and never enforces",
}


class Rule(NamedTuple):
    """A rule: its section, its name, what it says, and its evidence.

    `evidence` is `documented` (the vendor's pages say so) or `inferred` (they do not, or not all of it: our
    decision). `where` names the code that keeps it, as `module:name`.
    """

    section: str
    name: str
    statement: str
    evidence: str
    where: str


def _rules(section: str, *rows: tuple[str, str, str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(section, name, statement, evidence, where) for name, statement, evidence, where in rows)


RULES: tuple[Rule, ...] = (
    *_rules(
        "1",
        ("base-path", "The endpoints are under `/api/public`.", DOCUMENTED, "mockserver.api.operations:BASE_PATH"),
        (
            "key",
            "The key travels in `x-api-key`; missing, empty, unknown or revoked → 401.",
            DOCUMENTED,
            "mockserver.sandbox.names:Keys",
        ),
        (
            "order-of-decisions",
            "`Host` (421) → `OPTIONS` → route (404, 405) → key (401) → size and JSON (413, 400) → path, query and "
            "fields together (400) → the task of the path (404) → referenced ids (404) → status (404).",
            INFERRED,
            "mockserver.api.pipeline:answer",
        ),
        (
            "field-names",
            "JSON both ways; camelCase in requests, snake_case in responses.",
            DOCUMENTED,
            "mockserver.api.schemas:Request",
        ),
        (
            "organization",
            "A key belongs to one organization and one of its users; ids of another organization do not exist. "
            "Here an organization is a sandbox.",
            DOCUMENTED,
            "mockserver.sandbox.sandboxes:Sandboxes",
        ),
        (
            "uuid",
            "Ids are UUIDs of version 1 to 8, nil or max, hyphenated, ASCII, any case; answered in lower case.",
            INFERRED,
            "mockserver.ids:parse",
        ),
        ("minted-ids", "New ids are UUIDs of version 4.", DOCUMENTED, "mockserver.ids:mint"),
        (
            "instants",
            "Instants in responses are ISO 8601, UTC, with milliseconds and `Z`.",
            DOCUMENTED,
            "mockserver.instants:text_of",
        ),
        ("success-status", "POST answers 201, everything else 200.", INFERRED, "mockserver.api.operations:Operation"),
        (
            "error-shape",
            '`{"statusCode", "message", "error"}`; validation adds `errors` with `path`, `message` and `code` for '
            "each problem: path, query, then the field order of section 2.",
            INFERRED,
            "mockserver.errors:ApiError",
        ),
        (
            "internal-error",
            "500 says `Something went wrong`; never HTML, never a stack trace. The text is documented, the shape inferred.",
            INFERRED,
            "mockserver.errors:InternalServerError",
        ),
        (
            "unknown-route",
            "Unknown path → 404 `Cannot GET /api/public/x`; known path, other method → 405 with `Allow`.",
            INFERRED,
            "mockserver.rendering:register",
        ),
        (
            "body-size",
            "A body over the limit (1 MiB by default) → 413 as soon as its length is known; up to 4 MiB are drained.",
            INFERRED,
            "mockserver.api.pipeline:answer",
        ),
        (
            "unknown-keys",
            "Unknown keys of a body, and unknown names of a query, are ignored. Strict mode refuses the keys.",
            INFERRED,
            "mockserver.api.schemas:Request",
        ),
        (
            "json",
            "A body must be a JSON object, `application/json`, UTF-8, without `NaN`, numbers outside IEEE double, "
            "integers over 4,300 digits, lone surrogates, `\\u0000`, or more than 64 levels → 400 that says which. "
            "Of a repeated key the last value counts.",
            INFERRED,
            "mockserver.wire:decode",
        ),
        (
            "strings",
            "Other strings are stored and returned exactly as sent.",
            INFERRED,
            "mockserver.fields:Text",
        ),
    ),
    *_rules(
        "2",
        (
            "title",
            "`title`: required string of at least 1 character; a blank is one.",
            DOCUMENTED,
            "mockserver.api.schemas:CreateTask",
        ),
        (
            "description",
            "`description`: string or null, of any length.",
            DOCUMENTED,
            "mockserver.api.schemas:CreateTask",
        ),
        (
            "dueDate",
            "`dueDate`: null, `YYYY-MM-DD`, or a date-time with `Z`, an offset up to ±23:59, or neither; upper case, "
            "no `24:00`, no leap second; a fraction of 1 to 9 digits is truncated to milliseconds.",
            DOCUMENTED,
            "mockserver.instants:parse_date_or_date_time",
        ),
        (
            "dueTime",
            "`dueTime`: null or `HH:mm`, 24 hours, two digits each.",
            DOCUMENTED,
            "mockserver.instants:parse_time",
        ),
        (
            "timezone",
            "`timezone`: null or an IANA name of the `tzdata` package, case-sensitive, links included, `Factory` and "
            "`localtime` not; defaults to `UTC`, also with `dueTime`.",
            DOCUMENTED,
            "mockserver.zones:parse",
        ),
        (
            "responsibleIds",
            "`responsibleIds`: required array of at least one UUID; repeats count once, first position kept.",
            INFERRED,
            "mockserver.fields:IdList",
        ),
        ("aiContactId", "`aiContactId`: UUID or null.", DOCUMENTED, "mockserver.api.schemas:CreateTask"),
        ("aiCustomerId", "`aiCustomerId`: UUID or null.", DOCUMENTED, "mockserver.api.schemas:CreateTask"),
        (
            "priority",
            '`priority`: required, one of the strings `"0"`, `"1"`, `"2"`; stored and returned as an integer.',
            DOCUMENTED,
            "mockserver.api.schemas:PRIORITIES",
        ),
        (
            "statusId",
            "`statusId`: not needed; a UUID of one of the organization's statuses, unknown → 404.",
            INFERRED,
            "mockserver.domain.statuses:with_id",
        ),
        (
            "order-of-references",
            "Existence is checked after the fields: `responsibleIds`, `aiContactId`, `aiCustomerId`, then `statusId`; the "
            "404 names the ids. Nothing is written unless everything is.",
            DOCUMENTED,
            "mockserver.domain.references:check",
        ),
        (
            "active-responsible",
            "A responsible must be an active user [documented]; an inactive one is not found [inferred].",
            INFERRED,
            "mockserver.domain.references:check",
        ),
        (
            "due-none",
            "No `dueDate`: `due_at` null, all-day [documented]; a `dueTime` or `timezone` without it is checked, then "
            "neither used nor stored [inferred].",
            INFERRED,
            "mockserver.domain.tasks:create_task",
        ),
        (
            "due-date",
            "A date without `dueTime` is midnight of that day in the timezone, all-day.",
            INFERRED,
            "mockserver.domain.due:due",
        ),
        (
            "due-date-and-time",
            "A date and `dueTime` is that wall-clock time on that day in the timezone.",
            DOCUMENTED,
            "mockserver.domain.due:due",
        ),
        (
            "due-date-time",
            "A date-time without `dueTime` is all-day [documented] and keeps its instant [inferred].",
            INFERRED,
            "mockserver.domain.due:due",
        ),
        (
            "due-date-time-and-time",
            "A date-time and `dueTime` is the calendar date as written, at `dueTime` in the timezone.",
            INFERRED,
            "mockserver.domain.due:due",
        ),
        (
            "due-gap-and-fold",
            "A skipped wall-clock time moves forward by the gap; one that occurs twice is the first.",
            INFERRED,
            "mockserver.domain.due:due",
        ),
        (
            "due-range",
            "An instant outside the years 0001 to 9999 in UTC → 400.",
            INFERRED,
            "mockserver.domain.due:OutOfRange",
        ),
        (
            "task-object",
            "The task object has the documented keys, in their order.",
            DOCUMENTED,
            "mockserver.domain.tasks:present",
        ),
        (
            "empty-description",
            '`description` is `""` when omitted or null.',
            INFERRED,
            "mockserver.domain.tasks:create_task",
        ),
        (
            "initial-status",
            "A new task gets the organization's initial status (type `initial`, lowest `order`).",
            DOCUMENTED,
            "mockserver.domain.statuses:initial",
        ),
        ("creator", "`creator_id` is the key's user.", DOCUMENTED, "mockserver.sandbox.sandboxes:actor"),
        (
            "interactive-note",
            "A task with a contact creates an interactive note on that contact.",
            DOCUMENTED,
            "mockserver.domain.notes:attach",
        ),
    ),
    *_rules(
        "3",
        (
            "list-responsibleIds",
            "`responsibleIds`: required, may be empty (everyone); repeated, `responsibleIds[]=`, or comma-separated; any "
            "of them matches; bad UUID → 400, unknown user → no match.",
            INFERRED,
            "mockserver.api.reading:read",
        ),
        (
            "list-dates",
            "`fromDate`, `toDate`: required, `YYYY-MM-DD`, both days included, in UTC; from after to matches no dated task.",
            INFERRED,
            "mockserver.domain.tasks:list_tasks",
        ),
        (
            "list-undated",
            "`includeTasksWithoutDates`: `true` (default) or `false`; anything else → 400.",
            DOCUMENTED,
            "mockserver.api.schemas:ListTasks",
        ),
        (
            "list-repeated",
            "A parameter that has one value is refused when it is given more than once.",
            INFERRED,
            "mockserver.api.reading:read",
        ),
        (
            "list-order",
            "Deleted tasks are left out; ordered by `due_at`, nulls last, then by creation.",
            INFERRED,
            "mockserver.domain.tasks:list_tasks",
        ),
        ("list-priority", "`priority` is an integer here too.", DOCUMENTED, "mockserver.domain.tasks:present"),
    ),
    *_rules(
        "4",
        (
            "update-fields",
            "Only what is sent changes; `{}` changes nothing.",
            DOCUMENTED,
            "mockserver.domain.tasks:update_task",
        ),
        (
            "update-status",
            "`newStatusPosition` (a status's `order`) or `newStatusName` (exact), not both (400); no such status → 404.",
            INFERRED,
            "mockserver.domain.tasks:update_task",
        ),
        (
            "update-due",
            "`dueDate: null` removes the due date, `dueTime: null` makes it all-day; `dueTime` or `timezone` alone "
            "recompute `due_at` from the parts as they were given.",
            INFERRED,
            "mockserver.domain.tasks:update_task",
        ),
        (
            "update-contact",
            "`aiContactId: null` unlinks and removes the note; a new contact moves it.",
            INFERRED,
            "mockserver.domain.notes:follow",
        ),
        (
            "update-nulls",
            '`description: null` stores `""`; null for `priority`, `title`, `responsibleIds` → 400.',
            INFERRED,
            "mockserver.api.schemas:UpdateTask",
        ),
        (
            "update-unknown",
            "Id not a UUID → 400; unknown, deleted or of another organization → 404.",
            DOCUMENTED,
            "mockserver.domain.tasks:update_task",
        ),
    ),
    *_rules(
        "5",
        (
            "delete",
            '200 `{"status": "success"}`; the task is marked deleted and leaves every list; its notes are deleted with it.',
            DOCUMENTED,
            "mockserver.domain.tasks:delete_task",
        ),
        (
            "delete-unknown",
            "Id not a UUID → 400; unknown or already deleted → 404.",
            DOCUMENTED,
            "mockserver.domain.tasks:delete_task",
        ),
    ),
    *_rules(
        "6",
        (
            "team-members",
            "The organization's active users, in fixture order: `id`, `name`, `first_name`, `last_name`, `email`, `phone`.",
            DOCUMENTED,
            "mockserver.domain.team:list_team_members",
        ),
    ),
    *_rules(
        "7",
        (
            "strict-timezone",
            "Strict mode: `dueTime` without `timezone` → 400 that says that strict mode made it so.",
            INFERRED,
            "mockserver.api.reading:read",
        ),
        (
            "strict-unread-key",
            "Strict mode: a body key that nothing reads → 400 that says that strict mode made it so.",
            INFERRED,
            "mockserver.api.reading:read",
        ),
    ),
)

_INTRODUCTION = """\
# Fidelity

The rules of the imitated API, each with its evidence and the code that implements it. In the code, this page is called *the
contract*: `(contract, section 2)` in a docstring refers to section 2 below.

- **documented**: the vendor's public pages state the rule.
- **inferred**: the vendor's pages do not state it, or only a part of it. It is an assumption of this project.

This page is generated from [`mockserver/contract.py`](../mockserver/contract.py).
"""


def page() -> str:
    """The text of `docs/fidelity.md`."""
    return "\n".join([_INTRODUCTION, *(_section(number) for number in SECTIONS), _codes()])


def _section(number: str) -> str:
    rows = [
        f"| {rule.name} | {rule.statement} | {rule.evidence} | {_link(rule.where)} |"
        for rule in RULES
        if rule.section == number
    ]
    return "\n".join(
        [
            f"## {number}. {SECTIONS[number]}",
            "",
            "| rule | what it says | evidence | where |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _link(where: str) -> str:
    module, _, name = where.partition(":")
    path = module.replace(".", "/") + ".py"
    return f"[`{name}`](../{path})"


def _codes() -> str:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in CODES.items()]
    return "\n".join(
        [
            "## Codes of problems",
            "",
            "The `code` of each entry of a 400's `errors`.",
            "",
            "| code | when |",
            "|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    print(page())
