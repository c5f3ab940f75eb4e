"""Fills gaps: what was missed while a link was away is fetched from the camera's own card, one gap at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from .bus import Bus
from .card_recordings import KeepsRecordings, RecordedSpan, ReplaySource
from .clip_index import ClipIndex
from .clock import Clock
from .contracts import Camera
from .device_clocks import DeviceClocks
from .device_contracts import HasClock
from .errors import CameraLost, MediaError, NotSupported, StoreFailed
from .event_log import Committed
from .gap_book import Gap, GapBook
from .media.messages import FetchClip
from .media.supervisor import MediaSupervisor
from .settings import CameraSettings, Settings
from .tasks import Crash, Tasks, fenced
from .texts import Texts
from .types import Clip, Event, Json, new_id

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_EVERY_S = 10.0
# A link that has just come back often goes again; what is live comes first.
STABLE_S = 30.0
# The pre-roll of a clip hides shorter ones.
LEAST_S = 5.0
ASK_LIMIT_S = 30.0
# The recorder ends a fetch after twice its length and a minute; then it has died with it.
FETCH_FACTOR, FETCH_EXTRA_S = 2.0, 90.0
FIRST_WAIT_S, TRIES = 60.0, 5
# Pictures of the moments around tell that nothing is missing between.
MARGIN_S = 2.0


class HubParts(Protocol):
    """What is needed of the hub."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def clock(self) -> Clock: ...  # noqa: D102
    @property
    def texts(self) -> Texts: ...  # noqa: D102
    @property
    def bus(self) -> Bus: ...  # noqa: D102
    @property
    def gaps(self) -> GapBook: ...  # noqa: D102
    @property
    def clips(self) -> ClipIndex: ...  # noqa: D102
    @property
    def media(self) -> MediaSupervisor: ...  # noqa: D102
    @property
    def cameras(self) -> Mapping[str, Camera]: ...  # noqa: D102

    async def emit(self, event: Event) -> int: ...  # noqa: D102


