"""The wire shapes of the imitated API's requests (contract, sections 2 to 9).

The schemas validate requests and generate `/openapi.json`: each field has its description and examples here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from marshmallow import fields as base

from mockserver import fixtures
from mockserver.domain import contacts, due
from mockserver.formats import fields, zod
from mockserver.formats.fields import about, refusal

_DUE_PARTS = frozenset(due.Parts._fields)
_CUSTOM_FIELD = ("custom_field_key", "custom_field_value")
PRIORITIES = {str(priority): priority for priority in fixtures.PRIORITIES}
USER_ID = "228d7a0d-9072-4ca8-939b-959b75cc606a"
TASK_ID = "e4f4c5da-bad5-435c-9148-9fc081a50b53"  # the first one that a new sandbox mints
STATUS_ID = "0006dc43-a92f-4132-aba2-ed776629f449"
CONTACT_ID = "120c98ee-ef9e-425e-a54c-2bc17739106e"
CUSTOMER_ID = "14017894-912f-42be-a554-f1a166f493dc"
STAGE_ID = "9f203c46-c7d3-4ce9-92a5-2ad362b6119e"
PIPELINE_ID = "819bed74-e934-443d-9a2e-f834a0124008"


def _due_date_in_range(data: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    """Refuse a due date that is out of range, when all its parts are in the request and no switch decides."""
    if data.keys() >= _DUE_PARTS:
        _require_in_range(due.Parts(data["due_date"], data["due_time"], data["timezone"]))


@lru_cache(maxsize=1024)
def _require_in_range(parts: due.Parts) -> None:
    if parts.is_all_day_date:
        return
    try:
        due.due(parts)
    except due.OutOfRange as error:
        raise refusal("out_of_range", str(error), "dueDate", due.OutOfRange.rule, due.OutOfRange.issue) from None


def _one_status(_: Mapping[str, Any], original: Mapping[str, Any]) -> None:
    """Refuse `newStatusPosition` together with `newStatusName`."""
    if "newStatusPosition" in original and "newStatusName" in original:
        message = "Send newStatusPosition or newStatusName, not both"
        issue = zod.custom("newStatusPosition and newStatusName exclude each other", whole=True)
        raise refusal("conflict", message, "newStatusName", "update-conflict", issue)


def _whole_custom_field(data: Mapping[str, Any], original: Mapping[str, Any]) -> None:
    """Refuse `custom_field_key` without `custom_field_value`, and the other way round."""
    given = [name for name in _CUSTOM_FIELD if name in original]
    if len(given) == 1:
        (missing,) = set(_CUSTOM_FIELD) - set(given)
        issue = zod.custom("custom_field_key and custom_field_value go together", whole=True)
        raise refusal("required", f"{given[0]} is nothing without {missing}", missing, "contacts-custom-field", issue)


def _something_to_search(data: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    """Refuse a search for nothing."""
    if not contacts.digits_of(data.get("phone")) and not data.get("email"):
        issue = zod.custom("phone or email is required", whole=True)
        raise refusal("required", "Give phone, email or both: a part is enough", "phone", "search-terms", issue)


class Request(fields.Checked):
    """A part of a request: camelCase names unless declared otherwise; undeclared ones are ignored."""

    def on_bind_field(self, field_name: str, field_obj: base.Field[Any]) -> None:
        """Set the field's name on the wire, camelCase by default, which is also its rule unless another is declared."""
        first, *others = field_name.split("_")
        field_obj.data_key = field_obj.data_key or first + "".join(other.title() for other in others)
        if isinstance(field_obj, fields.Strict):
            field_obj.rule = field_obj.rule or field_obj.data_key


_title = partial(
    fields.Text,
    min_length=fixtures.MIN_TITLE,
    metadata=about("Title of the task; a blank is a character.", "Call the client"),
)
_description = partial(
    fields.Text,
    allow_none=True,
    metadata=about("Detailed description; 500 to 1,000 characters are recommended.", "Ask for the signed offer"),
)
_DUE_DATE = "A date, or a date-time with `Z`, an offset or neither (then it is in `timezone`)."
_due_date = partial(
    fields.DueDate, allow_none=True, metadata=about(_DUE_DATE, "2025-11-26", "2025-11-26T00:00:00.000Z")
)
_due_time = partial(
    fields.Time,
    allow_none=True,
    metadata=about("24-hour time, `HH:mm`. Without it the task is an all-day task.", "14:30"),
)
_timezone = partial(
    fields.TimeZone,
    allow_none=True,
    metadata=about("IANA time zone of the due date, in any letter case. Defaults to UTC.", "America/Santiago"),
)
_responsible_ids = partial(
    fields.IdList,
    min_items=fixtures.MIN_RESPONSIBLES,
    repeats_rule="responsible-repeats",
    metadata=about("Active users to assign, at least one; repeats count once.", [USER_ID]),
)
_contact_id = partial(fields.Id, allow_none=True, metadata=about("The contact that the task is about.", CONTACT_ID))
_customer_id = partial(fields.Id, allow_none=True, metadata=about("The customer that the task is about.", CUSTOMER_ID))
_priority = partial(fields.Choice, PRIORITIES, metadata=about('A string: `"0"` low, `"1"` medium, `"2"` high.', "1"))


