"""A client of Vambe's API with httpx."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import httpx

from vambe import KEY_HEADER, TASKS, Task, VambeError, document_of, every_task_of

_TLS = httpx.create_ssl_context()  # once: it loads the certificates, which takes longer than a request


class HttpxVambe:
    """A client of Vambe's API; `transport` replaces the network."""

    def __init__(
        self, base_url: str, api_key: str, *, timeout: float = 10.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url, headers={KEY_HEADER: api_key}, timeout=timeout, transport=transport, verify=_TLS
        )

    @classmethod
    def from_environment(cls, *, timeout: float = 10.0) -> HttpxVambe:
        """A client of the server that the environment names: a deployment chooses Vambe or the mock there."""
        return cls(os.environ["VAMBE_API_URL"], os.environ["VAMBE_API_KEY"], timeout=timeout)

    def tasks_of(self, user_id: str) -> list[Task]:
        """The tasks that a user is responsible for."""
        tasks: list[Task] = self._asked("GET", params=every_task_of(user_id))
        return tasks

    def create_task(self, fields: Mapping[str, Any]) -> Task:
        """Create a task, and return it."""
        task: Task = self._asked("POST", json=fields)
        return task

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _asked(self, method: str, **content: Any) -> Any:
        try:
            response = self._client.request(method, TASKS, **content)
        except httpx.RequestError as error:
            raise VambeError(f"no answer: {error}") from error
        return document_of(response.status_code, response.headers, response.text)
