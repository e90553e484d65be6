"""Schemas of the control plane's calls: their paths, queries and bodies, declared once.

The schemas validate calls and generate `/__admin/openapi.json`. Where a schema has a rule between its keys, `openapi`
is that rule as JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, post_load, validate, validates_schema
from marshmallow import fields as base

from mockserver import clock, fixtures
from mockserver.engine import current_engine
from mockserver.errors import BadRequest
from mockserver.faults import delays, rules
from mockserver.fidelity import assumptions
from mockserver.formats import fields
from mockserver.formats.fields import Parsed, Reason, about, refusal
from mockserver.formats.json import quoted
from mockserver.journal import matchers, patterns
from mockserver.journal.matchers import is_matcher
from mockserver.keys import check_name
from mockserver.masking import SECRET_HEADERS
from mockserver.sandbox import snapshots
from mockserver.sandbox.resetting import PARTS
from mockserver.sandbox.snapshots import FIXTURES

LISTS = ("users", "statuses", "contacts", "customers", "tasks", "notes")

_MANY = 10**9
_DIGITS = re.compile(r"[0-9]{1,15}")
_HEADERS_ONLY = "Must be an object of header names and values, in printable ASCII, none of them about the connection"
_BOUNDS = "exactly, at_least, at_most, never"
_SEQUENCE = "Must be a list of at least one pattern, without request and times beside it"
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
_HEADERS = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"},
    "additionalProperties": {"type": "string", "pattern": "^[ -~]{0,1000}$"},
}
_VALUE = {"type": ["string", "array", "object"], "items": {"type": "string"}}
_PARAMETERS = {"type": "object", "additionalProperties": _VALUE}
_MILLISECONDS = {"minimum": 0, "maximum": delays.MAX_DELAY_MS}
_SIGMA = {"type": "number", "minimum": 0, "maximum": delays.MAX_SIGMA}


def _distribution(kind: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [kind], "properties": {kind: parts}, "additionalProperties": False}


_DELAYS = [
    {"type": "integer", **_MILLISECONDS},
    _distribution(
        "uniform", {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number", **_MILLISECONDS}}
    ),
    _distribution(
        "lognormal",
        {
            "type": "object",
            "required": ["median", "sigma"],
            "properties": {"median": {"type": "number", **_MILLISECONDS}, "sigma": _SIGMA},
            "additionalProperties": False,
        },
    ),
]
_RECORDS = {"type": "array", "items": {"type": "object"}}
_PARTS = {"type": "array", "items": {"type": "string", "enum": list(PARTS)}, "minItems": 1}


# Fields.


class Typed(fields.Strict):
    """A field that refuses null as a value of the wrong type."""

    def _validate_missing(self, value: Any) -> None:
        if value is not None:
            super()._validate_missing(value)


class Records(Typed, Parsed):
    """A list of records, which `fixtures.check` validates."""


class Matched(base.Raw):
    """Any JSON value, with matchers in it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        _check_matchers(value)
        return value


class Digits(fields.Integer):
    """A whole number in the query."""

    expected, types = "a string", (str,)  # type: ignore[assignment]

    def accept(self, value: Any, relied: set[str]) -> int:
        """The number, when the text is a whole number within the bounds."""
        digits = re.sub(r"\.0+$", "", value)
        if not _DIGITS.fullmatch(digits):
            raise BadRequest(f"{self.name}={quoted(value)[1:-1]} is not a whole number")
        return super().accept(int(digits), relied)


