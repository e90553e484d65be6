"""The hooks of Schemathesis's own command, used as `SCHEMATHESIS_HOOKS=reliability.schemathesis_hooks`."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
import test_openapi  # registers the formats
from support import CARLOS, CONTACT, CUSTOMER, DONE, MARIA, VALENTINA

from mockserver.formats.ids import UUID_PATTERN

ACTIVE = (MARIA, CARLOS, VALENTINA)
KNOWN = {"aiContactId": CONTACT, "aiCustomerId": CUSTOMER, "statusId": DONE["id"]}


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Leave out what is said to be invalid for names in the query that nobody reads, which are ignored."""
    return case.meta is None or case.meta.generation.mode.is_positive or not test_openapi.is_only_longer(case)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Put what exists in the place of what could: an id for an id, a name for a name, a position for a position.

    What could not exist stays, so that a body is as valid or invalid as it was.
    """
    if case.meta is None or case.meta.generation.mode.is_positive:
        test_openapi.complete_query(case)
    if not isinstance(case.body, dict):
        return
    for name, value in case.body.items():
        if name in KNOWN and _is_id(value):
            case.body[name] = KNOWN[name]
        elif name == "responsibleIds" and isinstance(value, list):
            case.body[name] = [ACTIVE[at % 3] if _is_id(id) else id for at, id in enumerate(value)]
        elif name == "newStatusPosition" and isinstance(value, (int, float)) and not isinstance(value, bool):
            case.body[name] = 1 + int(abs(value)) % 4
        elif name == "newStatusName" and isinstance(value, str):
            case.body[name] = "En Progreso"


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(UUID_PATTERN, value) is not None
