"""How much of a weak network a camera may take: which step it stands on, when it steps down, and when up again."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from .clock import Clock
from .contracts import Camera, StreamSource
from .device_contracts import TakesSnapshots
from .media.supervisor import MediaSupervisor
from .picture_relay import PictureRelay
from .settings import CameraSettings
from .tasks import Crash, Tasks, fenced
from .types import Event, Json, new_id

logger = logging.getLogger(__name__)

# Three losses in ten minutes are not a hiccup but a network that cannot carry this.
LOSSES, WITHIN_S = 3, 600.0
# After so long without a loss a step up is tried; after a try that failed, twice as long, to an hour at most.
FIRST_QUIET_S, LONGEST_QUIET_S = 600.0, 3600.0
LOOK_EVERY_S = 5.0
# Pictures that come so much later than they were made, at two looks, because the link is full: it will not get better
# by waiting, and an alert may not be late by that much.
BEHIND_S, BEHIND_LOOKS = 3.0, 2
_PICTURE_LIMIT_S = 12.0


class Ladder:
    """Decide on which of some steps a camera stands, the dearest first; pure, so that time is told to it."""

    def __init__(self, steps: Sequence[str], now_s: float) -> None:
        self.steps = tuple(steps)
        self._at = 0
        self._losses: deque[float] = deque(maxlen=LOSSES)
        self._quiet_s = FIRST_QUIET_S
        self._moved_s = self._lost_s = now_s
        self._is_trying = False

    @property
    def step(self) -> str:
        """Return the step it stands on."""
        return self.steps[self._at]

    def lose(self, now_s: float) -> bool:
        """Take a loss of the stream; say whether that was one too many, and it stands a step lower now."""
        self._lost_s = now_s
        self._losses.append(now_s)
        is_weak = len(self._losses) == LOSSES and now_s - self._losses[0] <= WITHIN_S
        return is_weak and self._step_down(now_s)

    def fall_behind(self, now_s: float) -> bool:
        """Take that the link carries less than the step needs; say whether it stands a step lower now."""
        self._lost_s = now_s
        return self._step_down(now_s)

    def _step_down(self, now_s: float) -> bool:
        if self._at == len(self.steps) - 1:
            return False
        if self._is_trying:
            self._quiet_s = min(LONGEST_QUIET_S, 2 * self._quiet_s)
        self._move(1, now_s)
        self._is_trying = False
        return True

    def look(self, now_s: float) -> bool:
        """Say whether it was quiet for so long that it stands a step higher now."""
        if self._is_trying and now_s - self._moved_s >= WITHIN_S and now_s - self._lost_s >= WITHIN_S:
            # The try has held: the next weakness begins with the short wait again.
            self._is_trying, self._quiet_s = False, FIRST_QUIET_S
        if self._at == 0 or now_s - max(self._moved_s, self._lost_s) < self._quiet_s:
            return False
        self._move(-1, now_s)
        self._is_trying = True
        return True

    def _move(self, by: int, now_s: float) -> None:
        self._at += by
        self._moved_s = now_s
        self._losses.clear()


class _Followed:
    def __init__(self, settings: CameraSettings, camera: Camera, sources: Sequence[StreamSource], now_s: float) -> None:
        self.settings = settings
        self.camera = camera
        self.sources = tuple(sources)
        steps = ["full"]
        if any(source.role == "sub" for source in sources):
            steps.append("sub")
        if all(source.url.startswith("rtsp") for source in sources):
            steps.append("keyframes")
        if isinstance(camera, TakesSnapshots):
            steps.append("snapshot")
        mode = settings.bandwidth.mode
        self.ladder = Ladder(steps if mode == "auto" else [mode if mode in steps else "full"], now_s)
        self.losses = self.late_looks = 0
        self.relay = PictureRelay()

    def is_same(self, camera: Camera, sources: Sequence[StreamSource]) -> bool:
        """Say whether a camera that was started again is read as before: its step stands."""
        return self.camera is camera and self.sources == tuple(sources)


class Bandwidth:
    """Hold every camera's step, and give the recorder what belongs to it."""

    def __init__(
        self, site: str, *, clock: Clock, media: MediaSupervisor, emit: Callable[[Event], Awaitable[int]]
    ) -> None:
        self._site = site
        self._clock = clock
        self._media = media
        self._emit = emit
        self._followed: dict[str, _Followed] = {}
        self._tasks: Tasks | None = None

    def start(self, tasks: Tasks) -> None:
        """Watch the streams, and fetch the pictures of those that are down to pictures."""
        self._tasks = tasks.scope("bandwidth")
        self._tasks.start("watch", self._watch)

    @property
    def steps(self) -> Mapping[str, str]:
        """Return the step of each camera that was opened."""
        return {camera: one.ladder.step for camera, one in self._followed.items()}

    async def opened(
        self, settings: CameraSettings, camera: Camera, sources: Sequence[StreamSource]
    ) -> tuple[StreamSource, ...]:
        """Take a camera that was started; return what is read of it now."""
        before = self._followed.get(settings.id)
        if before is not None and before.is_same(camera, sources):
            return await self._sources(before)
        if before is not None:
            await before.relay.close()
        one = self._followed[settings.id] = _Followed(settings, camera, sources, self._clock.mono_s())
        return await self._sources(one)

    async def look(self) -> None:
        """Look at every stream once, and move those that should."""
        now_s = self._clock.mono_s()
        for camera_id, one in self._followed.items():
            reports = [self._media.stream(camera_id, role) for role in ("main", "sub")]
            losses = sum(report.losses for report in reports if report is not None)
            has_lost, one.losses = losses > one.losses, losses
            is_late = any(one is not None and one.is_link_full and one.lag_s >= BEHIND_S for one in reports)
            one.late_looks = one.late_looks + 1 if is_late else 0
            before, why = one.ladder.step, "weak" if has_lost else "behind" if is_late else "quiet"
            if has_lost:
                has_moved = one.ladder.lose(now_s)
            elif is_late:
                has_moved = one.late_looks >= BEHIND_LOOKS and one.ladder.fall_behind(now_s)
            else:
                has_moved = one.ladder.look(now_s)
            if has_moved:
                await self._move(one, before, why)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def _move(self, one: _Followed, before: str, why: str) -> None:
        camera_id, step = one.settings.id, one.ladder.step
        logger.info("camera %s: bandwidth %s -> %s (%s)", camera_id, before, step, why)
        sources = await self._sources(one)
        one.losses = one.late_looks = 0
        await self._media.open_camera(one.settings, sources)
        data: dict[str, Json] = {"step": step, "from": before, "why": why}
        at = self._clock.now()
        await self._emit(
            Event(id=new_id(), site=self._site, kind="camera.bandwidth", at=at, camera=camera_id, data=data)
        )

    async def _sources(self, one: _Followed) -> tuple[StreamSource, ...]:
        step = one.ladder.step
        if step == "snapshot":
            await one.relay.open()
            if self._tasks is not None:
                self._tasks.start(f"pictures of {one.settings.id}", self._fetcher(one))
            return (one.relay.source(),)
        await one.relay.close()
        if step == "sub":
            # The one stream that is left serves both.
            return tuple(msgspec.structs.replace(s, role="main") for s in one.sources if s.role == "sub")
        if step == "keyframes":
            small = min(one.sources, key=lambda source: source.role == "main")
            return (msgspec.structs.replace(small, role="main", keyframe_every_s=one.settings.bandwidth.every_s),)
        return one.sources

    def _fetcher(self, one: _Followed) -> Callable[[], Awaitable[None]]:
        async def fetch() -> None:
            camera = one.camera
            while one.ladder.step == "snapshot" and self._followed.get(one.settings.id) is one:
                picture = await self._picture(camera) if isinstance(camera, TakesSnapshots) else b""
                if picture:
                    await one.relay.show(picture)
                else:
                    one.relay.fall_silent()
                await self._clock.sleep(one.settings.bandwidth.every_s)

        return fetch

    async def _picture(self, camera: TakesSnapshots) -> bytes:
        try:
            async with asyncio.timeout(_PICTURE_LIMIT_S):
                answer = await fenced(camera.snapshot)
        except TimeoutError:
            return b""
        return answer if not isinstance(answer, Crash) and answer[:2] == b"\xff\xd8" else b""