class Named(Typed):
    """One of the existing names, which a refusal lists."""

    openapi = {"type": "string"}

    def __init__(self, names: Callable[[], Collection[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = names

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        known = self.names()
        if isinstance(value, str) and value in known:
            return value
        problem = f"There is no {quoted(value)}" if isinstance(value, str) else "Expected a string"
        raise refusal("invalid_pattern", f"{problem}; there are {', '.join(known)}")


class Object(Typed, base.Nested):  # type: ignore[misc]
    """An object with a schema of its own."""

    expected, types = "an object", (dict,)

    def accept(self, value: dict[str, Any], relied: set[str]) -> Any:
        """The object as its schema loads it."""
        return self.schema.load(value)


class AsInFixtures(fields.Strict):
    """A value that `fixtures.check` validates."""

    def __init__(self, field: base.Field[Any], **kwargs: Any) -> None:
        super().__init__(allow_none=field.allow_none, **kwargs)
        shapes = {fields.DueDate: {"type": "string"}, fields.Instant: {"type": "string"}, base.Raw: {"type": "object"}}
        self.openapi = shapes.get(type(field)) or getattr(field, "openapi", _RECORDS)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return value


class Delay(fields.Strict):
    """Milliseconds, or a distribution of them."""

    openapi = {"anyOf": _DELAYS}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return delays.checked(value)
        except ValueError as error:
            whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)
            raise refusal("out_of_bounds" if whole or isinstance(value, dict) else "invalid_type", str(error)) from None


class Switches(Typed):
    """Values of switches, by their names; null puts one back to the server's value."""

    expected, types = "an object", (dict,)
    openapi = {
        "type": "object",
        "properties": {
            each.name: {"type": ["string", "null"], "enum": [*each.values, None], "description": each.why}
            for each in assumptions.OF_SANDBOXES
        },
        "additionalProperties": False,
    }

    def accept(self, value: dict[str, Any], relied: set[str]) -> dict[str, str | None]:
        """The values; every unknown name or value is refused."""
        refused: dict[str, Any] = {}
        for name, each in value.items():
            try:
                assumptions.check_for_sandbox(name, each)
            except ValueError as error:
                refused[name] = [Reason("invalid_choice", str(error))]
        if refused:
            raise ValidationError(refused)
        return value


class Patterns(Typed, base.List[Any]):
    """At least one pattern."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list) or not value:
            raise refusal("invalid_pattern", _SEQUENCE)
        return base.List._deserialize(self, value, attr, data, **kwargs)


def _parameters(value: dict[str, Any]) -> dict[str, Any]:
    _check_matchers(value)
    texts = (text for each in value.values() if not is_matcher(each) for text in patterns.listed(each))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError
    return value


def _sent_headers(value: dict[str, Any]) -> dict[str, Any]:
    hidden = [name for name in value if name.lower() in SECRET_HEADERS]
    if hidden:
        raise refusal("invalid_pattern", f"The journal hides {', '.join(hidden)}: no pattern can match it")
    return _parameters(value)


def _check_matchers(value: Any) -> None:
    try:
        matchers.check(value)
    except ValueError as error:
        raise refusal("invalid_pattern", str(error)) from None


def _headers(value: dict[str, Any]) -> dict[str, Any]:
    if not all(isinstance(text, str) and rules.may_send(name, text) for name, text in value.items()):
        raise ValueError
    return value


def _parts(value: list[Any]) -> list[str]:
    if not value or any(word not in PARTS for word in value):
        raise ValueError(f"Must be some of {', '.join(PARTS)}")
    return [word for word in PARTS if word in value]


def _entry_id(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise BadRequest(f"{quoted(text)} is no entry's id: X-Mock-Request-Id has it")
    return int(text)


def _operations() -> list[str]:
    return [operation.id for operation in current_engine().operations]


# Bodies.


class Body(Schema):
    """The body of a call; the refusal of an undeclared key lists the declared ones.

    `code` is the code of its problems; `words` maps a key to the message of all its problems.
    """

    class Meta:
        unknown = RAISE

    code = "unknown"
    keys = "there are"
    words: Mapping[str, str] = {}

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Replace marshmallow's messages by the schema's; marshmallow calls it."""
        assert isinstance(error.messages, dict)  # noqa: S101 (those of a schema are)
        known = [field.data_key or name for name, field in self.fields.items()]
        for name, found in error.messages.items():
            if name not in known:
                error.messages[name] = [Reason(self.code, f"Unknown key; {self.keys} {', '.join(known)}")]
            elif name in self.words and isinstance(found, list) and getattr(found[0], "code", "") != self.code:
                word = self.words[name]
                error.messages[name] = [word if isinstance(word, Reason) else Reason(self.code, word)]


class Reset(Body):
    """The parts to reset, and the state to reset them to."""

    to = fields.Text(
        load_default=FIXTURES,
        metadata=about("`fixtures`, `empty` (people and statuses stay), or the name of a snapshot.", "fixtures"),
    )
    parts = Parsed(
        _parts, _PARTS, data_key="only", load_default=PARTS, metadata=about("The parts to reset.", default=list(PARTS))
    )


State = Body.from_dict({name: Records(list, _RECORDS, required=True) for name in LISTS}, name="State")


_TASK = {
    "id": "Its id; minted by default.",
    "title": "Its title; by default `Task` and a number.",
    "description": "Its description.",
    "due_date": "A date or a date-time.",
    "due_time": "A time of day.",
    "timezone": "The time zone of the due date.",
    "due_timezone": "Derived; must agree when given.",
    "due_at": "Derived; must agree when given.",
    "is_all_day": "Derived; must agree when given.",
    "created_at": "An instant; by default the time of the clock.",
    "ai_contact_id": "A contact, which gets a note.",
    "ai_customer_id": "A customer.",
    "task_status_config_id": "A status; by default the initial one.",
    "priority": "0, 1 or 2; by default 1.",
    "creator_id": "A user; by default the first active one.",
    "task_responsibles": "Users; by default the first active one.",
    "status_config": "Ignored: derived.",
}
NewTask = Body.from_dict(
    {name: AsInFixtures(field, metadata=about(_TASK[name])) for name, field in fixtures.TASK_FIELDS.items()},
    name="NewTask",
)
_NEW_NAME = Parsed(check_name, _NAME, load_default=None, metadata=about("Its name; made up by default.", "gw3"))
_NEW_SNAPSHOT = Parsed(snapshots.check_name, _NAME, required=True, metadata=about("Its name.", "onboarded"))
_SECONDS = fields.WholeNumber(0, 5_000_000_000, required=True, metadata=about("Seconds.", 3600))
NewSandbox = Body.from_dict({"name": _NEW_NAME}, name="NewSandbox")
NewSnapshot = Body.from_dict({"name": _NEW_SNAPSHOT}, name="NewSnapshot")
Advance = Body.from_dict({"seconds": _SECONDS}, name="Advance")


class ClockChange(Body):
    """Changes to the clock."""

    mode = fields.Choice(clock.MODES, metadata=about("How it moves.", "frozen"))
    now = Parsed(
        clock.parse_instant,
        {"type": "string", "format": "date-time"},
        "invalid_date",
        metadata=about("The time it shows."),
    )
    tick_ms = fields.WholeNumber(0, 86_400_000, metadata=about("What a successful write adds when it ticks.", 1000))


class RateLimit(Body):
    """A number of requests in a window of real time."""

    requests = fields.WholeNumber(1, 1_000_000, required=True, metadata=about("How many.", 100))
    seconds = fields.WholeNumber(1, 86_400, required=True, metadata=about("The length of the window.", 60))


class SettingsChange(Body):
    """Changes to the sandbox's settings."""

    strict = fields.Boolean(metadata=about("Refuse what the vendor's pages do not promise to take."))
    delay_ms = Delay(metadata=about("What every request waits.", 0, {"uniform": [50, 400]}))
    rate_limit = Object(RateLimit, allow_none=True, metadata=about("Null for none."))
    assume = Switches(metadata=about("Guesses about the vendor to replace; null for the server's value."))


class Pattern(Body):
    """A pattern that requests match; every part may be left out."""

    code, keys = "invalid_pattern", "a pattern takes"
    words = {
        "path": "Expected a string; * stands for any characters",
        "status": "Expected a status code",
        "query": "Expected an object of strings, lists of strings, or matchers",
        "headers": "Expected an object of strings, lists of strings, or matchers",
    }

    operation = Named(_operations, metadata=about("The id of an operation.", "createTask"))
    method = Named(lambda: patterns.METHODS, metadata=about("The method.", enum=list(patterns.METHODS)))
    path = fields.Text(metadata=about("The path; `*` stands for any characters.", "/api/public/tasks*"))
    status: fields.Integer = fields.WholeNumber(100, 599, metadata=about("The status of the answer.", 201))
    query = Parsed(_parameters, _PARAMETERS, metadata=about("Parameters with these values.", {"responsibleIds": ""}))
    headers = Parsed(
        _sent_headers, _PARAMETERS, metadata=about("Headers with these values, names in any case.", {"Prefer": "wait"})
    )
    json = Matched(
        allow_none=True, metadata=about("What the body must contain: of an object, only the keys named count.")
    )


class Times(Body):
    """Bounds of a count: `exactly`, `at_least`, `at_most`, the last two together, or `never`."""

    openapi = {"minProperties": 1, "dependentSchemas": {key: {"maxProperties": 1} for key in ("exactly", "never")}}

    exactly = fields.WholeNumber(0, metadata=about("This number of times."))
    at_least = fields.WholeNumber(0, metadata=about("This number of times, or more."))
    at_most = fields.WholeNumber(0, metadata=about("This number of times, or fewer."))
    never = fields.Boolean(validate=validate.Equal(True), metadata=about("No time at all."))

    @validates_schema
    def can_hold_together(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse bounds that are empty or contradict each other."""
        if not data or (len(data) > 1 and not {"exactly", "never"}.isdisjoint(data)):
            raise refusal("invalid_pattern", "")

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Refuse the bounds as a whole; marshmallow calls it."""
        error.messages = [Reason("invalid_pattern", "")]


class Verification(Body):
    """Requests that must be in the journal."""

    words = {
        "request": Reason("invalid_type", "Expected an object"),
        "times": Reason("invalid_pattern", f"Expected an object with {_BOUNDS}: whole numbers, and true for never"),
        "timeout_ms": Reason("out_of_bounds", "Must be from 0 to 60000"),
    }
    openapi = {"dependentSchemas": {"sequence": {"properties": {"request": False, "times": False}}}}

    request = Object(Pattern, load_default=dict, metadata=about("What the requests must be like."))
    sequence = Patterns(Object(Pattern), metadata=about("Such requests in this order.", minItems=1))
    times = Object(Times, load_default={"at_least": 1}, metadata=about("How often."))
    timeout_ms = fields.WholeNumber(0, 60_000, load_default=0, metadata=about("How long to wait until it holds."))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def is_one_of_both(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        """Refuse a sequence with a count beside it."""
        if "sequence" in data and not {"request", "times"}.isdisjoint(original):
            raise refusal("invalid_pattern", _SEQUENCE, "sequence")


class FaultRule(Body):
    """A rule that makes matching requests fail."""

    code, keys = "invalid_fault", "a fault rule takes"
    words = {
        "match": Reason("invalid_type", "Expected an object"),
        "when": "Must be before or after (the commit)",
        "status": "Must be null or a status code from 200 to 599",
        "headers": _HEADERS_ONLY,
        "connection": f"Must be null or one of {', '.join(rules.CONNECTIONS)}",
        "delay_ms": delays.FORMS,
        "skip": "Must be a whole number",
        "times": "Must be null (for ever) or a whole number of at least 1",
        "probability": "Must be null or a number from 0 to 1",
    }

    match = Object(Pattern, metadata=about("Which requests; all when left out.", {"operation": "createTask"}))
    when = fields.Choice(rules.WHEN, metadata=about("Before or after the commit."))
    status = fields.WholeNumber(200, 599, allow_none=True, metadata=about("The status to answer with.", 503))
    headers = Parsed(_headers, _HEADERS, metadata=about("Headers to add.", {"Retry-After": "2"}))
    body = base.Raw(
        allow_none=True, metadata=about("The body of the answer; a string is sent as it is, all else as JSON.")
    )
    connection = fields.Choice(rules.CONNECTIONS, allow_none=True, metadata=about("How the connection breaks."))
    delay_ms = Delay(metadata=about("What the answer waits.", 500, {"lognormal": {"median": 120, "sigma": 0.4}}))
    skip = fields.WholeNumber(0, _MANY, metadata=about("How many matching requests are left alone first."))
    times = fields.WholeNumber(1, _MANY, allow_none=True, metadata=about("How many are hit; null is for ever."))
    probability = fields.Number(0, 1, allow_none=True, metadata=about("With which chance one is hit.", 0.5))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def can_work(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        """Refuse keys that contradict each other."""
        contradictions = rules.contradictions(rules.DEFAULTS | original)
        if contradictions:
            raise ValidationError({name: [Reason(self.code, message)] for name, message in contradictions.items()})

    @post_load
    def completed(self, rule: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The rule with its defaults; one that does nothing is refused."""
        rule = rules.DEFAULTS | rule
        if not rules.has_effect(rule):
            message = "The rule does nothing: give it a status, a connection or a delay_ms"
            raise refusal(self.code, message, "status")
        return rule


# Paths and queries.


def _unidentified() -> base.Field[Any]:
    described = about("`true` for the requests whose key opens no sandbox, in place of those of a sandbox.", "false")
    return fields.Choice({"true": True, "false": False}, metadata=described)


class Filters(Pattern):
    """Filters for the entries of the journal."""

    class Meta:
        fields = ("since", "limit", "method", "path", "operation", "status", "unidentified")

    since = Digits(0, load_default=0, metadata=about("Only entries after the one with this id."))
    limit = Digits(0, metadata=about("At most this number of entries, the oldest of those found."))
    status = Digits(100, 599, metadata=about("The status of the answer.", 201))
    unidentified = _unidentified()


def _one(**field: base.Field[Any]) -> Schema:
    return Schema.from_dict(field)()


UNIDENTIFIED = _one(unidentified=_unidentified())
SANDBOX = _one(
    sandbox=Parsed(check_name, _NAME, metadata=about("The sandbox; else that of the `x-api-key`, else `default`."))
)
ENTRY = _one(id=Parsed(_entry_id, {"type": "integer", "minimum": 0}, required=True, metadata=about("The entry's id.")))
FAULT = _one(id=fields.Text(required=True, metadata=about("The rule's id.")))
NEW_SANDBOX = _one(
    sandbox=Parsed(check_name, _NAME, load_default=None, metadata=about("The name, as in the body.", "gw3"))
)
SANDBOX_NAME = _one(name=Parsed(check_name, _NAME, required=True, metadata=about("The sandbox's name.")))
SNAPSHOT_NAME = _one(name=Parsed(snapshots.check_name, _NAME, required=True, metadata=about("The snapshot's name.")))
