"""Passes encoded packets on to the eyes over a Unix socket; a slow eye loses whole GOPs and holds up nobody.

Readers only lay their packets down; one thread frames and sends what has gathered, some twenty-five times a
second: with many cameras that is one system call, and one awakening of the eye, for several packets instead of
one for each. Feeds and eyes belong to that thread alone and need no locks.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from ..errors import LinkClosed
from .link import Unframer, frame
from .messages import StreamEnd, StreamHeader, StreamPacket, ToPackets, Unwatch, Watch
from .ring import MAX_GOP_UNITS, AccessUnit, StreamConfig

logger = logging.getLogger(__name__)

# Two seconds of ten busy cameras. An eye that is further behind than that sees the past.
_QUEUE_BYTES = 4_000_000
_SEND_BUFFER_BYTES = 1 << 20
_MAX_EYES = 64
# How long packets gather. An eye sees a picture half of this later on average; at 25 ms the sending alone costs
# a third of what reading does.
_TICK_S = 0.04
# Without packets for so long the thread sleeps until one comes.
_REST_TICKS = 50
# The system takes 1,024 pieces in one call.
_MAX_PIECES = 256
# Minutes of fifty cameras: so much gathers only when the thread stands still.
_MAX_GATHERED = 50_000
# A keyframe and what follows it, kept for who begins to watch: no GOP of a camera is larger.
_GOP_BYTES = 8_000_000


class PacketServer:
    """Listen for eyes and know which eye watches which camera."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._feeds: dict[str, Feed] = {}
        self._gathered: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(_MAX_EYES)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._eyes: set[_Eye] = set()
        self._dropped_by_gone = 0
        self._is_closed = False
        self._is_ticking = False

    def start(self) -> None:
        """Serve in a thread of its own until closed."""
        threading.Thread(target=self._run, name="packets", daemon=True).start()

    def close(self) -> None:
        """End; the eyes see their connection close."""
        self._is_closed = True
        self._wake()

    @property
    def dropped(self) -> int:
        """Return how many packets eyes have missed because they were slow."""
        return self._dropped_by_gone + sum(eye.dropped for eye in list(self._eyes))

    def feed(self, camera: str) -> Feed:
        """Return the feed of a camera; an eye may watch it before the camera is there."""
        with self._lock:
            return self._feeds.setdefault(camera, Feed(camera, self._gather))

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: the thread is awake already
            self._wake_write.send(b"\0")

    def _run(self) -> None:
        quiet_ticks = 0
        while not self._is_closed:
            for key, events in self._selector.select(_TICK_S if self._is_ticking else None):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake_read:
                    with contextlib.suppress(OSError):
                        self._wake_read.recv(4096)
                elif isinstance(key.data, _Eye):
                    self._serve(key.data, events)
            quiet_ticks = 0 if self._gathered else quiet_ticks + 1
            self._send_gathered()
            self._is_ticking = quiet_ticks < _REST_TICKS
            if not self._is_ticking and self._gathered:
                self._is_ticking = True  # it came while the thread lay down
        for eye in list(self._eyes):
            self._forget(eye)
        self._listener.close()

    def _send_gathered(self) -> None:
        while self._gathered:
            self._gathered.popleft()()
        for eye in list(self._eyes):
            if eye.is_full or not eye.has_waiting:
                continue
            try:
                if not eye.flush():
                    self._selector.modify(eye.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, eye)
            except LinkClosed:
                self._forget(eye)

    def _gather(self, job: Callable[[], None]) -> None:
        """Have a feed's job done at the next tick; any thread may call it."""
        if len(self._gathered) >= _MAX_GATHERED:
            self._dropped_by_gone += 1
            return
        self._gathered.append(job)
        if not self._is_ticking:
            self._wake()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return  # gone before it was accepted
        if len(self._eyes) >= _MAX_EYES:
            sock.close()
            return
        eye = _Eye(sock)
        self._eyes.add(eye)
        self._selector.register(sock, selectors.EVENT_READ, eye)

    def _serve(self, eye: _Eye, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                for message in eye.receive():
                    self._obey(eye, message)
            if events & selectors.EVENT_WRITE and eye.flush():
                self._selector.modify(eye.sock, selectors.EVENT_READ, eye)
        except LinkClosed:
            self._forget(eye)

    def _obey(self, eye: _Eye, message: ToPackets) -> None:
        feed = self.feed(message.camera)
        if isinstance(message, Watch):
            feed.add(eye)
        elif isinstance(message, Unwatch):
            feed.remove(eye)

    def _forget(self, eye: _Eye) -> None:
        with self._lock:
            feeds = list(self._feeds.values())
        for feed in feeds:
            feed.remove(eye)
        self._eyes.discard(eye)
        self._dropped_by_gone += eye.dropped
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(eye.sock)
        eye.sock.close()


class Feed:
    """Pass one camera's analysed stream on; keeps the open GOP for those who begin to watch."""

    def __init__(self, camera: str, gather: Callable[[Callable[[], None]], None]) -> None:
        self._camera = camera
        self._gather = gather
        self._eyes: list[_Eye] = []
        self._header: bytes | None = None
        self._is_ended = True
        self._gop: list[AccessUnit] = []
        self._gop_bytes = 0

    def open(self, config: StreamConfig) -> None:
        """Tell a new codec or size; what came before is of no use. Any thread may call it."""
        self._gather(partial(self._open, config))

    def pass_on(self, unit: AccessUnit) -> None:
        """Send a unit to every eye that watches. Any thread may call it."""
        self._gather(partial(self._pass_on, unit))

    def end(self) -> None:
        """Tell that the stream is lost; the next keyframe comes behind a header again. Any thread may call it."""
        self._gather(self._end)

    def add(self, eye: _Eye) -> None:
        """Begin with the header and the open GOP, so that an eye sees at once."""
        if eye in self._eyes:
            return
        self._eyes.append(eye)
        if self._header is None or self._is_ended:
            return
        eye.put_word(self._header)
        eye.wait_for_key(self._camera)
        for unit in self._gop:
            eye.put(self._camera, self._frame(unit), unit.is_key)

    def remove(self, eye: _Eye) -> None:
        """Send this eye no more."""
        if eye in self._eyes:
            self._eyes.remove(eye)

    def _open(self, config: StreamConfig) -> None:
        self._header = frame(
            StreamHeader(
                camera=self._camera,
                codec=config.codec,
                extradata=config.extradata,
                width=config.width,
                height=config.height,
            )
        )
        self._gop = []
        self._is_ended = True  # the header goes out with the next keyframe

    def _pass_on(self, unit: AccessUnit) -> None:
        if self._header is None or (self._is_ended and not unit.is_key):
            return
        if self._is_ended:
            self._is_ended = False
            for eye in self._eyes:
                eye.put_word(self._header)
        self._keep(unit)
        if self._eyes:
            framed = self._frame(unit)
            for eye in self._eyes:
                eye.put(self._camera, framed, unit.is_key)

    def _end(self) -> None:
        self._gop = []
        if self._is_ended:
            return
        self._is_ended = True
        word = frame(StreamEnd(camera=self._camera))
        for eye in self._eyes:
            eye.put_word(word)

    def _keep(self, unit: AccessUnit) -> None:
        if unit.is_key:
            self._gop, self._gop_bytes = [], 0
        self._gop_bytes += len(unit.data)
        if len(self._gop) >= MAX_GOP_UNITS or self._gop_bytes > _GOP_BYTES:
            self._gop = []  # who comes now waits for a keyframe
        elif unit.is_key or self._gop:
            self._gop.append(unit)

    def _frame(self, unit: AccessUnit) -> bytes:
        return frame(
            StreamPacket(
                camera=self._camera,
                pts_s=unit.pts_s,
                is_key=unit.is_key,
                at_s=unit.at_s,
                arrived_mono_s=unit.arrived_mono_s,
                data=unit.data,
            )
        )


class _Eye:
    """One eye's connection and what still waits for it, bounded in bytes."""

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
