"""The judgements, as data: from which probes each rule of the contract is judged, and by which judge."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.api.schemas import Contact, TeamMember
from mockserver.conform import judges, task_judges
from mockserver.conform.judges import Judge, status


class Judgement(NamedTuple):
    """A judgement of a rule, which needs the answers to these probes, and takes those of `also` if there are any."""

    rule: str
    probes: tuple[str, ...]
    judge: Judge
    also: tuple[str, ...] = ()


def _from(rule: str, probes: str, judge: Judge, also: str = "") -> Judgement:
    return Judgement(rule, tuple(probes.split()), judge, tuple(also.split()))


# A switch may have several: values that exclude each other are a contradiction. Those of another rule are its parts.
JUDGEMENTS = (
    _from("base-path", "team", status(200)),
    _from("key", "team no-key wrong-key", judges.key),
    _from("unauthorized-body", "no-key wrong-key", judges.unauthorized_body),
    _from("order-of-decisions", "unknown-path", status(404)),
    _from("field-names", "team", judges.field_names),
    _from("charset", "team", judges.charset),
    _from("uuid", "create update-upper-case", task_judges.lower_case_id),
    _from("minted-ids", "create", task_judges.minted_ids),
    _from("instants", "create", task_judges.instants),
    _from("create-status", "create", task_judges.create_status),
    _from("success-status", "team head", judges.head),
    _from("error-body", "unknown-path", judges.error_body("unknown-path", 404)),
    _from("error-body", "update-unknown", judges.error_body("update-unknown", 404)),
    _from("validation-body", "list-invalid", judges.validation_body("list-invalid")),
    _from("validation-body", "create-invalid", judges.validation_body("create-invalid")),
    _from("path-id", "update-bad-id", judges.path_id),
    _from("path-uuid", "update-bad-id", status(400)),
    _from("unknown-route", "unknown-path", judges.unknown_route),
    _from("wrong-method", "other-method", judges.wrong_method("other-method")),
    _from("wrong-method", "patch", judges.wrong_method("patch")),
    _from("path-matching", "trailing-slash upper-case", judges.path_matching),
    _from("content-encoding", "create-encoded", status(415)),
    _from("content-type", "create-untyped", status(400)),
    _from("empty-body", "create-empty", judges.empty_creation),
    _from("empty-body", "update-empty", judges.by_status("update-empty", {200: "object", 400: "refused"})),
    _from("unknown-keys", "update-unread-key", status(200)),
    _from("repeated-keys", "update-repeated-key", task_judges.repeated_key),
    _from("strings", "update-repeated-key", task_judges.strings),
    *(
        _from(field, "create-invalid", judges.names_field("create-invalid", field))
        for field in ("title", "description", "dueDate", "dueTime", "timezone", "responsibleIds")
    ),
    _from("timezone-case", "update-zone-case", task_judges.zone_case),
    _from("due-date-offset", "update-offset update-local", task_judges.due_date_offset),
    _from("responsible-repeats", "update-repeated-user", task_judges.responsible_repeats),
    _from("aiContactId", "create-invalid", judges.names_field("create-invalid", "aiContactId")),
    _from("aiContactId", "create-with-contact", status(200, 201)),
    _from("aiCustomerId", "create-invalid", judges.names_field("create-invalid", "aiCustomerId")),
    _from("priority", "create-invalid", judges.names_field("create-invalid", "priority")),
    _from("priority", "create", task_judges.priority),
    _from("unknown-status", "create-unknown-status", status(404)),
    _from("reference-message", "create-for-nobody", judges.reference_message),
    _from("unknown-responsible", "create-for-nobody", status(404)),
    _from("unknown-contact", "create-unknown-contact", task_judges.unknown_contact),
    _from(
        "inactive-responsible", "update-inactive", judges.by_status("update-inactive", {404: "404", 200: "accepted"})
    ),
    _from("due-none", "update-nulls", task_judges.no_due_date),
    _from("all-day", "create", judges.all_day("create", "2030-01-15T03:00Z")),
    _from("all-day", "update-tokyo", judges.all_day("update-tokyo", "2030-01-14T15:00Z")),
    _from(
        "due-date-and-time",
        "update-day-and-time",
        judges.due("update-day-and-time", "2030-01-15T12:15Z", is_all_day=False, due_timezone="America/Santiago"),
    ),
    _from("due-date-time", "update-instant", judges.due("update-instant", "2030-01-15T10:00Z", is_all_day=True)),
    _from(
        "due-date-time-and-time",
        "update-instant-and-time",
        judges.due("update-instant-and-time", "2030-01-15T17:30Z", is_all_day=False),
    ),
    _from("task-object", "create", task_judges.task_object),
    _from("task-object-order", "create", task_judges.task_object_order),
    _from("null-description", "create", judges.null_description("create")),
    _from("null-description", "update-nulls", judges.null_description("update-nulls")),
    _from("initial-status", "create", task_judges.initial_status),
    _from("creator", "team create", task_judges.creator),
    _from("list-responsibleIds", "list", status(200)),
    _from("list-responsibleIds", "list-invalid", judges.names_field("list-invalid", "responsibleIds")),
    _from("list-any-responsible", "create list-own", task_judges.list_any_responsible),
    _from("list-bad-id", "list-bad-id", status(400)),
    _from("list-repeated-ids", "list-repeated-name list-brackets", status(200)),
    _from("comma-list", "list-bad-id list-comma", judges.comma_list),
    _from("list-dates", "list", status(200)),
    _from("list-days", "create list-own", task_judges.list_any_responsible),
    _from("list-date-form", "list-invalid", judges.names_field("list-invalid", "fromDate")),
    _from("list-undated-value", "list-invalid", judges.names_field("list-invalid", "includeTasksWithoutDates")),
    _from("list-repeated", "list-invalid", judges.names_field("list-invalid", "toDate")),
    _from("list-order", "list", task_judges.list_order),
    _from("list-priority", "create list-own", task_judges.list_priority),
    _from("update-fields", "create update-upper-case", task_judges.unchanged),
    _from("update-conflict", "status-twice", status(400)),
    _from("update-status", "status-unknown", status(404)),
    _from(
        "status-position",
        "create status-0 status-1 status-2",
        task_judges.status_position,
        also="list list-own status-known",
    ),
    _from("update-due-removed", "update-nulls", task_judges.no_due_date),
    _from("update-due", "update-day-and-time update-tokyo", task_judges.all_day_again),
    _from("update-nulls", "update-null-title", status(400)),
    _from("update-unknown", "update-bad-id update-unknown", judges.update_unknown),
    _from("delete", "create delete list-deleted", task_judges.deleted),
    _from("delete-unknown", "delete-unknown", status(404)),
    _from("delete-unknown", "delete delete-again", task_judges.delete_again),
    _from("team-members", "team", judges.has_keys("team", TeamMember().fields)),
    _from("contacts-days", "contacts contacts-no-days", judges.contacts_days),
    _from("contacts-order", "contacts", judges.contacts_order),
    _from("contact-object", "contacts", judges.has_keys("contacts", Contact().fields)),
    _from("search-terms", "search-for-nothing", status(400)),
    _from("search-limit", "search-for-nobody", judges.found_nobody),
)
