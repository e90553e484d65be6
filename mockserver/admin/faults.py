"""Calls about failure: fault rules, and the catalogue of what can fail."""

from __future__ import annotations

from typing import Any

from mockserver.admin.calls import Call, call
from mockserver.admin.schemas import FAULT, FaultRule
from mockserver.sandbox import failures, faults

Document = dict[str, Any]


@call("GET", "/faults")
def list_faults(call: Call) -> Document:
    """The sandbox's fault rules, oldest first, with their hits."""
    with call.mock.sandboxes.look(call.sandbox) as opened:
        return {"faults": faults.listed(opened.world)}


@call("POST", "/faults", body_schema=FaultRule(), needs_body=True, status=201, changes="faults")
def add_fault(call: Call) -> Document:
    """Make matching requests fail."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        return faults.add(opened.world, call.body)


@call("DELETE", "/faults", changes="faults")
def clear_faults(call: Call) -> Document:
    """Delete every fault rule of the sandbox."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        faults.clear(opened.world)
    return {"faults": []}


@call("DELETE", "/faults/{id}", path_schema=FAULT, changes="faults")
def delete_fault(call: Call) -> Document:
    """Delete one fault rule."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        faults.remove(opened.world, call.path["id"])
    return {"deleted": call.path["id"]}


@call("GET", "/failures", about_a_sandbox=False)
def list_failures(call: Call) -> Document:
    """Every documented failure of every operation, and the fault rule that provokes it."""
    return {"failures": failures.catalogue(call.mock.operations)}
