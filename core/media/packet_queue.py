"""One eye's end of the packet socket in the recorder: what waits for it, and what it loses when it is slow."""

from __future__ import annotations

import socket
from collections import deque
from itertools import islice

from ..errors import LinkClosed
from .link import Unframer
from .messages import ToPackets

# Two seconds of ten busy cameras. An eye that is further behind than that sees the past.
_QUEUE_BYTES = 4_000_000
_SEND_BUFFER_BYTES = 1 << 20
# The system takes 1,024 pieces in one call.
_MAX_PIECES = 256


class PacketQueue:
    """Hold one eye's connection and what still waits for it, bounded in bytes."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self.sock = sock
        self.dropped = 0
        self.is_full = False  # the socket takes no more for now
        self._unframer: Unframer[ToPackets] = Unframer(ToPackets)
        # (camera, bytes); a word (header, end) has no camera and is never dropped.
        self._waiting: deque[tuple[str | None, bytes]] = deque()
        self._waiting_bytes = 0
        self._begun = memoryview(b"")  # the rest of what has gone out in part
        self._skipping: set[str] = set()

    @property
    def has_waiting(self) -> bool:
        """Say whether something is left to send."""
        return bool(self._waiting or self._begun)

    def receive(self) -> list[ToPackets]:
        """Return what the eye says. LinkClosed."""
        try:
            content = self.sock.recv(65536)
        except BlockingIOError:
            return []
        except OSError as err:
            raise LinkClosed("the eye is gone") from err
        if not content:
            raise LinkClosed("the eye is gone")
        return self._unframer.feed(content)

    def wait_for_key(self, camera: str) -> None:
        """Send nothing of a camera before its next keyframe."""
        self._skipping.add(camera)

    def put_word(self, framed: bytes) -> None:
        """Send a header or an end, behind what waits."""
        self._append(None, framed)

    def put(self, camera: str, framed: bytes, is_key: bool) -> None:
        """Send a packet, or drop it and the rest of its GOP when too much waits."""
        if camera in self._skipping and not is_key:
            self.dropped += 1
            return
        if self._waiting_bytes + len(framed) > _QUEUE_BYTES:
            self._drop_waiting(camera)
            if not is_key or self._waiting_bytes + len(framed) > _QUEUE_BYTES:
                self._skipping.add(camera)
                self.dropped += 1
                return
        self._skipping.discard(camera)
        self._append(camera, framed)

    def flush(self) -> bool:
        """Send as much as the socket takes; True when nothing is left. LinkClosed."""
        while self._begun or self._waiting:
            pieces: list[bytes | memoryview] = [
                self._begun,
                *(framed for _, framed in islice(self._waiting, _MAX_PIECES)),
            ]
            try:
                sent = self.sock.sendmsg(pieces)
            except BlockingIOError:
                self.is_full = True
                return False
            except OSError as err:
                raise LinkClosed("the eye is gone") from err
            self._take_away(sent)
        self.is_full = False
        return True

    def _take_away(self, sent: int) -> None:
        if sent < len(self._begun):
            self._begun = self._begun[sent:]
            return
        sent -= len(self._begun)
        self._begun = memoryview(b"")
        while sent:
            _, framed = self._waiting.popleft()
            self._waiting_bytes -= len(framed)
            if sent < len(framed):
                self._begun = memoryview(framed)[sent:]
                return
            sent -= len(framed)

    def _append(self, camera: str | None, framed: bytes) -> None:
        self._waiting.append((camera, framed))
        self._waiting_bytes += len(framed)

    def _drop_waiting(self, camera: str) -> None:
        kept = deque(item for item in self._waiting if item[0] != camera)
        self.dropped += len(self._waiting) - len(kept)
        self._waiting = kept
        self._waiting_bytes = sum(len(framed) for _, framed in kept)
