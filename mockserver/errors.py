"""Every error that the mock can answer, each defined once.

An error is an exception: any code raises one. `web.rendering` renders it for the control plane, `api.answers` as the
imitated API words it. The status codes and the titles are those of the vendor's framework (contract, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple


class Issue(NamedTuple):
    """An invalid value as Zod words it; `whole` says that it is about the object, not about one of its fields."""

    parts: dict[str, Any]
    message: str
    whole: bool = False

    @property
    def is_of_type(self) -> bool:
        """True for an issue after which Zod does not check the object as a whole."""
        return self.parts["code"] in ("invalid_type", "invalid_value")

    def document(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        """The entry of a 400's `errors`, its keys in Zod's order."""
        return {**self.parts, "path": [] if self.whole else list(path), "message": self.message}


class Problem(NamedTuple):
    """One thing wrong with a request.

    `path` leads to the value (`("responsibleIds", 1)`), `code` is the stable, machine-readable reason, and `message` is
    the text for a person. `rule` names the rule of the contract that it breaks, if any; `also` is another rule that
    decides with it. `times` is the number of problems that it stands for, `issue` how the imitated API words it.
    """

    path: tuple[str | int, ...]
    code: str
    message: str
    rule: str = ""
    also: str = ""
    times: int = 1
    issue: Issue | None = None

    def document(self) -> dict[str, object]:
        """The problem as it stands in the `errors` of the control plane."""
        return {"path": list(self.path), "message": self.message}


LIMIT_HEADER = "X-Mock-Limit"
MAX_LISTED = 100  # problems, or ids in a message
LEFT_OUT = "left_out"


def listed(problems: Sequence[Problem]) -> list[Problem]:
    """The problems as answers and journal list them; when over `MAX_LISTED`, the last entry counts the rest."""
    total = sum([problem.times for problem in problems])
    if total <= MAX_LISTED:
        return list(problems)
    shown = problems[: MAX_LISTED - 1]
    return [*shown, Problem((), LEFT_OUT, left_out(total), issue=Issue({"code": "custom"}, left_out(total)))]


def left_out(total: int) -> str:
    """The last entry of a shortened list of `total` things."""
    return f"… and {total - MAX_LISTED + 1} more"


class ApiError(Exception):
    """A refusal: its HTTP status, the status's title, and the message that the caller reads.

    `rule` names the rule of the contract that decided: the one given, or that of the first problem; `body_rule` the one
    by which the body is worded, if another. The journal shows `problems` besides the message.
    """

    status = 500
    title = "Internal Server Error"
    message = "Internal server error"
    rule = "internal-error"
    body_rule = "error-body"

    def __init__(
        self,
        message: str | None = None,
        *,
        rule: str | None = None,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.message = message or self.message
        self._headers = headers
        self.problems = tuple(problems)
        self.rule = rule or (self.problems[0].rule if self.problems else "") or self.rule
        super().__init__(self.message)

    def document(self) -> dict[str, object]:
        """The error body of the framework's HTTP exceptions (contract, section 1)."""
        return {"message": self.message, "error": self.title, "statusCode": self.status}

    def headers(self) -> Mapping[str, str]:
        """Headers of the answer besides those of its body."""
        return self._headers


class OwnError(ApiError):
    """An error of the mock, which the vendor's API does not have."""

    body_rule = ""


class BadRequest(ApiError):
    """400: the request cannot be understood."""

    status, title, message = 400, "Bad Request", "The request cannot be understood"
    rule = "json"
    body_rule = ""


class Undecodable(BadRequest):
    """400: the body is not in the encoding that it names."""

    rule = "content-encoding"


class ValidationFailed(BadRequest):
    """400 with every problem of the request, in a stable order."""

    message = "Validation failed"
    body_rule = "validation-body"

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__(problems=problems)

    def document(self) -> dict[str, object]:
        """The error body of the control plane, with its problems in `errors`."""
        return super().document() | {"errors": [problem.document() for problem in listed(self.problems)]}


class Unauthorized(ApiError):
    """401: the `x-api-key` header is missing, or its key is unknown or revoked."""

    status, title, message = 401, "Unauthorized", "Invalid API key"
    rule = "key"
    body_rule = "unauthorized-body"


