"""Every page as people see it, without an error; with VAMBE_MOCK_SCREENSHOTS=1 the pictures are kept in docs/images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.testing import MockServer, VambeMock

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 150_000
WIDE, NARROW = 1400, 390
HEIGHTS = {WIDE: 560, NARROW: 720}
PAGES = {
    "board": "/__admin/",
    "requests": "/__admin/console/requests",
    "request": "/__admin/console/requests/3",
    "faults": "/__admin/console/faults",
    "world": "/__admin/console/world",
    "reference": "/docs",
}
KEPT = {
    ("board", "light", WIDE): "board.png",
    ("board", "dark", WIDE): "board-dark.png",
    ("board", "light", NARROW): "board-phone.png",
    ("requests", "light", WIDE): "requests.png",
    ("request", "dark", WIDE): "request-dark.png",
    ("faults", "light", WIDE): "faults.png",
    ("world", "light", WIDE): "world.png",
    ("reference", "light", WIDE): "reference.png",
}


@pytest.fixture(scope="module")
def demo(server: MockServer) -> Iterator[VambeMock]:
    """A sandbox with a name that is good to look at, in which an integration made its usual mistakes."""
    with server.sandbox("demo") as mock:
        maria, carlos, *_ = mock.users
        task = {"title": "Call the client", "responsibleIds": [maria["id"]], "priority": "1"}
        due = {"dueDate": "2025-11-28", "dueTime": "09:30", "timezone": "America/Santiago"}
        with httpx.Client(base_url=f"{mock.base_url}/api/public", headers=mock.headers, verify=False) as client:
            client.get("/team-members/all")
            made = client.post("/tasks", json={**task, **due}).json()
            client.post("/tasks", json={**task, "responsableIds": [carlos["id"]], "responsibleIds": [], "priority": 1})
            client.put(f"/tasks/{made['id']}", json={"newStatusName": "En Progreso"})
            mock.fail("createTask", status=503, headers={"Retry-After": "2"})
            client.post("/tasks", json={**task, "title": "Send the offer"})
            client.post("/tasks", json={**task, "title": "Send the offer"})
            client.delete("/tasks/dddddddd-dddd-4ddd-8ddd-dddddddddddd")
        mock.drop("createTask", when="after")
        mock.fail("listTasks", status=429, times=None)
        mock.snapshot("onboarded")
        yield mock


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_drawn_without_an_error(page: Any, demo: VambeMock, name: str, scheme: str, width: int) -> None:
    failed: list[str] = []
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    beside = "&request=3" if name == "requests" and width == WIDE else ""
    page.goto(f"{demo.base_url}{PAGES[name]}?sandbox={demo.name}{beside}")
    page.locator(".opblock" if name == "reference" else "main h1").first.wait_for()
    image = page.screenshot(animations="disabled", caret="hide")
    assert failed == []
    keep(image, KEPT.get((name, scheme, width)))


def keep(image: bytes, name: str | None) -> None:
    """Keep a picture for the documentation, when that was asked for."""
    if name and os.environ.get("VAMBE_MOCK_SCREENSHOTS") == "1":
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / name).write_bytes(image)


def test_the_documentation_has_these_pictures_and_no_others() -> None:
    assert len(KEPT) <= 8
    assert sorted(path.name for path in IMAGES.glob("*.png")) == sorted(KEPT.values())
    assert all(path.stat().st_size < LARGEST for path in IMAGES.glob("*.png"))
