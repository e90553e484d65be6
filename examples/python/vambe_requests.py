"""A client of Vambe's API with requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import requests

from vambe import KEY_HEADER, TASKS, Task, VambeError, document_of, every_task_of


class RequestsVambe:
    """A client of Vambe's API."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 10.0) -> None:
        self._url = base_url + TASKS
        self._timeout = timeout
        self._session = requests.Session()
        self._session.headers[KEY_HEADER] = api_key

    @classmethod
    def from_environment(cls, *, timeout: float = 10.0) -> RequestsVambe:
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
        self._session.close()

    def _asked(self, method: str, **content: Any) -> Any:
        try:
            response = self._session.request(method, self._url, timeout=self._timeout, **content)
        except requests.RequestException as error:
            raise VambeError(f"no answer: {error}") from error
        return document_of(response.status_code, response.headers, response.text)
