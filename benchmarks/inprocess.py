"""Calls without a socket, as a test makes them: `python -m benchmarks.inprocess ROUNDS` prints what each took."""

from __future__ import annotations

import json
import sys
import time

import httpx

from mockserver.testing import MockServer


def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of creates and of lists of one task, by httpx over the project's transport, in a warm process."""
    seconds: dict[str, list[float]] = {"create": [], "get": []}
    with (
        MockServer() as mock,
        httpx.Client(transport=mock.transport, base_url="https://vendor.example", headers=mock.headers) as client,
    ):
        task = {
            "responsibleIds": [mock.users[0]["id"]],
            "priority": "1",
            "dueTime": "14:30",
            "timezone": "America/Santiago",
        }
        get = "/api/public/team-members/all"
        for number in range(-rounds // 10, rounds):
            body = task | {"title": f"Call the client {number}", "dueDate": "2025-11-26"}
            for name, method, path, content in (
                ("create", "POST", "/api/public/tasks", body),
                ("get", "GET", get, None),
            ):
                begun = time.perf_counter()
                client.request(method, path, json=content).raise_for_status()
                if number >= 0:
                    seconds[name].append(time.perf_counter() - begun)
    return {name: [each * 1000 for each in values] for name, values in seconds.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
