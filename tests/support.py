"""What the tests share: an actor that speaks the vendor's API, and the one error shape."""

from __future__ import annotations

from typing import Any

import httpx

MARIA = "228d7a0d-9072-4ca8-939b-959b75cc606a"
CARLOS = "338e8b1e-8183-5db9-a4ab-a6ab86dd717b"
UNKNOWN_ID = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
ALL_TIME = {"responsibleIds": "", "fromDate": "0001-01-01", "toDate": "9999-12-31"}


class Api:
    """An actor with a key: sends requests of the vendor's API and looks at the sandbox's state."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.client = httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=10)

    def create(self, **fields: Any) -> httpx.Response:
        """POST a task: a valid one, changed by `fields`; a field that is `...` is left out."""
        body = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"} | fields
        return self.client.post("/api/public/tasks", json={k: v for k, v in body.items() if v is not ...})

    def created(self, **fields: Any) -> dict[str, Any]:
        """The task that `create` made."""
        response = self.create(**fields)
        assert response.status_code == 201, response.text
        return response.json()

    def list(self, **query: Any) -> httpx.Response:
        return self.client.get("/api/public/tasks", params=ALL_TIME | query)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        response = self.list(**query)
        assert response.status_code == 200, response.text
        return response.json()

    def update(self, task_id: str, **fields: Any) -> httpx.Response:
        return self.client.put(f"/api/public/tasks/{task_id}", json=fields)

    def updated(self, task_id: str, **fields: Any) -> dict[str, Any]:
        response = self.update(task_id, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    def delete(self, task_id: str) -> httpx.Response:
        return self.client.delete(f"/api/public/tasks/{task_id}")

    def state(self) -> dict[str, list[dict[str, Any]]]:
        return self.client.get("/__admin/state").json()


def assert_error(response: httpx.Response, status: int, message: str | None = None) -> dict[str, Any]:
    """The one error shape, held everywhere; returns the body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body)[:3] == ["statusCode", "message", "error"]
    assert set(body) <= {"statusCode", "message", "error", "errors"}
    assert body["statusCode"] == status
    assert body["message"]
    assert body["error"]
    for problem in body.get("errors", ()):
        assert list(problem) == ["path", "message", "code"]
    if message is not None:
        assert body["message"] == message
    return body


def problems(response: httpx.Response) -> list[tuple[list[str | int], str]]:
    """The path and code of each problem of a 400."""
    return [(problem["path"], problem["code"]) for problem in assert_error(response, 400)["errors"]]
