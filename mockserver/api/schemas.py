"""The wire shapes of the imitated API (contract, sections 2 to 9).

The schemas validate requests and generate `/openapi.json`: each field has its description and examples here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import Schema
from marshmallow import fields as base

from mockserver.domain import contacts, due
from mockserver.fixtures import STATUS_TYPES
from mockserver.formats import fields, zod
from mockserver.formats.fields import about, refusal

_CUSTOM_FIELD = ("custom_field_key", "custom_field_value")
PRIORITIES = {"0": 0, "1": 1, "2": 2}
USER_ID = "228d7a0d-9072-4ca8-939b-959b75cc606a"
TASK_ID = "e4f4c5da-bad5-435c-9148-9fc081a50b53"  # the first one that a new sandbox mints
STATUS_ID = "0006dc43-a92f-4132-aba2-ed776629f449"
CONTACT_ID = "120c98ee-ef9e-425e-a54c-2bc17739106e"
CUSTOMER_ID = "14017894-912f-42be-a554-f1a166f493dc"
STAGE_ID = "9f203c46-c7d3-4ce9-92a5-2ad362b6119e"
PIPELINE_ID = "819bed74-e934-443d-9a2e-f834a0124008"
TICKET_ID = "64909888-9202-447d-bced-9e68693c8289"


def _due_date_in_range(data: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    """Refuse a due date that is out of range, when all its parts are in the request and no switch decides."""
    if not all(part in data for part in due.Parts._fields):
        return
    parts = due.Parts(*map(data.get, due.Parts._fields))
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
    fields.Text, min_length=1, metadata=about("Title of the task; a blank is a character.", "Call the client")
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
    min_items=1,
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


class Answer(Schema):
    """An answer's body: snake_case names, in the order declared."""


class TaskResponsible(Answer):
    """A user who is responsible for a task."""

    responsible_id = fields.Id(required=True, metadata=about("The user's id.", USER_ID))


class StatusConfig(Answer):
    """A status configuration of the organization."""

    id = fields.Id(required=True, metadata=about("The status's id.", STATUS_ID))
    name = fields.Text(required=True, metadata=about("Its name.", "Pendiente"))
    color = fields.Text(required=True, metadata=about("Its colour.", "#60a5fa"))
    type = fields.Choice(STATUS_TYPES, required=True, metadata=about("What it means for a task.", "initial"))
    order = fields.Integer(required=True, metadata=about("Its position among the statuses.", 1))


class Task(Answer):
    """A task as the API shows it (contract, section 2, task-object)."""

    id = fields.Id(required=True, metadata=about("Unique identifier of the task.", TASK_ID))
    title = fields.Text(required=True, metadata=about("Task title.", "Call the client"))
    description = fields.Text(
        required=True, metadata=about("Detailed description; empty when none was given.", "Ask for the signed offer")
    )
    due_timezone = fields.TimeZone(
        required=True, allow_none=True, metadata=about("Time zone of the due date.", "America/Santiago")
    )
    due_at = fields.Instant(
        required=True, allow_none=True, metadata=about("When the task is due, in UTC.", "2025-11-26T17:30:00.000Z")
    )
    is_all_day = fields.Boolean(required=True, metadata=about("Whether no time of day was given.", False))
    created_at = fields.Instant(required=True, metadata=about("Creation date.", "2025-11-26T09:00:00.000Z"))
    ai_contact_id = fields.Id(required=True, allow_none=True, metadata=about("The associated contact.", CONTACT_ID))
    ai_customer_id = fields.Id(required=True, allow_none=True, metadata=about("The associated customer.", CUSTOMER_ID))
    task_status_config_id = fields.Id(required=True, metadata=about("Id of the status configuration.", STATUS_ID))
    priority = fields.Choice((0, 1, 2), required=True, metadata=about("0 (low), 1 (medium) or 2 (high).", 1))
    creator_id = fields.Id(required=True, metadata=about("The user whose key created the task.", USER_ID))
    task_responsibles = base.List(
        base.Nested(TaskResponsible), required=True, metadata=about("The responsible users, in request order.")
    )
    status_config = base.Nested(
        StatusConfig, required=True, allow_none=True, metadata=about("The status configuration.")
    )


class Deleted(Answer):
    """The answer to a deletion."""

    status = fields.Choice(["success"], required=True, metadata=about("Always `success`.", "success"))


class TeamMember(Answer):
    """An active user of the organization (contract, section 6)."""

    id = fields.Id(required=True, metadata=about("What `responsibleIds` takes.", USER_ID))
    name = fields.Text(required=True, metadata=about("First and last name.", "Maria Rodriguez"))
    first_name = fields.Text(required=True, metadata=about("First name.", "Maria"))
    last_name = fields.Text(required=True, metadata=about("Last name.", "Rodriguez"))
    email = fields.Text(required=True, metadata=about("E-mail address.", "maria.rodriguez@example.com"))
    phone = fields.Text(required=True, metadata=about("Phone number.", "+56912345678"))


class Ticket(Answer):
    """The active ticket of a contact."""

    id = fields.Id(required=True, metadata=about("The ticket's id.", TICKET_ID))
    current_stage_id = fields.Id(required=True, allow_none=True, metadata=about("Its stage.", STAGE_ID))


class FoundContact(Answer):
    """A contact as a search shows it (contract, section 9)."""

    id = fields.Id(required=True, metadata=about("What `aiContactId` takes.", CONTACT_ID))
    name = fields.Text(required=True, metadata=about("Full name.", "Camila Fernández Soto"))
    phone = fields.Text(required=True, allow_none=True, metadata=about("Phone number.", "+56900002001"))
    email = fields.Text(
        required=True, allow_none=True, metadata=about("E-mail address.", "camila.fernandez@example.com")
    )
    platform = fields.Text(required=True, metadata=about("The channel, such as `whatsapp` or `instagram`.", "whatsapp"))
    last_message_at = fields.Instant(
        required=True, allow_none=True, metadata=about("When the last message was sent.", "2025-11-26T08:00:00.000Z")
    )
    chat_status = fields.Text(required=True, metadata=about("Such as `UNATTENDED` or `ATTENDED`.", "UNATTENDED"))
    created_at = fields.Instant(required=True, metadata=about("Creation date.", "2025-11-03T11:30:00.000Z"))
    client_id = fields.Id(required=True, metadata=about("The organization's id.", contacts.CLIENT_ID))
    ai_customer_id = fields.Id(required=True, allow_none=True, metadata=about("The associated customer.", CUSTOMER_ID))
    default_stage_id = fields.Id(required=True, allow_none=True, metadata=about("The default stage.", STAGE_ID))
    blocked = fields.Boolean(required=True, metadata=about("Whether the contact is blocked.", False))
    is_chat_read = fields.Boolean(required=True, metadata=about("Whether a person has read the chat.", False))


class Contact(FoundContact):
    """A contact as the list shows it (contract, section 8)."""

    active_ticket_v2 = base.Nested(
        Ticket, required=True, allow_none=True, metadata=about("The ticket that is open, if any.")
    )
