"""The strict request parser: refuses everything that two HTTP parties could read differently (RFC 9112)."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from mockserver.errors import ApiError, BadRequest, HeaderFieldsTooLarge, NotImplementedByServer, PayloadTooLarge
from mockserver.server.limits import CHUNK_LINE_BYTES, TRAILER_BYTES
from mockserver.server.names import KEYS

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VISIBLE_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"

# Bare line feeds, blank lines for chunk sizes and lines of any length are refused: each of these lets two parties
# disagree about where a request ends (RFC 9112, section 7.1).
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;" + _VISIBLE_TEXT + rb")?")
_TRAILER = re.compile(_TOKEN + rb":" + _VISIBLE_TEXT)


class ChunkedBody:
    """Decode a chunked body, received in pieces of any size, into `file`; `length` is that of the decoded body."""

    def __init__(self, file: BytesIO, limit: int) -> None:
        self.length = 0
        self.completed = False
        self._file = file
        self._limit = limit
        self._pending = bytearray()
        self._remaining = 0
        self._trailers = 0
        self._step = self._size

    def received(self, data: bytes) -> int:
        """Process the next bytes of the connection; returns how many belong to the body.

        Raises BadRequest for broken framing, and PayloadTooLarge as soon as a chunk's size exceeds the limit.
        """
        self._pending += data
        while self._step():
            pass
        return len(data) - len(self._pending) if self.completed else len(data)

    def _line(self, limit: int = CHUNK_LINE_BYTES) -> bytes | None:
        """The next line, or None until it is complete."""
        end = self._pending.find(b"\r\n")
        line = bytes(self._pending if end < 0 else self._pending[:end])
        if len(line) > limit or b"\n" in line:
            raise BadRequest("The chunked body is malformed: a line is too long or ends in a bare line feed")
        if end < 0:
            return None
        del self._pending[: end + 2]
        return line

    def _size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _SIZE.fullmatch(line)
        if match is None:
            raise BadRequest("The chunked body is malformed: a chunk's size is not a hexadecimal number")
        self._remaining = int(match[1], 16)
        if self.length + self._remaining > self._limit:
            raise PayloadTooLarge
        self._step = self._data if self._remaining else self._trailer
        return True

    def _data(self) -> bool:
        part = bytes(self._pending[: self._remaining])
        del self._pending[: self._remaining]
        self._file.write(part)
        self.length += len(part)
        self._remaining -= len(part)
        if self._remaining:
            return False
        self._step = self._data_end
        return True

    def _data_end(self) -> bool:
        line = self._line()
        if line:
            raise BadRequest("The chunked body is malformed: a chunk is longer than its size says")
        self._step = self._data_end if line is None else self._size
        return line is not None

    def _trailer(self) -> bool:
        """Read and drop trailers, as RFC 9112, section 7.1.2, allows."""
        line = self._line(TRAILER_BYTES)
        self._trailers += len(line or b"")
        if self._trailers > TRAILER_BYTES:
            raise HeaderFieldsTooLarge("The trailers of the chunked body are too long")
        if line and not _TRAILER.fullmatch(line):
            raise BadRequest("The chunked body is malformed: a trailer is folded, or no header line")
        self.completed = line == b""
        return bool(line)


_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/(1\.[01])")
_METHOD_BEGUN = re.compile(_TOKEN + rb"(?: [^\n]*)?")
_VISIBLE_BYTES = bytes([byte for byte in range(256) if re.fullmatch(_VISIBLE_TEXT, bytes([byte]))])
_ABSOLUTE = re.compile(rb"https?://([^/?]+)(.*)", re.IGNORECASE)
_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class Request:
    """A request while and after it is read, up to the end of its `body`; `headers` have names like `CONTENT_TYPE`.

    `error` is the `ApiError` to answer it with, or None; `too_large` is true when its body is over the limit, which the
    application refuses; `unread` when bytes of it may still arrive; `empty` when there was none.
    """

    version = "1.0"
    command = authority = path = query = request_uri = log_path = ""
    error: ApiError | None = None
    headers_finished = completed = empty = expect_continue = too_large = unread = False
    _begun = b""  # the head, as far as it has been received
    _missing = 0  # bytes of a body with a Content-Length
    _chunks: ChunkedBody | None = None

    def __init__(self, adj: Any) -> None:
        self._adj = adj
        self.headers: dict[str, str] = {}
        self.body = BytesIO()

    def received(self, data: bytes) -> int:
        """Process the next bytes of the connection; returns how many belong to this request.

        A refused request consumes them all: nothing after it on its connection can be trusted.
        """
        used = 0
        try:
            if not self.headers_finished:
                used = self._head(data)
            if self.headers_finished and not self.completed:
                used += self._body(data[used:])
        except PayloadTooLarge:
            self._end_early()
            self.too_large = True
        except ApiError as error:
            self.refuse(error)
        return len(data) if self.unread else used

    def refuse(self, error: ApiError) -> None:
        """End the request early, with `error` as its answer."""
        self._end_early()
        self.error = error

    def _end_early(self) -> None:
        self.body = BytesIO()
        self.completed = self.unread = True

    def _head(self, data: bytes) -> int:
        """Read up to the empty line; empty lines before the request are skipped (RFC 9112, section 2.2)."""
        head = self._begun + data
        if head.startswith(b"\r\n"):
            head = _EMPTY_LINES.sub(b"", head, count=1)
        end = head.find(b"\r\n\r\n")
        if (len(head) if end < 0 else end) > self._adj.max_request_header_size:
            raise HeaderFieldsTooLarge
        self._request_line(head)
        if end < 0:
            self._begun = head
            self.empty = self.completed = not head
            return len(data)
        self._fields(head[:end])
        self._host()
        self._framing()
        self.headers_finished = True
        return len(data) - (len(head) - end - 4)

    def _body(self, data: bytes) -> int:
        if self._chunks:
            used = self._chunks.received(data)
            self.completed = self._chunks.completed
            if self.completed:
                self.headers["CONTENT_LENGTH"] = str(self._chunks.length)
        else:
            used = self.body.write(data[: self._missing])
            self._missing -= used
            self.completed = not self._missing
        if self.completed:
            self.body.seek(0)
        return used

    def _request_line(self, head: bytes) -> None:
        """Parse the request line as soon as it is complete, so that another protocol is refused at once."""
        line, ended, _ = head.partition(b"\r\n")
        if self.command or head in (b"", b"\r"):  # the latter may begin an empty line
            return
        if not ended:
            if not _METHOD_BEGUN.fullmatch(line.rstrip(b"\r")):
                raise BadRequest("This is not a request line of HTTP/1.1")
            return
        match = _REQUEST_LINE.fullmatch(line)
        if match is None or match[1] != match[1].upper():
            raise BadRequest("The request line is malformed: it takes METHOD, target and HTTP/1.1")
        self.version = match[3].decode()
        self.command = match[1].decode()
        self._target(match[2].partition(b"#")[0])

    def _target(self, target: bytes) -> None:
        """Parse the target in origin, absolute or, for OPTIONS only, asterisk form (RFC 9112, section 3.2)."""
        self.request_uri = target.decode("latin-1")
        if not target.startswith(b"/") and (absolute := _ABSOLUTE.fullmatch(target)):
            self.authority = absolute[1].decode("latin-1")
            target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        path, _, query = target.partition(b"?")
        self.log_path = path.decode() if path.isascii() else quote(path, safe=_PRINTABLE_ASCII)
        if not (path.startswith(b"/") or (self.command == "OPTIONS" and target == b"*")):
            raise BadRequest("The request target must begin with / or http://")
        self.path = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
        self.query = query.decode("latin-1")

    def _fields(self, head: bytes) -> None:
        """Parse the header lines: refuse folded ones (RFC 9112, section 5.2), join repeated ones with a comma."""
        lines = head.decode("latin-1").split("\r\n")
        if head.translate(None, _VISIBLE_BYTES) != b"\r\n" * (len(lines) - 1):
            raise BadRequest("A header line is malformed")
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequest("A header line is malformed")
            key, value = KEYS[name], value.strip(" \t")
            if key:
                self.headers[key] = f"{self.headers[key]}, {value}" if key in self.headers else value

    def _host(self) -> None:
        """Require one valid Host, optional in HTTP/1.0; a target's authority replaces it (RFC 9112, section 3.2)."""
        host = self.headers.get("HOST", "" if self.version == "1.0" else None)
        if host is None or not _HOST.fullmatch(host):
            raise BadRequest("The Host header is missing, repeated or malformed")
        if self.authority:
            if not _HOST.fullmatch(self.authority):
                raise BadRequest("The authority of the request target is malformed")
            self.headers["HOST"] = self.authority

    def _framing(self) -> None:
        """Find the end of the body: Content-Length or one `chunked`, never both (RFC 9112, sections 6.1 to 6.3)."""
        headers = self.headers
        coding, length = headers.pop("TRANSFER_ENCODING", None), headers.get("CONTENT_LENGTH")
        if coding is not None:
            if length is not None or self.version == "1.0":
                raise BadRequest("Transfer-Encoding excludes Content-Length and HTTP/1.0")
            if coding.lower() != "chunked":
                raise NotImplementedByServer("The only Transfer-Encoding that this server supports is one `chunked`")
            self._chunks = ChunkedBody(self.body, self._adj.max_request_body_size)
        elif length is not None:
            self._fixed_length(length)
        if "EXPECT" in headers:
            self.expect_continue = self.version == "1.1" and headers["EXPECT"].lower() == "100-continue"
        if "CONNECTION" in headers:
            options = [option.strip().lower() for option in headers["CONNECTION"].split(",")]
            if "close" in options:
                headers["CONNECTION"] = "close"

    def _fixed_length(self, length: str) -> None:
        if not _LENGTH.fullmatch(length):
            raise BadRequest("Content-Length is not one decimal number")
        self._missing = int(length)
        if self._missing > self._adj.max_request_body_size:
            raise PayloadTooLarge
