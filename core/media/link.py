"""How messages travel between processes: a length, then msgpack, over a Unix stream socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any, Generic, TypeVar

import msgspec

from ..errors import LinkClosed

M = TypeVar("M")
# A picture of a 4K frame is under 3 MB; anything larger is a fault of the sender.
MAX_MESSAGE_BYTES = 16_000_000
_LENGTH_BYTES = 4


def frame(message: object) -> bytes:
    """Return a message as it goes on the wire."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class Unframer(Generic[M]):
    """Turn arriving bytes back into messages of one union of types."""

    def __init__(self, types: Any) -> None:  # noqa: ANN401  a union is no type[M] to mypy
        self._decoder = msgspec.msgpack.Decoder(types)
        self._rest = bytearray()

    def feed(self, content: bytes) -> list[M]:
        """Return the messages that are whole by now. LinkClosed on what is no message."""
        self._rest += content
        messages: list[M] = []
        start = 0
        while len(self._rest) - start >= _LENGTH_BYTES:
            length = int.from_bytes(self._rest[start : start + _LENGTH_BYTES], "big")
            if length > MAX_MESSAGE_BYTES:
                raise LinkClosed(f"a message of {length} bytes is over the limit")
            end = start + _LENGTH_BYTES + length
            if len(self._rest) < end:
                break
            messages.append(self._decode(bytes(self._rest[start + _LENGTH_BYTES : end])))
            start = end
        del self._rest[:start]
        return messages

    def _decode(self, body: bytes) -> M:
        try:
            message: M = self._decoder.decode(body)
        except msgspec.MsgspecError as err:
            raise LinkClosed(f"not a message of this link: {err}") from err
        return message


class MessageSocket(Generic[M]):
    """Send and receive on a blocking socket; ``send`` may be called from any thread."""

    def __init__(self, sock: socket.socket, receives: Any) -> None:  # noqa: ANN401
        self._sock = sock
        self._unframer: Unframer[M] = Unframer(receives)
        self._lock = threading.Lock()

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._sock.fileno()

    def send(self, message: object) -> None:
        """Send one message whole. LinkClosed when the other end is gone."""
        self.send_raw(frame(message))

    def send_raw(self, framed: bytes) -> None:
        """Send what ``frame`` returned, for a message that goes to several."""
        try:
            with self._lock:
                self._sock.sendall(framed)
        except OSError as err:
            raise LinkClosed("the other process is gone") from err

    def receive(self) -> list[M]:
        """Wait for bytes once and return the messages that are whole by now, perhaps none."""
        try:
            content = self._sock.recv(1 << 18)
        except OSError as err:
            raise LinkClosed("the other process is gone") from err
        if not content:
            raise LinkClosed("the other process is gone")
        return self._unframer.feed(content)

    def close(self) -> None:
        """Close the socket; a waiting ``receive`` in another thread ends with LinkClosed."""
        with contextlib.suppress(OSError):  # gone already
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class AsyncLink(Generic[M]):
    """Send and receive on the hub's event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receives: Any) -> None:  # noqa: ANN401
        self._reader = reader
        self._writer = writer
        self._unframer: Unframer[M] = Unframer(receives)

    @classmethod
    async def open(cls, sock: socket.socket, receives: Any) -> AsyncLink[M]:  # noqa: ANN401
        """Take over one end of a socket pair."""
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        return cls(reader, writer, receives)

    async def send(self, message: object) -> None:
        """Send one message; waits while the other end is slow. LinkClosed when it is gone."""
        try:
            self._writer.write(frame(message))
            await self._writer.drain()
        except OSError as err:
            raise LinkClosed("the other process is gone") from err

    def post(self, message: object) -> None:
        """Send without waiting. LinkClosed when the other end is gone or has long stopped to read."""
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MAX_MESSAGE_BYTES:
            raise LinkClosed("the other process is gone or does not read")
        self._writer.write(frame(message))

    async def receive(self) -> list[M]:
        """Wait for bytes once and return the messages that are whole by now, perhaps none."""
        try:
            content = await self._reader.read(1 << 18)
        except OSError as err:
            raise LinkClosed("the other process is gone") from err
        if not content:
            raise LinkClosed("the other process is gone")
        return self._unframer.feed(content)

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
