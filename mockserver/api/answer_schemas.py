"""The wire shapes of the imitated API's answers (contract, sections 2 to 9), for its description and for `conform`."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import Schema
from marshmallow import fields as base

from mockserver.api.schemas import CONTACT_ID, CUSTOMER_ID, STAGE_ID, STATUS_ID, TASK_ID, USER_ID
from mockserver.domain import contacts
from mockserver.fixtures import PRIORITIES, STATUS_TYPES
from mockserver.formats import fields
from mockserver.formats.fields import about

TICKET_ID = "64909888-9202-447d-bced-9e68693c8289"


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
    priority = fields.Choice(PRIORITIES, required=True, metadata=about("0 (low), 1 (medium) or 2 (high).", 1))
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


OF_OPERATIONS: Mapping[str, type[Answer]] = {
    "createTask": Task,
    "listTasks": Task,
    "updateTask": Task,
    "deleteTask": Deleted,
    "listTeamMembers": TeamMember,
    "listContacts": Contact,
    "searchContacts": FoundContact,
}
