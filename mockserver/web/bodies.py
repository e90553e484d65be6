"""JSON bodies of requests (contract, section 1)."""

from __future__ import annotations

from typing import Any

from mockserver.errors import BadRequest
from mockserver.formats import json as wire_json
from mockserver.formats.fields import kind_of

JSON = "application/json"


def media_type(content_type: str) -> str:
    """The media type in a `Content-Type` header, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def read_object(content_type: str, body: bytes, repeated: list[str] | None = None) -> dict[str, Any]:
    """Parse a body that has to be a JSON object, or raise BadRequest; `repeated` collects keys given more than once."""
    given = media_type(content_type)
    if given != JSON:
        found = f"not {wire_json.quoted(given)}" if given else "which is missing"
        raise BadRequest(f"The Content-Type must be {JSON}, {found}")
    try:
        document = wire_json.decode(body, repeated)
    except wire_json.NotJson as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest(f"The body must be a JSON object, not {kind_of(document)}")
    return document
