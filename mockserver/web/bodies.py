"""JSON bodies of requests (contract, section 1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mockserver.errors import BadRequest
from mockserver.formats import json as wire_json
from mockserver.formats.fields import kind_of

JSON = "application/json"


@lru_cache(maxsize=64)
def media_type(content_type: str) -> str:
    """The media type in a `Content-Type` header, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a body that has to be a JSON object, or raise BadRequest."""
    try:
        document = wire_json.decode(body)
    except wire_json.NotJson as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest(f"The body must be a JSON object, not {kind_of(document)}")
    return document
