"""Stories for a newcomer: requests of a client, with what the mock should answer, as data for assets/stories.js.

In a step, `$person` is a person of the team, `$today` and `$yesterday` are days on the sandbox's clock, and `$number`
is a number that each run of a story has for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.faults import words
from mockserver.formats.json import Document
from mockserver.sandbox import state
from mockserver.sandbox.sandboxes import OpenSandbox

_TASKS = "/tasks"


def _request(say: str, method: str, path: str, status: int | None = 200, **more: Any) -> Document:
    """A request; `status` is the one expected, None for no answer."""
    return {"say": say, "method": method, "path": path, "status": status, **more}


def _create(say: str, status: int | None = 201, body: Document | None = None, **more: Any) -> Document:
    task = {"title": "Call the client ($number)", "responsibleIds": ["$person"], "priority": "1", **(body or {})}
    return _request(say, "POST", _TASKS, status, body=task, **more)


def _due(city: str, continent: str) -> Document:
    return {"title": f"Call {city} ($number)", "dueDate": "$today", "timezone": f"{continent}/{city}"}


def _list(say: str, day: str, finds: int) -> Document:
    """A list of the tasks that are due on a day; `finds` is the number of the story's tasks in it."""
    return _request(say, "GET", f"{_TASKS}?responsibleIds=&fromDate={day}&toDate={day}", finds=finds)


def _rule(**rule: Any) -> Document:
    """A fault rule, which is removed at the end of the story."""
    return {"say": words.sentence(rule), "rule": rule}


_TEAM = _request("The client asks who is in the team: a task needs a responsible person.", "GET", "/team-members/all")
_NEXT_CREATION = {"operation": "createTask"}

STORIES: tuple[Document, ...] = (
    {
        "name": "lost-answer",
        "title": "A lost answer makes a duplicate",
        "lead": "The mock creates a task and loses the answer. The client tries again.",
        "steps": [
            _TEAM,
            _rule(match=_NEXT_CREATION, when="after", connection="reset"),
            _create("The client creates a task, and no answer comes.", None, explains=True),
            _create("It tries again."),
            _list("It lists the tasks: there are two.", "$today", 2),
        ],
        "conclusion": "The first request had created its task before its answer was lost. Before a client tries again, "
        "it must look for the task that its lost request created.",
    },
    {
        "name": "unavailable",
        "title": "A 503, then success",
        "lead": "The mock is unavailable once, and says when to try again.",
        "steps": [
            _TEAM,
            _rule(match=_NEXT_CREATION, status=503, headers={"Retry-After": "1"}),
            _create("The client creates a task, and is refused.", 503, explains=True),
            _create("It waits as long as Retry-After says, and tries again.", waits=True),
            _list("It lists the tasks: there is one.", "$today", 1),
        ],
        "conclusion": "The refusal came before anything was done, so it was safe to try again. The journal shows that "
        "the request changed nothing.",
    },
    {
        "name": "midnight",
        "title": "Midnight in another zone",
        "lead": "Two tasks are due on one day, in Santiago and in Madrid. The list of that day has one of them.",
        "steps": [
            _TEAM,
            _create(
                "A task is due today in Santiago, without a time: at midnight there.", body=_due("Santiago", "America")
            ),
            _create("Another is due on the same day in Madrid.", body=_due("Madrid", "Europe"), explains=True),
            _list("The list of that day, which is a day in UTC, has one of them.", "$today", 1),
            _list("The other one is in the list of the day before.", "$yesterday", 1),
        ],
        "conclusion": "In UTC, midnight in Madrid is on the evening before; midnight in Santiago is on the same day. "
        "East of UTC, list from the day before on, or send a dueTime.",
    },
)


def offered(opened: OpenSandbox) -> Document:
    """The stories for the template context, if the sandbox has no task and no request yet."""
    journal = opened.journal
    untouched = journal.get(journal.next_id() - 1) is None and not state.number_of_tasks(opened.world)
    return {"stories": STORIES if untouched else ()}


def context(_: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page of stories."""
    return lambda: {"stories": STORIES}
