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
from pathlib import Path

from ..errors import LinkClosed
from .link import frame
from .live_feed import LiveFeed
from .messages import StreamEnd, StreamHeader, StreamPacket, ToPackets, Unview, Unwatch, Urge, View, Watch
from .packet_queue import PacketQueue
from .ring import MAX_GOP_UNITS, AccessUnit, StreamConfig

logger = logging.getLogger(__name__)

_MAX_EYES = 64
# How long packets gather. An eye sees a picture half of this later on average; at 25 ms the sending alone costs
# a third of what reading does.
_TICK_S = 0.04
# The same while nobody waits for pictures. Several wake an eye once, and find its code and tables still near.
_CALM_TICK_S = 0.25
# Without packets for so many ticks the thread sleeps until one comes.
_REST_TICKS = 50
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
        self._eyes: set[PacketQueue] = set()
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
            for key, events in self._selector.select(self._wait_s()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake_read:
                    with contextlib.suppress(OSError):
                        self._wake_read.recv(4096)
                elif isinstance(key.data, PacketQueue):
                    self._serve(key.data, events)
            quiet_ticks = 0 if self._gathered else quiet_ticks + 1
            self._send_gathered()
            self._is_ticking = quiet_ticks < _REST_TICKS
            if not self._is_ticking and self._gathered:
                self._is_ticking = True  # it came while the thread lay down
        for eye in list(self._eyes):
            self._forget(eye)
        self._listener.close()

    def _wait_s(self) -> float | None:
        if not self._is_ticking:
            return None
        with self._lock:
            return _TICK_S if any(feed.is_urgent for feed in self._feeds.values()) else _CALM_TICK_S

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
        eye = PacketQueue(sock)
        self._eyes.add(eye)
        self._selector.register(sock, selectors.EVENT_READ, eye)

    def _serve(self, eye: PacketQueue, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                for message in eye.receive():
                    self._obey(eye, message)
            if events & selectors.EVENT_WRITE and eye.flush():
                self._selector.modify(eye.sock, selectors.EVENT_READ, eye)
        except LinkClosed:
            self._forget(eye)

    def _obey(self, eye: PacketQueue, message: ToPackets) -> None:
        feed = self.feed(message.camera)
        if isinstance(message, Watch):
            feed.add(eye)
        elif isinstance(message, Unwatch):
            feed.remove(eye)
        elif isinstance(message, View):
            feed.view(eye)
        elif isinstance(message, Unview):
            feed.unview(eye)
        elif isinstance(message, Urge):
            feed.urge(eye, is_urgent=message.is_urgent)

    def _forget(self, eye: PacketQueue) -> None:
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
        self._eyes: list[PacketQueue] = []
        self._calm: set[PacketQueue] = set()
        self.is_urgent = False  # read by the camera's reader too
        self._header: bytes | None = None
        self._is_ended = True
        self._gop: list[AccessUnit] = []
        self._gop_bytes = 0
        self._live = LiveFeed(camera)

    def open(self, config: StreamConfig) -> None:
        """Tell a new codec or size; what came before is of no use. Any thread may call it."""
        self._gather(partial(self._open, config))

    def pass_on(self, unit: AccessUnit) -> None:
        """Send a unit to every eye that watches. Any thread may call it."""
        self._gather(partial(self._pass_on, unit))

    def end(self) -> None:
        """Tell that the stream is lost; the next keyframe comes behind a header again. Any thread may call it."""
        self._gather(self._end)

    def add(self, eye: PacketQueue) -> None:
        """Begin with the header and the open GOP, so that an eye sees at once."""
        if eye in self._eyes:
            return
        self._eyes.append(eye)
        self.is_urgent = True
        if self._header is None or self._is_ended:
            return
        eye.put_word(self._header)
        eye.wait_for_key(self._camera)
        for unit in self._gop:
            eye.put(self._camera, self._frame(unit), unit.is_key)

    def remove(self, eye: PacketQueue) -> None:
        """Send this eye no more."""
        self.unview(eye)
        if eye in self._eyes:
            self._eyes.remove(eye)
            self.urge(eye, is_urgent=True)

    def view(self, viewer: PacketQueue) -> None:
        """Show the stream live, from the open GOP on."""
        self._live.add(viewer, () if self._is_ended else self._gop)
        self._weigh()

    def unview(self, viewer: PacketQueue) -> None:
        """Show it no more."""
        self._live.remove(viewer)
        self._weigh()

    def urge(self, eye: PacketQueue, *, is_urgent: bool) -> None:
        """Say whether this eye waits for the pictures."""
        (self._calm.discard if is_urgent else self._calm.add)(eye)
        self._weigh()

    def _weigh(self) -> None:
        self.is_urgent = self._live.has_viewers or any(one not in self._calm for one in self._eyes)

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
        self._live.open(config)

    def _pass_on(self, unit: AccessUnit) -> None:
        if self._header is None or (self._is_ended and not unit.is_key):
            return
        if self._is_ended:
            self._is_ended = False
            for eye in self._eyes:
                eye.put_word(self._header)
        self._keep(unit)
        self._live.take(unit)
        if self._eyes:
            framed = self._frame(unit)
            for eye in self._eyes:
                eye.put(self._camera, framed, unit.is_key)

    def _end(self) -> None:
        self._gop = []
        if self._is_ended:
            return
        self._is_ended = True
        self._live.end()
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
