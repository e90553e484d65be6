"""Figures, which a test says beside passing or failing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.register_assert_rewrite("reliability.processes")


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Says figures where they can be seen: in the test's output (`pytest -rP`), and in a JUnit report."""

    def say(**values: object) -> None:
        for name, value in values.items():
            record_property(name, str(value))  # what pytest-xdist can send
            print(f"{name}: {value}")

    return say