class NotFound(ApiError):
    """404: what the request names does not exist for this key."""

    status, title, message = 404, "Not Found", "Not found"
    rule = "unknown-route"


class MethodNotAllowed(ApiError):
    """405: the path exists, the method does not; `Allow` lists those that do (RFC 9110, section 15.5.6)."""

    status, title, message = 405, "Method Not Allowed", "Method not allowed"
    rule = "wrong-method"

    def __init__(self, message: str, allowed: Iterable[str]) -> None:
        super().__init__(message, headers={"Allow": ", ".join(allowed)})


class StrictRefusal(BadRequest):
    """400: strict mode refuses what the vendor's pages do not promise to take."""

    def __init__(self, found: Sequence[str]) -> None:
        problems = [Problem((), "strict", message, "strict-mode") for message in found]
        super().__init__(f"Strict mode: {'; '.join(found)}", problems=problems)


class InvalidId(BadRequest):
    """400: the id in the path is no UUID; it is answered alone."""

    message = "Validation failed (uuid is expected)"
    body_rule = "path-id"


class RequestTimeout(ApiError):
    """408: the request did not arrive in time."""

    status, title, message = 408, "Request Timeout", "The request did not arrive in time"


class PayloadTooLarge(ApiError):
    """413: the body is over `--max-body`."""

    status, title, message = 413, "Payload Too Large", "request entity too large"
    rule = "body-size"
    body_rule = ""


class MisdirectedRequest(OwnError):
    """421: the `Host` header names no host of this server."""

    status, title, message = 421, "Misdirected Request", "This server does not answer for that Host"


class HeaderFieldsTooLarge(ApiError):
    """431: the request line and headers are too long."""

    status, title, message = 431, "Request Header Fields Too Large", "The request line and headers are too long"


class InternalServerError(ApiError):
    """500: something broke in the mock."""

    body_rule = ""


class NotImplementedByServer(ApiError):
    """501: the request uses a part of HTTP that this server does not support."""

    status, title, message = 501, "Not Implemented", "Not implemented"


class ServiceUnavailable(ApiError):
    """503: the mock has reached one of its own limits, which `limit` names."""

    status, title, message = 503, "Service Unavailable", "Service unavailable"
    rule = "mock-limit"
    body_rule = ""

    def __init__(self, message: str | None = None, *, limit: str = "") -> None:
        super().__init__(message, headers={LIMIT_HEADER: limit} if limit else {})


class InsufficientStorage(OwnError):
    """507: there is no room for what the request would write."""

    status, title, message = 507, "Insufficient Storage", "There is no room to write to the database"
    rule = "mock-limit"


class Forbidden(OwnError):
    """403: a page of another origin calls the control plane."""

    status, title, message = 403, "Forbidden", "The control plane does not answer pages of other origins"


class Conflict(OwnError):
    """409: the verification failed."""

    status, title, message = 409, "Conflict", "The verification failed"


class UnsupportedMediaType(ApiError):
    """415: the charset or the encoding of the body is not supported."""

    status, title, message = 415, "Unsupported Media Type", "unsupported media type"
    rule = "content-encoding"
    body_rule = ""


class TooManyRequests(OwnError):
    """429: the sandbox's rate limit is used up, for `retry_after` seconds (RFC 9110, section 10.2.3)."""

    status, title, message = 429, "Too Many Requests", "Too many requests"
    rule = "mock-rate-limit"

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


_VENDOR_ERRORS = {error.status: (error.title, error.message) for error in ApiError.__subclasses__()}
# Of these, only the titles are known; newer versions of Python have another one for 422.
_TITLES = {status: HTTPStatus(status).phrase for status in (402, 403, 406, 409, 410, 429, 502, 504, 507)}
_TITLES[422] = "Unprocessable Entity"


class InjectedError(ApiError):
    """The API's error for a status, injected by a fault rule or by `Prefer: code`."""

    body_rule = ""

    def __init__(self, status: int, *, rule: str) -> None:
        title = _TITLES.get(status, "Error")
        self.status = status
        self.title, message = _VENDOR_ERRORS.get(status, (title, title))
        super().__init__(message, rule=rule)
