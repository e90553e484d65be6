"""The checks, as data: the probes whose answers show something about a rule of the contract, and how to check them."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.api.answer_schemas import Contact, TeamMember
from mockserver.conform import error_checks as errors
from mockserver.conform import success_checks as successes
from mockserver.conform.error_checks import CheckAnswers, by_status, names_field, status, statuses


class Check(NamedTuple):
    """A check of a rule, which needs the answers to these probes; those of `also` are None if there are none."""

    rule: str
    probes: tuple[str, ...]
    decide: CheckAnswers
    also: tuple[str, ...] = ()


def _of(rule: str, probes: str, decide: CheckAnswers, also: str = "") -> Check:
    return Check(rule, tuple(probes.split()), decide, tuple(also.split()))


_FIELDS = "title description dueDate dueTime timezone responsibleIds aiContactId aiCustomerId priority"
_PARAMETERS = {
    "list-responsibleIds": "responsibleIds",
    "list-date-form": "fromDate",
    "list-undated-value": "includeTasksWithoutDates",
    "list-repeated": "toDate",
}

# A switch may have several: values that exclude each other are a contradiction. Those of another rule are its parts.
CHECKS = (
    _of("base-path", "team", status(200)),
    _of("key", "team no-key wrong-key", statuses(200, 401, 401)),
    _of("unauthorized-body", "no-key wrong-key", errors.unauthorized_body),
    _of("order-of-decisions", "unknown-path", status(404)),
    _of("field-names", "team", successes.field_names),
    _of("charset", "team", successes.charset),
    _of("uuid", "create update-upper-case", successes.lower_case_id),
    _of("minted-ids", "create", successes.minted_ids),
    _of("instants", "create", successes.instants),
    _of("create-status", "create", successes.create_status),
    _of("success-status", "team head", successes.success),
    _of("error-body", "unknown-path", errors.error_body),
    _of("error-body", "update-unknown", errors.error_body),
    _of("validation-body", "list-invalid", errors.validation_body),
    _of("validation-body", "create-invalid", errors.validation_body),
    _of("path-id", "update-bad-id", errors.path_id),
    _of("path-uuid", "update-bad-id", status(400)),
    _of("unknown-route", "unknown-path", errors.unknown_route),
    _of("wrong-method", "other-method", errors.wrong_method),
    _of("wrong-method", "patch", errors.wrong_method),
    _of("path-matching", "trailing-slash upper-case", by_status({200: "lenient", 404: "exact"})),
    _of("content-encoding", "create-encoded", status(415)),
    _of("content-type", "create-untyped", status(400)),
    _of("empty-body", "create-empty", errors.empty_creation),
    _of("empty-body", "update-empty", errors.empty_update),
    _of("unknown-keys", "update-unread-key", status(200)),
    _of("repeated-keys", "update-repeated-key", successes.repeated_key),
    _of("strings", "update-repeated-key", successes.strings),
    *(_of(field, "create-invalid", names_field(field)) for field in _FIELDS.split()),
    *(_of(rule, "list-invalid", names_field(field)) for rule, field in _PARAMETERS.items()),
    _of("timezone-case", "update-zone-case", successes.zone_case),
    _of("due-date-offset", "update-offset update-local", successes.due_date_offset),
    _of("responsible-repeats", "update-repeated-user", successes.responsible_repeats),
    _of("aiContactId", "create-with-contact", status(200, 201)),
    _of("priority", "create", successes.priority),
    _of("unknown-status", "create-unknown-status", status(404)),
    _of("reference-message", "create-for-nobody", errors.reference_message),
    _of("unknown-responsible", "create-for-nobody", status(404)),
    _of("unknown-contact", "create-unknown-contact", errors.unknown_contact),
    _of("inactive-responsible", "team update-inactive", successes.inactive_responsible),
    _of("due-none", "update-nulls", successes.no_due_date),
    _of("all-day", "create", successes.all_day("2030-01-15T03:00Z")),
    _of("all-day", "update-tokyo", successes.all_day("2030-01-14T15:00Z")),
    _of(
        "due-date-and-time",
        "update-day-and-time",
        successes.due("2030-01-15T12:15Z", is_all_day=False, due_timezone="America/Santiago"),
    ),
    _of("due-date-time", "update-instant", successes.due("2030-01-15T10:00Z", is_all_day=True)),
    _of("due-date-time-and-time", "update-instant-and-time", successes.due("2030-01-15T17:30Z", is_all_day=False)),
    _of("task-object", "create", successes.task_object),
    _of("task-object-order", "create", successes.task_object_order),
    _of("null-description", "create", successes.null_description),
    _of("null-description", "update-nulls", successes.null_description),
    _of("initial-status", "create", successes.initial_status),
    _of("creator", "team create", successes.creator),
    _of("list-responsibleIds", "list", status(200)),
    _of("list-any-responsible", "create list-own", successes.list_any_responsible),
    _of("list-bad-id", "list-bad-id", status(400)),
    _of("list-repeated-ids", "list-repeated-name list-brackets", status(200)),
    _of("comma-list", "list-bad-id list-comma", errors.comma_list),
    _of("list-dates", "list", status(200)),
    _of("list-days", "create list-own", successes.list_any_responsible),
    _of("list-order", "list", successes.list_order),
    _of("list-priority", "create list-own", successes.list_priority),
    _of("update-fields", "create update-upper-case", successes.unchanged),
    _of("update-conflict", "status-twice", status(400)),
    _of("update-status", "status-unknown", status(404)),
    _of(
        "status-position",
        "create status-0 status-1 status-2",
        successes.status_position,
        also="status-known list list-own",
    ),
    _of("update-due-removed", "update-nulls", successes.no_due_date),
    _of("update-due", "update-day-and-time update-tokyo", successes.all_day_again),
    _of("update-nulls", "update-null-title", status(400)),
    _of("update-unknown", "update-bad-id update-unknown", statuses(400, 404)),
    _of("delete", "create delete list-deleted", successes.deleted),
    _of("delete-unknown", "delete-unknown", status(404)),
    _of("delete-unknown", "delete delete-again", successes.delete_again),
    _of("team-members", "team", successes.has_keys(TeamMember().fields)),
    _of("contacts-days", "contacts contacts-no-days", statuses(200, 400)),
    _of("contacts-order", "contacts", successes.contacts_order),
    _of("contact-object", "contacts", successes.has_keys(Contact().fields)),
    _of("search-terms", "search-for-nothing", status(400)),
    _of("search-limit", "search-for-nobody", successes.found_nobody),
)
