"""Marshmallow fields that accept only what the contract does, and explain refusals (contract, sections 1 and 2).

Marshmallow's own fields convert: `Float` takes `"1"`, `UUID` takes braces, `Boolean` takes `"yes"`, and what `Date`
takes depends on the Python version. These do not. `openapi` of a field is what it adds to its JSON Schema.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, missing, validates_schema
from marshmallow import fields as base

from mockserver.errors import LEFT_OUT, MAX_LISTED, Issue, Problem
from mockserver.formats import dates, ids, zod, zones
from mockserver.formats.json import quoted

# The pattern checks only the form of `dueDate`; the format checks that the day exists.
DUE_DATE_PATTERN = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$"
)
INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NO_NUL_PATTERN = r"^[^\u0000]*$"


class Reason(str):
    """A message with the other parts of a `Problem`; a string, so that marshmallow passes it on unchanged."""

    code: str
    rule: str
    also: str
    times: int
    issue: Issue | None

    def __new__(
        cls, code: str, message: str, rule: str = "", also: str = "", times: int = 1, issue: Issue | None = None
    ) -> Reason:
        """A message with one of `contract.CODES`, the rule where it is not the field's, a count, and Zod's issue."""
        reason = super().__new__(cls, message)
        reason.code, reason.rule, reason.also, reason.times, reason.issue = code, rule, also, times, issue
        return reason


def refusal(
    code: str, message: str, field_name: str = "_schema", rule: str = "", issue: Issue | None = None
) -> ValidationError:
    """The error to raise in a field or, with a field's name and rule, in a schema."""
    return ValidationError([Reason(code, message, rule, issue=issue)], field_name)


def kind_of(value: object) -> str:
    """The JSON type of a value, in words."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def type_of(value: object) -> str:
    """The JSON type of a value, in one word."""
    return kind_of(value).rpartition(" ")[2]


def _wrong_type(expected: str, value: object, issue: Issue) -> ValidationError:
    return refusal("invalid_type", f"Expected {expected}, received {kind_of(value)}", issue=issue)


def about(description: str, *examples: Any, **keywords: Any) -> dict[str, Any]:
    """The metadata of a field: its description, examples and other keywords of its JSON Schema."""
    return {"description": description, **({"examples": list(examples)} if examples else {}), **keywords}


class Strict(base.Field[Any]):
    """A field of one JSON type that converts nothing.

    `rule` names the rule of the contract that it implements; `invalid_rule` and `null_rule` those by which it refuses a
    value or null, if others.
    """

    default_error_messages = {"required": "Required", "null": "Must not be null"}
    expected = ""
    types: tuple[type, ...] = ()
    openapi: Mapping[str, Any] = {}

    def __init__(self, *args: Any, rule: str = "", null_rule: str = "", invalid_rule: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule, self.null_rule, self.invalid_rule = rule, null_rule, invalid_rule

    def rule_behind(self, code: str) -> str:
        """The rule by which a problem with this code is one."""
        if code == "required":
            return self.rule
        return (self.null_rule if code == "null" else "") or self.invalid_rule or self.rule

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """Marshmallow's own refusals (`required`, `null`) with their code."""
        message, is_null = str(self.error_messages[key]), key == "null"
        issue = self.unexpected("null" if is_null else "undefined")
        return refusal(key, f"{message}: expected {self.expected}", issue=issue)

    def unexpected(self, received: str) -> Issue:
        """The issue of a value of another type."""
        return zod.invalid_type(self.expected.rpartition(" ")[2], received)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) not in self.types:
            raise _wrong_type(self.expected, value, self.unexpected(type_of(value)))
        return self.accept(value, set())

    def accept(self, value: Any, relied: set[str]) -> Any:
        """Convert a value of the field's type; raises `refusal`.

        It adds to `relied` the undocumented rules by which it accepts the value.
        """
        return value


