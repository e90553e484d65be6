"""Eight clients at once, in one sandbox and in several: nothing fails, nothing is lost, no id is given twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import CARLOS, CONTACT, OTHER_CONTACT, Api

CLIENTS = 8
ROUNDS = 12


@contextlib.contextmanager
def _clients(server_url: str, names: list[str]) -> Iterator[list[Api]]:
    """A client in each of the named sandboxes."""
    with contextlib.ExitStack() as stack:
        clients = [Api(server_url, f"test_{name}") for name in names]
        for each in clients:
            stack.enter_context(each.client)
        yield clients


def _work(client: Api, name: str) -> dict[str, str]:
    """Create, read, change and delete; what is left at the end, by id."""
    left = {}
    for number in range(ROUNDS):
        kept = client.created(title=f"{name} {number}", aiContactId=CONTACT)["id"]
        gone = client.created(title=f"{name} {number} gone", aiContactId=CONTACT)["id"]
        assert {kept, gone} <= {task["id"] for task in client.listed()}
        client.updated(kept, title=f"{name} {number} changed", aiContactId=OTHER_CONTACT, responsibleIds=[CARLOS])
        assert client.delete(gone).status_code == 200
        assert client.delete(gone).status_code == 404
        left[kept] = f"{name} {number} changed"
    return left


def _at_once(clients: list[Api], work: Callable[[Api, str], dict[str, str]] = _work) -> list[dict[str, str]]:
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(work, clients, map(str, range(len(clients)))))


@pytest.mark.parametrize("sandboxes", [1, 4])
def test_clients_at_once_lose_nothing_and_share_no_id(server_url: str, sandboxes: int) -> None:
    with _clients(server_url, [f"at_once_{sandboxes}_{number % sandboxes}" for number in range(CLIENTS)]) as clients:
        left = _at_once(clients)
        states = [client.state() for client in clients[:sandboxes]]
    for number, state in enumerate(states):
        expected = [item for each in left[number::sandboxes] for item in each.items()]
        assert sorted((task["id"], task["title"]) for task in state["tasks"]) == sorted(expected)
        assert {task["task_responsibles"][0]["responsible_id"] for task in state["tasks"]} == {CARLOS}
        notes = [(note["task_id"], note["contact_id"]) for note in state["notes"]]
        assert sorted(notes) == sorted((id, OTHER_CONTACT) for id, _ in expected)
        assert len({note["id"] for note in state["notes"]}) == len(notes)
        created = [task["created_at"] for task in state["tasks"]]
        assert created == sorted(set(created)), "in the order of creation, no two at the same second"


def test_clients_that_open_one_sandbox_at_once_share_it(server_url: str) -> None:
    with _clients(server_url, ["opened_at_once"] * CLIENTS) as clients:
        left = _at_once(clients, lambda client, name: {client.created(title=name)["id"]: name})
        tasks = [(task["id"], task["title"]) for task in clients[0].listed()]
    assert sorted(tasks) == sorted(item for each in left for item in each.items())
    assert len({id for id, _ in tasks}) == CLIENTS
