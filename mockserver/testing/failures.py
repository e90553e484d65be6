"""The failure matrix: every failure of an operation, as test parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.api.blueprint import described
from mockserver.faults.catalogue import failures_of


@dataclass(frozen=True)
class Failure:
    """A failure of an operation.

    `name` is short (`status-503`, `lost-answer`), `description` a sentence; `status` is the status that the client
    receives, None if no answer arrives; `trigger` is the fault rule that causes the failure.
    """

    operation: str
    name: str
    status: int | None
    description: str
    trigger: dict[str, Any]

    @property
    def committed(self) -> bool:
        """True when the request is carried out before it fails."""
        return self.trigger.get("when") == "after"

    @property
    def transient(self) -> bool:
        """True when a retry may succeed: there is no answer, or the status is 429 or 5xx."""
        return self.status is None or self.status == 429 or self.status >= 500

    @property
    def __name__(self) -> str:
        """The id of the test parameter in pytest."""
        return self.name


def failures(operation: str | None = None) -> list[Failure]:
    """Every failure of an operation, or of all operations; ValueError for an unknown operation.

    Use with `@pytest.mark.parametrize("failure", failures("createTask"))`, and `vambe_mock.apply(failure)` in the test.
    """
    known = described()
    if operation is not None and operation not in (each.id for each in known):
        raise ValueError(f"There is no operation {operation!r}; there are {', '.join(each.id for each in known)}")
    chosen = [each for each in known if operation in (None, each.id)]
    return [Failure(**document) for document in failures_of(chosen)]
