"""Live views in the hub: one connection to the recorder, however many pages watch; bytes pass, no pixel is touched."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from ..clock import Clock
from ..errors import LinkClosed
from ..tasks import Tasks, back_off_s, unless
from .link import AsyncLink
from .messages import FromLive, LiveHeader, LivePiece, StreamEnd, Unview, View

logger = logging.getLogger(__name__)

# What a slow page may have waiting: some seconds of a busy stream. Then it misses pictures up to a keyframe.
_WAITING_BYTES = 3_000_000
# What is kept for a page that begins to watch: a GOP; a longer one is not worth waiting through.
_GOP_BYTES = 6_000_000
_LONGEST_WAIT_S = 5.0


class LiveView:
    """One page's view of one camera: an unending series of headers, pieces and ends."""

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.skipped = 0
        self._waiting: deque[FromLive] = deque()
        self._bytes = 0
        self._needs_key = False
        self._news = asyncio.Event()

    def put(self, message: FromLive) -> None:
        """Let a message wait; where too much waits, the page goes on at the next keyframe."""
        if isinstance(message, LivePiece):
            if self._bytes + len(message.data) > _WAITING_BYTES:
                self._drop()
            if self._needs_key and not message.is_key:
                self.skipped += 1
                return
            self._needs_key = False
            self._bytes += len(message.data)
        self._waiting.append(message)
        self._news.set()

    def _drop(self) -> None:
        kept = [one for one in self._waiting if not isinstance(one, LivePiece)]
        self.skipped += len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        self._bytes = 0
        self._needs_key = True

    async def __aiter__(self) -> AsyncIterator[FromLive]:
        """Yield what comes, for ever."""
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            message = self._waiting.popleft()
            if isinstance(message, LivePiece):
                self._bytes -= len(message.data)
            yield message


class _Shown:
    """One camera that is watched: who watches, and what a page that comes later begins with."""

    def __init__(self) -> None:
        self.views: set[LiveView] = set()
        self.header: LiveHeader | None = None
        self.gop: list[LivePiece] = []
        self.gop_bytes = 0

    def take(self, message: FromLive) -> None:
        """Keep what a later page needs and hand the message on."""
        if isinstance(message, LivePiece):
            if message.is_key:
                self.gop, self.gop_bytes = [], 0
            self.gop_bytes += len(message.data)
            if self.gop_bytes > _GOP_BYTES:
                self.gop = []
            elif self.gop or message.is_key:
                self.gop.append(message)
        else:
            self.header = message if isinstance(message, LiveHeader) else None
            self.gop, self.gop_bytes = [], 0
        for view in self.views:
            view.put(message)


class LiveViews:
    """Hand the recorder's fragments to pages. The connection comes back by itself when the recorder was replaced."""

    def __init__(self, packets: str, clock: Clock) -> None:
        self._packets = packets
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._link: AsyncLink[FromLive] | None = None
        self._is_watched = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def start(self, tasks: Tasks) -> None:
        """Connect whenever somebody watches."""
        tasks.start("live views", self._run)

    @contextmanager
    def view(self, camera: str) -> Iterator[LiveView]:
        """Watch a camera for the length of the block."""
        view = LiveView(camera)
        shown = self._shown.setdefault(camera, _Shown())
        is_first = not shown.views
        shown.views.add(view)
        if shown.header is not None:
            view.put(shown.header)
            for piece in shown.gop:
                view.put(piece)
        self._weigh()
        if is_first:
            self._say(View(camera=camera))
        try:
            yield view
        finally:
            shown.views.discard(view)
            if not shown.views and self._shown.get(camera) is shown:
                del self._shown[camera]
                self._say(Unview(camera=camera))
            self._weigh()

    @property
    def count(self) -> int:
        """Return how many views are open."""
        return sum(len(shown.views) for shown in self._shown.values())

    def _weigh(self) -> None:
        (self._is_watched.set if self._shown else self._is_watched.clear)()
        (self._is_idle.clear if self._shown else self._is_idle.set)()

    def _say(self, message: View | Unview) -> None:
        if self._link is None:
            return  # said when it connects
        try:
            self._link.post(message)
        except LinkClosed as err:
            logger.debug("the recorder's packets are away: %s", err)

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._is_watched.wait()
            try:
                reader, writer = await asyncio.open_unix_connection(self._packets)
            except OSError as err:
                failures += 1
                logger.debug("the recorder's packets are not there: %s", err)
                await self._clock.sleep(back_off_s(failures, 0.2, _LONGEST_WAIT_S))
                continue
            failures = 0
            self._link = AsyncLink(reader, writer, FromLive)
            try:
                # Nobody watches any more: the connection costs the recorder a place.
                await unless(self._is_idle, self._listen)
            finally:
                self._link.close()
                self._link = None
                for camera, shown in self._shown.items():
                    shown.take(StreamEnd(camera=camera))
            # A recorder that takes connections and drops them must not be asked without a pause.
            await self._clock.sleep(back_off_s(1, 0.2, _LONGEST_WAIT_S))

    async def _listen(self) -> None:
        assert self._link is not None
        try:
            for camera in self._shown:
                self._link.post(View(camera=camera))
            while True:
                for message in await self._link.receive():
                    if (shown := self._shown.get(message.camera)) is not None:
                        shown.take(message)
        except LinkClosed as err:
            logger.info("live views: %s", err)