class CreateTask(Request):
    """The body of `POST /tasks` (contract, section 2)."""

    checks = (_due_date_in_range,)
    title = _title(required=True)
    description = _description()
    due_date = _due_date(load_default=None)
    due_time = _due_time(load_default=None)
    timezone = _timezone(load_default=None)
    responsible_ids = _responsible_ids(required=True)
    ai_contact_id = _contact_id()
    ai_customer_id = _customer_id()
    priority = _priority(required=True)
    status_id = fields.Id(metadata=about("Not needed: a new task gets the initial status.", STATUS_ID))


class UpdateTask(Request):
    """The body of `PUT /tasks/{id}`: only what is sent changes (contract, section 4)."""

    checks = (_due_date_in_range, _one_status)
    title = _title(null_rule="update-nulls")
    description = _description()
    due_date = _due_date()
    due_time = _due_time()
    timezone = _timezone()
    responsible_ids = _responsible_ids(null_rule="update-nulls")
    ai_contact_id = _contact_id()
    ai_customer_id = _customer_id()
    priority = _priority(null_rule="update-nulls")
    new_status_position = fields.Number(
        rule="status-position", metadata=about("The `order` of the new status; not together with `newStatusName`.", 2)
    )
    new_status_name = fields.Text(
        rule="update-status", metadata=about("The exact name of the new status.", "En Progreso")
    )


_day = partial(fields.Date, required=True, rule="list-dates", invalid_rule="list-date-form")


class ListTasks(Request):
    """The query of `GET /tasks` (contract, section 3)."""

    responsible_ids = fields.IdList(
        required=True,
        error_messages={"required": "Required; leave it empty for the tasks of all users"},
        rule="list-responsibleIds",
        invalid_rule="list-bad-id",
        metadata=about(
            "Users, of whom one must be responsible: repeated, as `responsibleIds[]`, or separated by commas. "
            "Required, but may be empty, which means everyone.",
            [USER_ID],
        ),
    )
    from_date = _day(metadata=about("First day, in UTC.", "2025-11-01"))
    to_date = _day(metadata=about("Last day, in UTC, included.", "2025-11-30"))
    include_tasks_without_dates = fields.Choice(
        {"true": True, "false": False},
        load_default=True,
        rule="list-undated",
        invalid_rule="list-undated-value",
        metadata={**about("Whether tasks without a due date are listed too.", "true"), "default": "true"},
    )


class ListContacts(Request):
    """The query of `GET /contacts` (contract, section 8)."""

    checks = (_whole_custom_field,)
    days = fields.NumberText(
        1,
        365,
        load_default=30,
        rule="contacts-days",
        metadata=about("Contacts whose last message is at most so many days old.", 7),
    )
    stage_id = fields.Id(
        data_key="stage_id", rule="contacts-stage", metadata=about("Only contacts of this default stage.", STAGE_ID)
    )
    pipeline_id = fields.Id(
        data_key="pipeline_id",
        rule="contacts-stage",
        metadata=about("Only contacts whose active ticket is in this pipeline.", PIPELINE_ID),
    )
    custom_field_key = fields.Text(
        data_key="custom_field_key",
        min_length=1,
        rule="contacts-custom-field",
        metadata=about("Only contacts with this custom field; goes with `custom_field_value`.", "plan"),
    )
    custom_field_value = fields.Text(
        data_key="custom_field_value",
        min_length=1,
        rule="contacts-custom-field",
        metadata=about("The exact value of the custom field; goes with `custom_field_key`.", "Anual"),
    )


class SearchContacts(Request):
    """The query of `GET /contacts/search` (contract, section 9): at least one of the two."""

    checks = (_something_to_search,)
    phone = fields.Text(
        rule="search-terms",
        metadata=about(
            "A part of the phone number; blanks, hyphens and parentheses are ignored. Required without `email`.",
            "9 0000 2001",
        ),
    )
    email = fields.Text(
        rule="search-terms",
        metadata=about("A part of the e-mail address, in any letter case. Required without `phone`.", "@example.com"),
    )


class TaskPath(Request):
    """The path of one task."""

    id = fields.Id(required=True, rule="path-uuid", metadata=about("The task's id.", TASK_ID))
