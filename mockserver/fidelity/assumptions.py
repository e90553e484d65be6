"""The assumptions: guesses about the vendor that have alternatives, each a switch (contract, section 0).

The code asks for the value of a switch by its name, in the mapping that holds one value for each: `world.assumed` in a
sandbox, `sandboxes.assumed` for the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mockserver.formats.json import Document, quoted

Assumed = Mapping[str, str]


class Assumption(NamedTuple):
    """A switch: its name, its values with their meanings (the default first), and the reason for the default.

    `evidence` is that of the default. `rules` are the rules of the contract that it changes, by default the one of its
    name.
    """

    name: str
    values: Mapping[str, str]
    evidence: str
    why: str
    others: tuple[str, ...] = ()

    @property
    def default(self) -> str:
        """The value that the contract prefers."""
        return next(iter(self.values))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of the contract that the switch changes."""
        return (self.name, *self.others)

    @property
    def is_of_the_server(self) -> bool:
        """True when a sandbox cannot set it: it decides about requests that belong to no sandbox."""
        return self.name == UNAUTHORIZED_BODY

    def document(self) -> Document:
        """The switch as JSON."""
        return {
            "name": self.name,
            "values": list(self.values),
            "default": self.default,
            "evidence": self.evidence,
            "why": self.why,
            "rules": list(self.rules),
        }


UNAUTHORIZED_BODY = "unauthorized-body"
FRAMEWORK, OURS = "framework", "ours"

ASSUMPTIONS = (
    Assumption(
        "create-status",
        {"201": "A creation answers 201.", "200": "A creation answers 200."},
        FRAMEWORK,
        "The framework's default for POST; the vendor documents 201 for another POST.",
    ),
    Assumption(
        "validation-body",
        {
            "zod": "400 for invalid fields has Zod's issues in `errors`.",
            "messages": "It has a list of texts in `message`.",
            "plain": "It says `Validation failed`, and no more.",
        },
        FRAMEWORK,
        "The framework's pipe for Zod answers so.",
    ),
    Assumption(
        UNAUTHORIZED_BODY,
        {
            "named": "401 says `API key is required` or `Invalid API key`.",
            "bare": "401 says `Unauthorized`, without `error`.",
        },
        FRAMEWORK,
        "The vendor's own public service words it so.",
    ),
    Assumption(
        "wrong-method",
        {"404": "A known path with another method is unknown.", "405": "It is a 405 with `Allow`."},
        FRAMEWORK,
        "The framework answers so.",
    ),
    Assumption(
        "path-matching",
        {
            "lenient": "One trailing slash and any letter case match.",
            "exact": "Only the path as written matches.",
        },
        FRAMEWORK,
        "The framework routes so by default.",
    ),
    Assumption(
        "empty-body",
        {
            "object": "An empty JSON body is `{}`.",
            "refused": "It is a 400: expected object, received undefined.",
        },
        FRAMEWORK,
        "The framework's parser takes it so.",
    ),
    Assumption(
        "due-date-offset",
        {
            "accepted": "`dueDate` may have an offset such as `-03:00`, or no zone at all.",
            "refused": "A date-time must end with `Z`.",
        },
        OURS,
        "The page says ISO 8601; the framework's own default refuses offsets and local times.",
    ),
    Assumption(
        "comma-list",
        {
            "accepted": "`responsibleIds=a,b` lists two ids.",
            "refused": "`a,b` is one text, which is no UUID.",
        },
        OURS,
        "Clients send such lists; the framework refuses them.",
    ),
    Assumption(
        "all-day",
        {
            "zone-midnight": "A date without `dueTime` is midnight of that day in the timezone.",
            "utc-midnight": "It is midnight of that day in UTC.",
        },
        OURS,
        'The page says both "interpreted in the timezone" and "transformed to a Date object".',
    ),
    Assumption(
        "list-priority",
        {"number": "Lists show `priority` as 0, 1 or 2.", "word": "Lists show it as `low`, `medium` or `high`."},
        OURS,
        "The vendor's pages contradict each other: the create page says integer, the list page has the words.",
    ),
    Assumption(
        "status-position",
        {
            "order": "`newStatusPosition` is the `order` of a status.",
            "index-0": "It is the place of a status among all, in their order, from 0.",
            "index-1": "It is that place, from 1.",
        },
        OURS,
        'The page says "position in the status configuration", and no more.',
    ),
    Assumption(
        "unknown-contact",
        {
            "404": "An unknown `aiContactId` or `aiCustomerId` is a 404.",
            "400": "It is a 400 with the same message.",
            "accepted": "It is stored, and no note is made.",
        },
        OURS,
        "The page's row about 404 names `statusId` and `responsibleIds` only.",
    ),
    Assumption(
        "inactive-responsible",
        {
            "404": "An inactive user is not found in `responsibleIds`.",
            "accepted": "An inactive user may be responsible.",
        },
        OURS,
        'The page recommends "valid and active users".',
    ),
    Assumption(
        "null-description",
        {
            "empty": 'A description that is null or omitted is answered as `""`.',
            "null": "It is answered as null.",
        },
        OURS,
        "The page's type is string, not null; the value is ours.",
    ),
)

BY_NAME = {each.name: each for each in ASSUMPTIONS}
DEFAULTS: Assumed = {each.name: each.default for each in ASSUMPTIONS}
OF_SANDBOXES = tuple(each for each in ASSUMPTIONS if not each.is_of_the_server)


def parse(text: str) -> tuple[str, str]:
    """The name and the value in `NAME=VALUE`; ValueError, with what there is, when there is no such switch or value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{quoted(text)} is not of the form NAME=VALUE, such as create-status=200")
    return name, check(name, value)


def check(name: str, value: object) -> str:
    """The value, if it is one of the switch with this name; ValueError otherwise."""
    if name not in BY_NAME:
        raise ValueError(f"there is no switch {quoted(name)}; there are {', '.join(BY_NAME)}")
    values = BY_NAME[name].values
    if not isinstance(value, str) or value not in values:
        given = quoted(value) if isinstance(value, str) else "what is not a string"
        raise ValueError(f"{name} is one of {', '.join(values)}, not {given}")
    return value


def check_for_sandbox(name: str, value: object) -> str | None:
    """The value of a sandbox's switch; None, for the server's value, is one. ValueError otherwise."""
    if name in BY_NAME and BY_NAME[name].is_of_the_server:
        raise ValueError(f"{name} is a switch of the server only: start it with --assume {name}=VALUE")
    return None if value is None and name in BY_NAME else check(name, value)


def assumed(given: Iterable[tuple[str, str]]) -> Assumed:
    """The value of each switch: the last one given, else its default."""
    return {**DEFAULTS, **dict(given)}


def differing(values: Assumed, *others: Assumed) -> dict[str, str]:
    """The values of the sandbox's switches that differ from those of one of the others."""
    return {
        each.name: values[each.name]
        for each in OF_SANDBOXES
        if any(values[each.name] != other[each.name] for other in others)
    }


def alternatives(names: Iterable[str], values: Assumed) -> Iterator[tuple[str, str]]:
    """Every other value of the sandbox's switches among these names, in the order of the table."""
    wanted = set(names)
    for each in OF_SANDBOXES:
        if each.name in wanted:
            yield from ((each.name, value) for value in each.values if value != values[each.name])
