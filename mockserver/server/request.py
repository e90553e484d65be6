"""The strict request parser: refuses everything that two HTTP parties could read differently (RFC 9112)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver

from mockserver.errors import ApiError, BadRequest, HeaderFieldsTooLarge, NotImplementedByServer, PayloadTooLarge
from mockserver.server.limits import CHUNK_LINE_BYTES, TRAILER_BYTES
from mockserver.server.names import KEYS

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VISIBLE_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"

# waitress's receiver accepts bare line feeds, blank lines for chunk sizes and lines of any length; each of these lets
# two parties disagree about where a request ends (RFC 9112, section 7.1).

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;" + _VISIBLE_TEXT + rb")?")
_TRAILER = re.compile(_TOKEN + rb":" + _VISIBLE_TEXT)


class ChunkedBody(ChunkedReceiver):  # type: ignore[misc]
    """Decode a chunked body, received in pieces of any size, into `buffer`."""

    def __init__(self, buffer: object, limit: int) -> None:
        super().__init__(buffer)
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
        if len(self) + self._remaining > self._limit:
            raise PayloadTooLarge
        self._step = self._data if self._remaining else self._trailer
        return True

    def _data(self) -> bool:
        part = bytes(self._pending[: self._remaining])
        del self._pending[: self._remaining]
        self.buf.append(part)
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
_LINES = re.compile(_VISIBLE_TEXT + rb"(?:\r\n" + _VISIBLE_TEXT + rb")*")
_ABSOLUTE = re.compile(rb"https?://([^/?]+)(.*)", re.IGNORECASE)
_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


class Request(HTTPRequestParser):  # type: ignore[misc]
    """A request while and after it is read, in place of waitress's parser.

    `error` is the `ApiError` to answer it with, or None; `too_large` is true when its body is over the limit, which the
    application refuses; `unread` when bytes of it may still arrive.
    """

    command = ""
    authority = path = query = request_uri = log_path = ""
    error: ApiError | None
    header_plus: bytes
    headers_finished: bool
    body_rcv: ChunkedBody | FixedStreamReceiver | None
    too_large = False
    unread = False

    def received(self, data: bytes) -> int:
        """Process the next bytes of the connection; returns how many belong to this request.

        A refused request consumes them all: nothing after it on its connection can be trusted.
        """
        try:
            used = self._body(data) if self.headers_finished else self._head(data)
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
        self.close()
        self.body_rcv = None
        self.completed = self.unread = True

    def _head(self, data: bytes) -> int:
        """Read up to the empty line; empty lines before the request are skipped (RFC 9112, section 2.2)."""
        head = self.header_plus + data
        if head.startswith(b"\r\n"):
            head = _EMPTY_LINES.sub(b"", head, count=1)
        end = head.find(b"\r\n\r\n")
        if (len(head) if end < 0 else end) > self.adj.max_request_header_size:
            raise HeaderFieldsTooLarge
        self._request_line(head)
        if end < 0:
            self.header_plus = head
            self.empty = self.completed = not head
            return len(data)
        self.parse_header(head[:end])
        self.headers_finished = True
        self.completed = self.body_rcv is None
        return len(data) - (len(head) - end - 4)

    def _body(self, data: bytes) -> int:
        body: Any = self.body_rcv
        used: int = body.received(data)
        self.completed = body.completed
        if self.completed and self.chunked:
            self.headers["CONTENT_LENGTH"] = str(len(body))
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
        self.log_path = path.decode() if path.isascii() else quote(path, safe=VISIBLE)
        if not (path.startswith(b"/") or (self.command == "OPTIONS" and target == b"*")):
            raise BadRequest("The request target must begin with / or http://")
        self.path = unquote_to_bytes(path).decode("latin-1")
        self.query = query.decode("latin-1")

    def parse_header(self, head: bytes) -> None:
        """Parse the header lines of a head whose request line has been parsed."""
        self._fields(head)
        self._host()
        self._framing()
        options = [option.strip().lower() for option in self.headers.get("CONNECTION", "").split(",")]
        if "close" in options:
            self.headers["CONNECTION"] = "close"

    def _fields(self, head: bytes) -> None:
        """Parse the header lines: refuse folded ones (RFC 9112, section 5.2), join repeated ones with a comma."""
        if not _LINES.fullmatch(head):
            raise BadRequest("A header line is malformed")
        for line in head.decode("latin-1").split("\r\n")[1:]:
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
        if not _HOST.fullmatch(self.authority):
            raise BadRequest("The authority of the request target is malformed")
        if self.authority:
            self.headers["HOST"] = self.authority

    def _framing(self) -> None:
        """Find the end of the body: Content-Length or one `chunked`, never both (RFC 9112, sections 6.1 to 6.3)."""
        coding, length = self.headers.pop("TRANSFER_ENCODING", None), self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            if length is not None or self.version == "1.0":
                raise BadRequest("Transfer-Encoding excludes Content-Length and HTTP/1.0")
            if coding.lower() != "chunked":
                raise NotImplementedByServer("The only Transfer-Encoding that this server supports is one `chunked`")
            self.chunked = True
            self.body_rcv = ChunkedBody(OverflowableBuffer(self.adj.inbuf_overflow), self.adj.max_request_body_size)
        elif length is not None:
            self._fixed_length(length)
        self.expect_continue = self.version == "1.1" and self.headers.get("EXPECT", "").lower() == "100-continue"

    def _fixed_length(self, length: str) -> None:
        if not _LENGTH.fullmatch(length):
            raise BadRequest("Content-Length is not one decimal number")
        self.content_length = int(length)
        if self.content_length > self.adj.max_request_body_size:
            raise PayloadTooLarge
        if self.content_length:
            self.body_rcv = FixedStreamReceiver(self.content_length, OverflowableBuffer(self.adj.inbuf_overflow))
