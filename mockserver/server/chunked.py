"""Chunked bodies, read strictly (RFC 9112, section 7.1).

waitress's receiver takes bare line feeds, blank lines for chunk sizes and lines of any length; each of these lets two
parties disagree about where a request ends.
"""

from __future__ import annotations

import re

from waitress.receiver import ChunkedReceiver

from mockserver.errors import BadRequest, HeaderFieldsTooLarge, PayloadTooLarge
from mockserver.server.limits import CHUNK_LINE_BYTES, TRAILER_BYTES

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")


class ChunkedBody(ChunkedReceiver):  # type: ignore[misc]
    """Takes a chunked body in pieces of any size and keeps what the chunks hold in `buffer`."""

    def __init__(self, buffer: object, limit: int) -> None:
        super().__init__(buffer)
        self._limit = limit
        self._pending = bytearray()
        self._remaining = 0
        self._trailers = 0
        self._step = self._size

    def received(self, data: bytes) -> int:
        """Takes the next bytes of the connection and answers how many of them are the body's.

        Raises BadRequest for broken framing, and PayloadTooLarge as soon as a chunk's size leads over the limit.
        """
        self._pending += data
        while self._step():
            pass
        return len(data) - len(self._pending) if self.completed else len(data)

    def _line(self, limit: int = CHUNK_LINE_BYTES) -> bytes | None:
        """The next line, or None until all of it is here."""
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
        """Trailers are read and dropped (RFC 9112, section 7.1.2, allows it)."""
        line = self._line(TRAILER_BYTES)
        self._trailers += len(line or b"")
        if self._trailers > TRAILER_BYTES:
            raise HeaderFieldsTooLarge("The trailers of the chunked body are too long")
        self.completed = line == b""
        return bool(line)
