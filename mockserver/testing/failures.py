"""The failure matrix: every documented failure of an operation, as parameters for a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.application import operations
from mockserver.faults.catalogue import failures_of


@dataclass(frozen=True)
class Failure:
    """One way in which an operation fails.

    `name` says it in short (`status-503`, `lost-answer`), `description` in a sentence; `status` is what the client
    sees, None where no answer arrives; `trigger` is the fault rule that makes it happen.
    """

    operation: str
    name: str
    status: int | None
    description: str
    trigger: dict[str, Any]

    @property
    def committed(self) -> bool:
        """Whether the request is carried out before it fails."""
        return self.trigger.get("when") == "after"

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: no answer, too many requests, or an error of the server's."""
        return self.status is None or self.status == 429 or self.status >= 500

    @property
    def __name__(self) -> str:
        """What pytest takes for a parameter's id."""
        return self.name


def failures(operation: str | None = None) -> list[Failure]:
    """Every documented failure of an operation, or of all; ValueError for an operation that there is not.

    For `@pytest.mark.parametrize("failure", failures("createTask"))`, with `vambe_mock.apply(failure)` in the test.
    """
    known = operations()
    if operation is not None and operation not in (each.id for each in known):
        raise ValueError(f"There is no operation {operation!r}; there are {', '.join(each.id for each in known)}")
    chosen = [each for each in known if operation in (None, each.id)]
    return [Failure(**document) for document in failures_of(chosen)]
