"""The routes of the control plane: the start of a server needs them, but not their calls, which are imported on use."""

from __future__ import annotations

from typing import NamedTuple

BASE_PATH = "/__admin"


class Route(NamedTuple):
    """A route: its method, its path as OpenAPI writes it, and the module and the function that are its call."""

    method: str
    path: str
    call: str


ROUTES = (
    Route("GET", "/health", "world:health"),
    Route("POST", "/reset", "world:reset"),
    Route("GET", "/state", "world:get_state"),
    Route("PUT", "/state", "world:put_state"),
    Route("POST", "/tasks", "world:add_task"),
    Route("GET", "/sandboxes", "world:list_sandboxes"),
    Route("POST", "/sandboxes", "world:create_sandbox"),
    Route("DELETE", "/sandboxes/{name}", "world:delete_sandbox"),
    Route("GET", "/snapshots", "world:list_snapshots"),
    Route("POST", "/snapshots", "world:take_snapshot"),
    Route("POST", "/snapshots/{name}/restore", "world:restore_snapshot"),
    Route("DELETE", "/snapshots/{name}", "world:delete_snapshot"),
    Route("GET", "/clock", "world:get_clock"),
    Route("PUT", "/clock", "world:put_clock"),
    Route("POST", "/clock/advance", "world:advance_clock"),
    Route("GET", "/settings", "world:get_settings"),
    Route("PATCH", "/settings", "world:patch_settings"),
    Route("GET", "/requests", "requests:list_requests"),
    Route("DELETE", "/requests", "requests:clear_requests"),
    Route("GET", "/requests/{id}", "requests:get_request"),
    Route("POST", "/requests/count", "requests:count_requests"),
    Route("POST", "/requests/find", "requests:find_requests"),
    Route("POST", "/requests/verify", "requests:verify_requests"),
    Route("GET", "/events", "requests:events"),
    Route("GET", "/faults", "faults:list_faults"),
    Route("POST", "/faults", "faults:add_fault"),
    Route("DELETE", "/faults", "faults:clear_faults"),
    Route("DELETE", "/faults/{id}", "faults:delete_fault"),
    Route("GET", "/failures", "faults:list_failures"),
)
