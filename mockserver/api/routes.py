"""Routing of the imitated API by the path as sent, as the vendor's framework does it (contract, section 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from mockserver.api.operations import BASE_PATH, Operation

_Methods = dict[str, Operation]


class Route(NamedTuple):
    """Where a request goes: its operation, if there is one, and the values in its path.

    `methods` are those of a known path, `as_written` is False when the path matched only by lenience.
    """

    operation: Operation | None = None
    values: Mapping[str, str] = {}
    methods: tuple[str, ...] = ()
    as_written: bool = True


NOWHERE = Route()


class Routes:
    """The paths of the operations. Escapes are not undone: `%2F` is part of an id, and `t%61sks` is no path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._whole: dict[str, _Methods] = {}
        self._of_one: dict[str, _Methods] = {}
        for each in operations:
            folder, parameter, _ = (BASE_PATH + each.path).partition("{")
            methods = (self._of_one if parameter else self._whole).setdefault(folder, {})
            methods[each.method] = each
            if each.method == "GET":
                methods["HEAD"] = each

    def find(self, method: str, path: str) -> Route:
        """The route of a request; one trailing slash and the case of letters do not matter."""
        return self._find(method, path) or self._find_leniently(method, path) or NOWHERE

    def _find(self, method: str, path: str, as_written: bool = True) -> Route | None:
        if methods := self._whole.get(path):
            return Route(methods.get(method), {}, tuple(methods), as_written)
        folder, slash, id = path.rpartition("/")
        if id and (methods := self._of_one.get(folder + slash)):
            return Route(methods.get(method), {"id": unquote(id)}, tuple(methods), as_written)
        return None

    def _find_leniently(self, method: str, path: str) -> Route | None:
        trimmed = path.removesuffix("/")
        folder, slash, last = trimmed.rpartition("/")
        written = trimmed.lower() if trimmed.lower() in self._whole else folder.lower() + slash + last
        return self._find(method, written, as_written=False)
