"""What a journal entry says of a request and its answer: capped, and without keys."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mockserver import wire
from mockserver.sandbox.names import PREFIX, is_name

MAX_BODY = 64 * 1024
KEY_HEADER = "x-api-key"
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
_SECRET_HEADERS = (KEY_HEADER, *_CREDENTIALS)
_LONG_ENOUGH = 8  # a shorter secret would be found in texts that do not have it

Document = dict[str, Any]


class Received(NamedTuple):
    """A request as it came, the names of its headers in lower case; `read` is what its body says, if that is known."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    read: Any = None


def request(received: Received, *, whole: bool = False) -> Document:
    """The request as an entry shows it; `whole` is for comparing, and does not cut its body."""
    return {
        "method": received.method,
        "path": received.path,
        "query": {name: texts[0] if len(texts) == 1 else texts for name, texts in received.query.items()},
        "headers": dict(received.headers),
        **content(received.body, len(received.body) if whole else MAX_BODY, received.read),
    }


def secrets(headers: Mapping[str, str], known_keys: Iterable[str]) -> list[str]:
    """What nobody is to read of a request with these headers, the longest first; `test_` keys are no secrets."""
    sent = {headers[name] for name in _SECRET_HEADERS if name in headers}
    parts = {part for name, value in headers.items() if name in _CREDENTIALS for part in _credentials(value)}
    longer = {secret for secret in (*parts, *known_keys) if len(secret) >= _LONG_ENOUGH}
    return sorted((each for each in sent | longer if each and not _is_sandbox_key(each)), key=len, reverse=True)


def finished(entry: Document, secrets: Sequence[str]) -> tuple[Document, bytes]:
    """The entry, its changes cut as bodies are, with secrets shown by their last four characters; and its bytes."""
    headers = entry["request"]["headers"]
    for name in _SECRET_HEADERS:
        if headers.get(name) in secrets:
            headers[name] = redacted(headers[name])
    for part in (entry["request"], entry["response"]):
        if "length" in part:
            part["text"] = _without_end(part["text"], secrets)
    encoded = wire.encode(entry)
    if len(encoded) > MAX_BODY:
        entry["changes"] = [_capped_change(change) for change in entry["changes"]]
        encoded = wire.encode(entry)
    shown = _without(secrets, entry, encoded)
    return shown, encoded if shown is entry else wire.encode(shown)


def without(secrets: Sequence[str], document: Any) -> Any:
    """A document with secrets shown by their last four characters, wherever they stand."""
    return _without(secrets, document, wire.encode(document))


def content(body: bytes, limit: int = MAX_BODY, read: Any = None) -> Document:
    """A body as an entry shows it: `json`, or `text` when it is none; a long one is cut, and its `length` told.

    `read` is what the body says, where that is known.
    """
    if not body:
        return {}
    if len(body) > limit:
        return {"text": body[:limit].decode("utf-8", "replace"), "length": len(body)}
    try:
        return {"json": wire.decode(body) if read is None else read}
    except wire.NotJson:
        return {"text": body.decode("utf-8", "replace")}


def _capped(value: Any) -> Any:
    """A document of the mock's own, cut as a body is when it is as long."""
    if value is None:
        return None
    encoded = wire.encode(value)
    return value if len(encoded) <= MAX_BODY else content(encoded)


def _capped_change(change: Document) -> Document:
    """A reported change, its rows cut as bodies are."""
    return {**change, "before": _capped(change["before"]), "after": _capped(change["after"])}


def redacted(secret: str) -> str:
    """The last four characters of a secret, or none of a short one."""
    return f"…{secret[-4:]}" if len(secret) >= _LONG_ENOUGH else "…"


def _is_sandbox_key(value: str) -> bool:
    return value.startswith(PREFIX) and is_name(value[len(PREFIX) :])


def _credentials(value: str) -> Iterator[str]:
    """The secret parts of a header: what follows its scheme, the values of its parameters, a password of `Basic`."""
    scheme, _, rest = value.partition(" ")
    for part in re.split(r"[\s,;]+", rest or scheme):
        yield part
        yield part.partition("=")[2].strip('"')
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            yield base64.b64decode(rest, validate=True).decode("utf-8", "replace").partition(":")[2]


def _without(secrets: Sequence[str], document: Any, encoded: bytes) -> Any:
    """The document, of which `encoded` are the bytes, without secrets; itself when there are none in it."""
    for secret in secrets:
        if len(secret) >= _LONG_ENOUGH and wire.encode(secret)[1:-1] in encoded:
            document = _replaced(document, secret)
    return document


def _without_end(text: str, secrets: Sequence[str]) -> str:
    """A text that was cut, without the beginning of a secret at its end."""
    for secret in secrets:
        for length in range(len(secret) - 1, 3, -1):
            if text.endswith(secret[:length]):
                return text[:-length] + "…"
    return text


def _replaced(document: Any, secret: str) -> Any:
    return _mapped(document, lambda text: text.replace(secret, redacted(secret)))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _mapped(each, change) for key, each in value.items()}
    return [_mapped(each, change) for each in value] if isinstance(value, list) else value
