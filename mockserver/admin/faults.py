"""Calls about failures: fault rules, and the catalogue of failures."""

from __future__ import annotations

from mockserver.admin.calls import Call, call
from mockserver.admin.schemas import FAULT, FaultRule
from mockserver.faults import catalogue, rules
from mockserver.formats.json import Document


@call()
def list_faults(call: Call) -> Document:
    """The sandbox's fault rules, oldest first, with their hits."""
    with call.engine.sandboxes.look(call.sandbox) as opened:
        return {"faults": rules.listed(opened.world)}


@call(body_schema=FaultRule(), needs_body=True, status=201, changes="faults")
def add_fault(call: Call) -> Document:
    """Make matching requests fail."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        return rules.add(opened.world, call.body)


@call(changes="faults")
def clear_faults(call: Call) -> Document:
    """Delete every fault rule of the sandbox."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        rules.clear(opened.world)
    return {"faults": []}


@call(path_schema=FAULT, changes="faults")
def delete_fault(call: Call) -> Document:
    """Delete one fault rule."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        rules.remove(opened.world, call.path["id"])
    return {"deleted": call.path["id"]}


@call(about_a_sandbox=False)
def list_failures(call: Call) -> Document:
    """Every failure of every operation, and the fault rule that provokes it."""
    return {"failures": catalogue.failures_of(call.engine.operations)}
