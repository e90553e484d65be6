"""The requests of a journal with the vendor's ids in place of the mock's."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from mockserver.api.operations import BASE_PATH
from mockserver.formats import ids
from mockserver.formats.json import Document
from mockserver.vendor import Request

MARK = "vambe-mock conform {run}: "  # at the beginning of titles, so that a later run finds what this one leaves
_UNESCAPED = "".join({*string.punctuation} - {*"%?#"})  # the journal has paths without escapes
_NOT_DECODED = "\ufffd"
_SENT_HEADERS = ("content-type",)
_KINDS = {"user": "users", "contact": "contacts", "customer": "customers", "status": "statuses"}  # in a state
_REFERENCES = {"aiContactId": "contact", "aiCustomerId": "customer", "statusId": "status"}
_NEW_STATUS = {"newStatusName": "name", "newStatusPosition": "order"}
_Pairs = dict[str, str]  # of ids: the mock's, the vendor's


class LeftOut(Exception):
    """A request of the journal that cannot be sent to the vendor; the message says why."""


class Bindings:
    """The vendor's ids for those of a sandbox, and the texts that bear the run's mark.

    `state` is the sandbox's state, `maps` are ids given by the caller, `contact` is the vendor's contact for all of the
    sandbox, if one may be linked. An id that the sandbox does not have becomes one made up for the run.
    """

    def __init__(self, run: str, state: Document, maps: Mapping[str, str], contact: str | None) -> None:
        self.run = run
        self.tasks: _Pairs = {}
        self.statuses: _Pairs = {}
        self.created_at: dict[str, Any] = {}  # of tasks, by the vendor's ids
        self._maps = {old.lower(): new.lower() for old, new in maps.items()}
        self._contact = contact
        self._known = {kind: {each["id"] for each in state[name]} for kind, name in _KINDS.items()}
        self._active = [user["id"] for user in state["users"] if user["active"]]
        self._statuses = {status["id"]: status for status in state["statuses"]}
        self._bound_users: _Pairs = {}
        self._vendor_statuses: dict[str, Document] = {}

    def bind_users(self, requests: Iterable[Document], found: Iterable[str]) -> None:
        """Bind the active users that the requests mention: by the caller's map, to themselves, else first to first."""
        text = json.dumps(list(requests)).lower()
        mentioned = [id for id in self._active if id in text]
        of_vendor = list(found)
        bound = {id: self._maps.get(id, id) for id in mentioned if id in self._maps or id in of_vendor}
        free = (id for id in of_vendor if id not in bound.values())
        rest = (id for id in mentioned if id not in bound)
        self._bound_users = {**bound, **dict(zip(rest, free, strict=False))}

    def see_statuses(self, tasks: Iterable[Document]) -> None:
        """Learn the vendor's statuses from its tasks, and bind those of the same id, name or order."""
        for task in tasks:
            status = task.get("status_config")
            if isinstance(status, dict) and isinstance(status.get("id"), str):
                self._vendor_statuses.setdefault(status["id"], status)
        for id, status in self._statuses.items():
            if id not in self.statuses and (found := self._same_status(id, status)):
                self.statuses[id] = found

    def bind_status(self, old: str, new: str) -> None:
        """Bind a status that an answer shows, unless either is bound already."""
        if old not in self.statuses and new not in self.statuses.values():
            self.statuses[old] = new

    @property
    def orders(self) -> frozenset[float]:
        """The orders of the vendor's statuses that were seen."""
        found = (status.get("order") for status in self._vendor_statuses.values())
        return frozenset(order for order in found if isinstance(order, int | float))

    def bind_task(self, old: str, new: str) -> None:
        """Bind a task that was created."""
        self.tasks[old] = new

    def pairs(self) -> _Pairs:
        """All ids that are bound now."""
        contacts = dict.fromkeys(self._known["contact"], self._contact) if self._contact else {}
        return {**self._maps, **contacts, **self._bound_users, **self.statuses, **self.tasks}

    def marked(self, title: str) -> str:
        """A title with the run's mark, after the blanks at its beginning."""
        written = title.lstrip()
        return title[: len(title) - len(written)] + MARK.format(run=self.run) + written

    def request(self, entry: Document) -> Request:
        """The request of an entry for the vendor; raises LeftOut."""
        sent = entry["request"]
        headers = {name: sent["headers"][name] for name in _SENT_HEADERS if name in sent["headers"]}
        path = quote(self._path(entry), safe=_UNESCAPED)
        if sent["query"]:
            path += "?" + urlencode([*self._query(sent["query"])], safe=",[]", quote_via=quote)
        return Request(sent["method"], path, headers, self._body(entry))

    def made_up(self, id: str) -> str:
        """An id of this run for one that nobody has."""
        return _in_case(ids.mint(self.run, id.lower(), 0), id)

    def _path(self, entry: Document) -> str:
        path = str(entry["request"]["path"])
        if entry["operation"] not in ("updateTask", "deleteTask"):
            return path
        trimmed = path.rstrip("/")
        folder, slash, id = trimmed.rpartition("/")
        if folder.lower() != f"{BASE_PATH}/tasks":
            raise LeftOut("the id in its path has a slash")
        if not ids.is_id(id):
            if ids.resembles(id):
                raise LeftOut("its path has an id in another form, which may be that of a task")
            return path
        return f"{folder}{slash}{self._task(id, entry)}{path[len(trimmed) :]}"

    def _task(self, id: str, entry: Document) -> str:
        if found := self.tasks.get(id.lower()):
            return _in_case(found, id)
        if entry["response"]["status"] < 400:
            raise LeftOut("the task was not created in this run")
        return self.made_up(id)

    def _query(self, query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name, value in query.items():
            for text in value if isinstance(value, list) else [value]:
                if name.removesuffix("[]") == "responsibleIds":
                    yield name, ",".join(self._vendor_id("user", id) if ids.is_id(id) else id for id in text.split(","))
                else:
                    yield name, text

    def _body(self, entry: Document) -> bytes | None:
        sent = entry["request"]
        if "length" in sent:
            raise LeftOut("the journal cut its body")
        if "text" not in sent and "json" not in sent:
            return None
        if "text" in sent:
            text = str(sent["text"])
            if _NOT_DECODED in text:
                raise LeftOut("the journal does not show its body, which is not UTF-8")
        else:
            body = sent["json"]
            text = json.dumps(self._fields(body) if isinstance(body, dict) else body)
        forbidden = (self._known["contact"] | self._known["customer"]) - {*self._maps.values(), self._contact}
        if any(id in text.lower() for id in forbidden):
            raise LeftOut("a field names a contact or a customer")
        return text.encode()

    def _fields(self, body: Document) -> Document:
        """The fields of a task with the vendor's ids; what is no id, or no text, stays."""
        found = dict(body)
        title = body.get("title")
        if isinstance(title, str) and title:
            if not title.strip():
                raise LeftOut("a blank title cannot bear the run's mark")
            found["title"] = self.marked(title)
        if isinstance(users := body.get("responsibleIds"), list):
            found["responsibleIds"] = [self._vendor_id("user", id) if ids.is_id(id) else id for id in users]
        for name, kind in _REFERENCES.items():
            id = body.get(name)
            if isinstance(id, str) and ids.is_id(id):
                found[name] = self._vendor_id(kind, id)
            elif isinstance(id, str) and ids.resembles(id):
                raise LeftOut(f"{name} has an id in another form, which may be somebody's")
        return found | self._new_status(body)

    def _vendor_id(self, kind: str, id: str) -> str:
        """The vendor's id for one of the mock's, or one made up for an id that the sandbox does not have."""
        if id.lower() not in self._known[kind]:
            return self.made_up(id)
        if found := self._contact if kind == "contact" else self.pairs().get(id.lower()):
            return _in_case(found, id)
        if kind == "contact":
            raise LeftOut("it links a contact: --contact ID allows one")
        raise LeftOut(f"the vendor has no match for the {kind} {id}: --map MOCK_ID=VENDOR_ID gives one")

    def _new_status(self, body: Document) -> Document:
        """The name and the position of the vendor's status in place of the mock's, where there is one that is bound."""
        found = {}
        for field, key in _NEW_STATUS.items():
            bound = self.statuses.get(self.status_meant(body, field) or "")
            known = self._vendor_statuses.get(bound or "", {})
            if key in known:
                found[field] = known[key]
        return found

    def status_meant(self, body: Document, field: str) -> str | None:
        """The id of the mock's status that a field of an update names."""
        key = _NEW_STATUS[field]
        return next((id for id, status in self._statuses.items() if field in body and status[key] == body[field]), None)

    def _same_status(self, id: str, status: Document) -> str | None:
        known = self._vendor_statuses
        if id in self._maps:
            return self._maps[id]
        if id in known:
            return id
        free = [new for new in known if new not in self.statuses.values()]
        for key in ("name", "order"):
            if found := next((new for new in free if known[new].get(key) == status[key]), None):
                return found
        return None


def _in_case(id: str, example: str) -> str:
    return id.upper() if example.isupper() else id