class GapFilling:
    """Look for gaps that can be filled, and fill them. What was given up is tried again after a restart of the hub."""

    def __init__(self, hub: HubParts, clocks: DeviceClocks) -> None:
        self._hub = hub
        self._clocks = clocks
        self._tries: dict[int, _Tries] = {}

    def start(self, tasks: Tasks) -> None:
        """Begin; nothing runs where no camera asks for it."""
        if any(camera.record.fill_gaps for camera in self._hub.settings.cameras.values()):
            tasks.start("gaps from cards", self.run)

    async def run(self) -> None:
        """Fill for ever; a task of the hub."""
        while True:
            await self._hub.clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Try each gap that is due, the oldest first. StoreFailed."""
        now = self._hub.clock.now()
        since = now - timedelta(days=self._hub.settings.storage.keep_days)
        for gap in await self._hub.gaps.unfilled(since, LEAST_S, limit=1000):
            settings, camera = self._hub.settings.cameras.get(gap.camera), self._hub.cameras.get(gap.camera)
            if settings is None or not settings.record.fill_gaps or settings.record.mode == "off" or camera is None:
                continue
            tries = self._tries.setdefault(gap.number, _Tries())
            if tries.is_over or self._hub.clock.mono_s() < tries.next_mono_s or not await self._is_stable(gap.camera):
                continue
            await self._try(gap, settings, camera, tries)

    async def _is_stable(self, camera: str) -> bool:
        limit = self._hub.clock.now() - timedelta(seconds=STABLE_S)
        return not await self._hub.gaps.find(camera, limit, limit=1)

    async def _try(self, gap: Gap, settings: CameraSettings, camera: Camera, tries: _Tries) -> None:
        tries.count += 1
        outcome = await fenced(lambda: self._fill(gap, settings, camera))
        if not isinstance(outcome, Crash):
            self._tries.pop(gap.number, None)
            return
        if isinstance(outcome.error, StoreFailed):
            raise outcome.error
        reason = str(outcome.error) if isinstance(outcome.error, (CameraLost, MediaError)) else str(outcome)
        logger.warning("%s: gap %d is not filled: %s", gap.camera, gap.number, reason)
        tries.is_over = isinstance(outcome.error, NotSupported) or tries.count >= TRIES
        tries.next_mono_s = self._hub.clock.mono_s() + FIRST_WAIT_S * 2 ** (tries.count - 1)
        if tries.is_over:
            await self._tell("gap.given_up", gap, {"reason": reason})

    async def _fill(self, gap: Gap, settings: CameraSettings, camera: Camera) -> None:
        texts, key = self._hub.texts, f"gap:{gap.number}."
        known = await self._hub.clips.asked_by(key)
        if known:  # it was fetched, and the hub ended before it was noted
            await self._note(gap, known[0])
            return
        if not isinstance(camera, KeepsRecordings):
            raise NotSupported(texts("card.none"))
        begin, end = _wanted(gap, settings.record.fill_longest_s)
        offset = await self._offset(gap.camera, camera)
        spans = await self._within(lambda: camera.recordings(begin + offset, end + offset), gap.camera)
        span = _best(spans, begin + offset, end + offset)
        if span is None:
            raise MediaError(texts("card.nothing"))
        replay = await self._within(lambda: camera.replay(span.begin, span.end), gap.camera)
        seconds = (span.end - replay.begin).total_seconds()
        await self._note(gap, await self._fetch(gap.camera, key, replay, replay.begin - offset, seconds))

    async def _offset(self, camera_id: str, camera: Camera) -> timedelta:
        if not isinstance(camera, HasClock):
            return timedelta(0)
        return timedelta(seconds=await self._clocks.measure(camera_id, camera) or 0.0)

    async def _within(self, ask: Callable[[], Awaitable[T]], camera_id: str) -> T:
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                return await ask()
        except TimeoutError:
            words = self._hub.texts("hub.camera_silent", camera=camera_id, seconds=f"{ASK_LIMIT_S:g}")
            raise CameraLost(words) from None

    async def _fetch(self, camera_id: str, key: str, replay: ReplaySource, begin: datetime, seconds: float) -> Clip:
        order = FetchClip(
            clip=new_id(),
            key=key,
            camera=camera_id,
            source=replay.source,
            begin=begin,
            seconds=seconds,
            headers=replay.headers,
        )
        async with self._hub.bus.subscribe(Clip, Committed, name="gaps from cards") as news:
            self._hub.media.fetch(order)
            try:
                async with asyncio.timeout(seconds * FETCH_FACTOR + FETCH_EXTRA_S):
                    async for told in news:
                        if isinstance(told, Clip) and told.id == order.clip:
                            return told
                        if isinstance(told, Committed) and _is_failure(told.event, order.clip):
                            raise MediaError(str(told.event.data.get("reason", "")))
            except TimeoutError:
                pass
        raise MediaError(self._hub.texts("card.too_slow"))

    async def _note(self, gap: Gap, clip: Clip) -> None:
        await self._hub.gaps.mark_filled(gap.number, clip.id)
        seconds = round((clip.end - clip.start).total_seconds(), 1)
        await self._tell("gap.filled", gap, {"clip": clip.id, "seconds": seconds})

    async def _tell(self, kind: str, gap: Gap, data: dict[str, Json]) -> None:
        at, site = self._hub.clock.now(), self._hub.settings.site.id
        told: dict[str, Json] = {"gap": gap.number, **data}
        await self._hub.emit(Event(id=new_id(), site=site, kind=kind, at=at, camera=gap.camera, data=told))


class _Tries:
    """Count what was tried for one gap."""

    def __init__(self) -> None:
        self.count = 0
        self.next_mono_s = 0.0
        self.is_over = False


def _wanted(gap: Gap, longest_s: float) -> tuple[datetime, datetime]:
    """Return what to ask for: the gap with a little around, its beginning where it is too long."""
    assert gap.end is not None  # unfilled gaps have ended
    margin = timedelta(seconds=MARGIN_S)
    begin = gap.begin - margin
    return begin, min(gap.end + margin, begin + timedelta(seconds=longest_s))


def _best(spans: object, begin: datetime, end: datetime) -> RecordedSpan | None:
    """Return the longest stretch within the wanted time; spans that touch are one. A card's files end and begin so."""
    told = [one for one in spans if isinstance(one, RecordedSpan)] if isinstance(spans, (list, tuple)) else []
    joined: list[RecordedSpan] = []
    for one in sorted(told[:1000], key=lambda span: span.begin):
        cut = RecordedSpan(begin=max(one.begin, begin), end=min(one.end, end))
        if cut.end <= cut.begin:
            continue
        if joined and cut.begin - joined[-1].end <= timedelta(seconds=MARGIN_S):
            joined[-1] = RecordedSpan(begin=joined[-1].begin, end=max(joined[-1].end, cut.end))
        else:
            joined.append(cut)
    return max(joined, key=lambda span: span.end - span.begin, default=None)


def _is_failure(event: Event, clip: str) -> bool:
    return event.kind == "clip.failed" and event.data.get("clip") == clip
