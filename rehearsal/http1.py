"""HTTP/1.1 for a proxy, over asyncio's streams: heads are parsed, bodies are forwarded as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

LIMIT = 256 * 1024
"""The buffer limit of a stream, and so the longest head."""

PIECE = 64 * 1024
HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"te")
)

Fields = list[tuple[bytes, bytes]]


class BadMessage(Exception):
    """Bytes that are not HTTP/1.1, or ambiguous HTTP."""


@dataclass(slots=True)
class Head:
    """The three parts of the first line, and the header fields: in order, and by lower-case name."""

    start: tuple[bytes, bytes, bytes]
    fields: Fields
    by_name: dict[bytes, bytes]

    def length(self) -> int | None:
        """Return Content-Length in bytes, None without one. Raises BadMessage."""
        value = self.by_name.get(b"content-length")
        if value is None:
            return None
        if not value.isdigit():
            raise BadMessage("Content-Length is not a number")
        return int(value)

    def chunked(self) -> bool:
        """Return whether the body is chunked. Raises BadMessage for any other Transfer-Encoding."""
        value = self.by_name.get(b"transfer-encoding")
        if value is None:
            return False
        if value.lower() != b"chunked":
            raise BadMessage("Transfer-Encoding is not chunked")
        return True

    def keeps_alive(self) -> bool:
        """Return whether the sender keeps the connection open after this message."""
        connection = self.by_name.get(b"connection", b"").lower()
        version = self.start[2] if self.start[2].startswith(b"HTTP/") else self.start[0]
        return b"close" not in connection if version == b"HTTP/1.1" else b"keep-alive" in connection


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read the head of the next message; None if the connection ended before it began.

    Raises BadMessage, or asyncio.IncompleteReadError if the connection ends within the head.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as e:
        if e.partial:
            raise
        return None
    except asyncio.LimitOverrunError:
        raise BadMessage("the head is too long") from None
    lines = raw[:-4].lstrip(b"\r\n").split(b"\r\n")
    start = tuple(lines[0].split(b" ", 2))
    if len(start) == 2:  # A response without a reason phrase.
        start = (*start, b"")
    if len(start) != 3 or not (start[2].startswith(b"HTTP/1.") or start[0].startswith(b"HTTP/1.")):
        raise BadMessage("the first line is not HTTP/1")
    fields, by_name = [], {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadMessage("malformed header line")
        value = value.strip()
        fields.append((name, value))
        key = name.lower()
        if key not in by_name:
            by_name[key] = value
        elif key in (b"content-length", b"transfer-encoding", b"host") and by_name[key] != value:
            raise BadMessage(f"conflicting values of {name.decode('latin-1')}")
        else:
            by_name[key] += (b"; " if key == b"cookie" else b", ") + value
    if b"content-length" in by_name and b"transfer-encoding" in by_name:
        raise BadMessage("both Content-Length and Transfer-Encoding")
    head = Head(start, fields, by_name)  # type: ignore[arg-type]
    head.length(), head.chunked()  # Raise for bad values now, before anything is forwarded.
    return head


def encode(start: bytes, fields: Fields) -> bytes:
    """Encode a head for the wire."""
    return b"".join((start, b"\r\n", *(b"%b: %b\r\n" % field for field in fields), b"\r\n"))


def answer(status: int, body: str, fields: Fields | None = None, head_only: bool = False) -> bytes:
    """Return a complete response with a short body."""
    content = body.encode()
    given = {name.lower() for name, _ in fields or []}
    fields = [*(fields or []), (b"Content-Length", b"%d" % len(content))]
    if b"content-type" not in given:
        fields.insert(
            0, (b"Content-Type", b"text/html" if body.startswith("<") else b"text/plain; charset=utf-8")
        )
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return encode(f"HTTP/1.1 {status} {phrase}".encode(), fields) + (b"" if head_only else content)


async def relay_body(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    length: int | None,
    chunked: bool,
    moved: Callable[[], None] = lambda: None,
) -> None:
    """Forward a body piece by piece: `length` bytes, or chunks, or until `source` ends.

    `moved` is called after each piece.

    Raises asyncio.IncompleteReadError if `source` ends too early, ConnectionError if either side breaks.
    """
    if chunked:
        while True:
            line = await source.readuntil(b"\r\n")
            try:
                size = int(line.split(b";", 1)[0], 16)
            except ValueError:
                raise BadMessage("a chunk has no size") from None
            sink.write(line)
            if size == 0:
                break
            await _relay_exactly(source, sink, size + 2, moved)
        while (line := await source.readuntil(b"\r\n")) != b"\r\n":  # trailers
            sink.write(line)
        sink.write(line)
    elif length is not None:
        await _relay_exactly(source, sink, length, moved)
    else:
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
            moved()


async def _relay_exactly(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: int, moved: Callable[[], None]
) -> None:
    while count:
        piece = await source.read(min(count, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(piece)
        sink.write(piece)
        await sink.drain()
        moved()


async def splice(
    a: tuple[asyncio.StreamReader, asyncio.StreamWriter], b: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Join two connections (WebSocket) until either is closed."""

    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await relay_body(reader, writer, None, False)
        finally:
            writer.close()

    await asyncio.gather(one_way(a[0], b[1]), one_way(b[0], a[1]), return_exceptions=True)