class Text(Strict):
    """A string, kept exactly as sent."""

    expected, types, openapi = "a string", (str,), {"type": "string", "pattern": NO_NUL_PATTERN}

    def __init__(self, *, min_length: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_length = min_length
        if min_length:
            self.openapi = {**self.openapi, "minLength": min_length}

    def accept(self, value: str, relied: set[str]) -> str:
        """The text, when it is long enough."""
        if len(value) < self.min_length:
            issue = zod.too_small("string", self.min_length, "characters")
            raise refusal("too_small", f"Must have at least {self.min_length} character", issue=issue)
        return value


class Number(Strict):
    """A JSON number, from `low` to `high` where they are given."""

    expected, types, openapi = "a number", (int, float), {"type": "number"}

    def __init__(self, low: float = -math.inf, high: float = math.inf, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high
        bounds = {"minimum": low, "maximum": high}
        self.openapi = {**self.openapi, **{name: bound for name, bound in bounds.items() if math.isfinite(bound)}}

    def accept(self, value: Any, relied: set[str]) -> Any:
        """The number, when it is within the bounds."""
        if not self.low <= value <= self.high:
            raise refusal("out_of_bounds", f"Must be from {self.low} to {self.high}")
        return value


class Integer(Number):
    """A JSON number without fraction, however it is written: as in JSON Schema, `5.0` is 5."""

    expected, openapi = "an integer", {"type": "integer"}

    def accept(self, value: float, relied: set[str]) -> int:
        """The number as an `int`, when it is within the bounds."""
        if value != value // 1:
            raise _wrong_type(self.expected, value, self.unexpected(type_of(value)))
        return int(super().accept(value, relied))


class WholeNumber(Integer):
    """An integer that messages call a whole number."""

    expected = "a whole number"


class NumberText(Strict):
    """A whole number from `low` to `high` as the text of a query, converted as JavaScript does: an empty one is 0."""

    expected, types = "a string", (str,)

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high
        self.openapi = {"type": "integer", "minimum": low, "maximum": high}

    def accept(self, value: str, relied: set[str]) -> int:
        """The number."""
        text = value.strip()
        if text and not _NUMBER.fullmatch(text):
            raise refusal("invalid_type", f"Expected a number, received {quoted(value)}", issue=zod.NOT_A_NUMBER)
        number = float(text or "0")
        if math.isfinite(number) and not number.is_integer():
            message = f"Expected a whole number, received {quoted(value)}"
            raise refusal("invalid_type", message, issue=zod.NOT_AN_INTEGER)
        message = f"Must be from {self.low} to {self.high}"
        if number < self.low:
            raise refusal("out_of_bounds", message, issue=zod.number_too_small(self.low))
        if number > self.high:
            raise refusal("out_of_bounds", message, issue=zod.number_too_big(self.high))
        return int(number)

    def unexpected(self, received: str) -> Issue:
        """The issue of a value that is no text, which is no number to JavaScript either."""
        return zod.NOT_A_NUMBER


class Boolean(Strict):
    """`true` or `false`."""

    expected, types, openapi = "a boolean", (bool,), {"type": "boolean"}


class Choice(Strict):
    """One of some values; one of a mapping's keys is converted to the mapped value."""

    def __init__(self, choices: Mapping[Any, Any] | Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices if isinstance(choices, Mapping) else dict(zip(choices, choices, strict=True))
        numbers = all(type(choice) is int for choice in choices)
        self.types = (int, float) if numbers else tuple({type(choice) for choice in choices})
        self.expected = kind_of(next(iter(choices)))
        self.openapi = {"type": "integer" if numbers else "string", "enum": list(choices)}

    def accept(self, value: Any, relied: set[str]) -> Any:
        """The mapped value."""
        if value not in self.choices:
            listed = ", ".join(quoted(choice) if isinstance(choice, str) else str(choice) for choice in self.choices)
            shown = quoted(value) if isinstance(value, str) else value
            raise refusal("invalid_choice", f"Must be one of {listed}, not {shown}", issue=self.unexpected(""))
        return self.choices[value]

    def unexpected(self, received: str) -> Issue:
        """The issue of any other value, whatever its type."""
        return zod.invalid_value(map(str, self.choices))


class Parsed(Strict):
    """A value that `parse` converts; its ValueError becomes a refusal with this code and issue.

    `guess` names the undocumented rule by which it accepts a value, if one.
    """

    def __init__(
        self,
        parse: Callable[[Any], Any],
        openapi: Mapping[str, Any],
        code: str = "invalid_choice",
        issue: Issue | None = None,
        guess: Callable[[Any], str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parse, self.openapi, self.code, self.issue, self.guess = parse, openapi, code, issue, guess
        kinds = {"object": ("an object", (dict,)), "array": ("an array", (list,))}
        self.expected, self.types = kinds.get(openapi["type"], ("a string", (str,)))

    def accept(self, value: Any, relied: set[str]) -> Any:
        """The converted value."""
        try:
            parsed = self.parse(value)
        except ValueError as error:
            raise refusal(self.code, str(error), issue=self.issue) from None
        if self.guess and (rule := self.guess(value)):
            relied.add(rule)
        return parsed


class Id(Strict):
    """A UUID, converted to lower case."""

    expected, types, code = "a string", (str,), "invalid_uuid"
    openapi = {"type": "string", "format": "uuid", "pattern": ids.UUID_PATTERN}

    def accept(self, value: str, relied: set[str]) -> str:
        """The id in lower case."""
        return _id(value, relied)


def _id(text: str, relied: set[str]) -> str:
    """The id in lower case; ValidationError when it is not a UUID."""
    if ids.documented(text):
        return text
    try:
        accepted = ids.parse(text)
    except ValueError as error:
        also = "uuid" if ids.resembles(text) else ""
        raise ValidationError([Reason(Id.code, str(error), also=also, issue=zod.INVALID_UUID)]) from None
    relied.add("uuid")
    return accepted


def _instant(text: str) -> str:
    """The text, when a response would write the instant in exactly this form."""
    wall, offset = dates.parse_date_time(text)
    if offset is None or dates.text_of(wall) != text:
        raise ValueError(f"{quoted(text)} is not an instant of the form 2025-11-26T09:00:00.000Z")
    return text


TimeZone = partial(
    Parsed, zones.parse, {"type": "string", "format": "timezone"}, "invalid_timezone", zod.INVALID_TIMEZONE, zones.guess
)
Date = partial(Parsed, dates.parse_date, {"type": "string", "format": "date"}, "invalid_date", zod.INVALID_DATE)
DueDate = partial(
    Parsed,
    dates.parse_date_or_date_time,
    {"type": "string", "format": "due-date", "pattern": DUE_DATE_PATTERN},
    "invalid_date",
    zod.INVALID_DATE_TIME,
    dates.guess,
)
Time = partial(
    Parsed, dates.parse_time, {"type": "string", "pattern": dates.TIME_PATTERN}, "invalid_time", zod.INVALID_TIME
)
Instant = partial(
    Parsed, _instant, {"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN}, "invalid_date"
)


class IdList(Strict):
    """An array of UUIDs; repeats count once, at their first position, by the `repeats_rule`."""

    expected, types = "an array", (list,)

    def __init__(self, *, min_items: int = 0, repeats_rule: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_items, self.repeats_rule = min_items, repeats_rule
        self.openapi = {"type": "array", "items": Id.openapi} | ({"minItems": min_items} if min_items else {})

    def accept(self, value: list[Any], relied: set[str]) -> list[str]:
        """The ids, each once."""
        if len(value) < self.min_items:
            issue = zod.too_small("array", self.min_items, "items")
            raise refusal("too_small", f"Must have at least {self.min_items} item", issue=issue)
        accepted: list[str] = []
        refused: dict[int, Any] = {}
        more = 0
        for index, text in enumerate(value):
            # Without a field or a reason for each item: a body can hold hundreds of thousands.
            if len(refused) >= MAX_LISTED:
                more += not ids.is_id(text)
                continue
            try:
                if type(text) is not str:
                    raise _wrong_item(text)
                accepted.append(_id(text, relied))
            except ValidationError as error:
                refused[index] = error.messages
        if more:
            refused[len(value)] = [Reason(LEFT_OUT, "", times=more)]
        if refused:
            raise ValidationError(refused)
        once = list(dict.fromkeys(accepted))
        if self.repeats_rule and len(once) < len(accepted):
            relied.add(self.repeats_rule)
        return once


def _wrong_item(value: object) -> ValidationError:
    """The refusal of a member of a list that is no text."""
    issue = zod.invalid_type("string", type_of(value))
    if value is None:
        return refusal("null", "Must not be null: expected a string", issue=issue)
    return _wrong_type("a string", value, issue)


class _Refused(Exception):
    """The document has a problem, which marshmallow is left to report."""


class Checked(Schema):
    """A schema with `checks` of the whole document: functions of the loaded values and the document.

    A check raises `refusal`; it is also called when fields are invalid.
    """

    checks: Sequence[Callable[[Mapping[str, Any], Mapping[str, Any]], None]] = ()

    class Meta:
        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def run_checks(self, data: dict[str, Any], original: Mapping[str, Any], **_: Any) -> None:
        """Call every check and raise all their refusals together."""
        refused: dict[str, Any] = {}
        for check in self.checks:
            try:
                check(data, original)
            except ValidationError as error:
                refused |= error.normalized_messages()
        if refused:
            raise ValidationError(refused)


def load(
    schema: Schema, document: Mapping[str, Any], relied: set[str] | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Load a document: its values, and every problem it has, in the schema's field order.

    `relied` collects the undocumented rules by which a document without problems is accepted.
    """
    if quickly := _loader(schema):
        try:
            return quickly(document, set() if relied is None else relied), []
        except (_Refused, ValidationError):
            pass  # marshmallow reports the problems
    try:
        return schema.load(document), []
    except ValidationError as error:
        named = {field.data_key or name: field for name, field in schema.fields.items()}
        order = {name: place for place, name in enumerate(named)}
        found = _problems(error.normalized_messages(), (), named)
        return {}, sorted(
            found, key=lambda problem: order.get(str(problem.path[0]) if problem.path else "", len(order))
        )


@cache
def _loader(schema: Schema) -> Callable[[Mapping[str, Any], set[str]], dict[str, Any]] | None:
    """A function that loads a document without problems as the schema would, field by field in one loop.

    It raises for every other document; marshmallow then reports the problems. None for a schema that has more than
    fields of ours and checks: only marshmallow loads these.
    """
    plan = [
        (name, each.data_key or name, each.types, each.accept, each.allow_none, each.load_default)
        for name, each in schema.fields.items()
        if isinstance(each, Strict) and not each.validators
    ]
    if not isinstance(schema, Checked) or len(plan) < len(schema.fields):
        return None
    checks = schema.checks
    required = {each.data_key or name for name, each in schema.fields.items() if each.required}

    def quickly(document: Mapping[str, Any], relied: set[str]) -> dict[str, Any]:
        if not required <= document.keys():
            raise _Refused
        loaded: dict[str, Any] = {}
        for name, key, types, accept, allow_none, default in plan:
            value = document.get(key, missing)
            if type(value) in types:
                loaded[name] = accept(value, relied)
            elif value is missing:
                if default is not missing:
                    loaded[name] = default
            elif value is None and allow_none:
                loaded[name] = None
            else:
                raise _Refused
        for check in checks:
            check(loaded, document)
        return loaded

    return quickly


def _problems(messages: Any, path: tuple[str | int, ...], named: Mapping[Any, base.Field[Any]]) -> Iterable[Problem]:
    if isinstance(messages, Mapping):
        for key, nested in messages.items():
            yield from _problems(nested, path if key == "_schema" else (*path, key), named)
    else:
        field = named.get(path[0]) if path else None
        for message in messages:
            reason = message if isinstance(message, Reason) else Reason("unknown", message)
            rule = reason.rule or (field.rule_behind(reason.code) if isinstance(field, Strict) else "")
            yield Problem(path, reason.code, str(message), rule, reason.also, reason.times, reason.issue)
