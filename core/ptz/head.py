"""Speaks to the motor of one camera: one command after the other, each bounded, a stop before all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..contracts import Ptz
from ..errors import ActionFailed, CameraLost, NotSupported, PluginError, SiagaError
from ..tasks import Crash, Tasks, fenced, fenced_call, unless
from ..texts import Texts

logger = logging.getLogger(__name__)
T = TypeVar("T")

CALL_LIMIT_S = 10.0
# Where it looks is asked beside the commands, and may not hold up what looks.
LOOK_LIMIT_S = 3.0
# Behind a camera that hangs nobody queues for a minute.
MOST_WAITING = 4


class CutOff(ActionFailed):
    """Say that a command was cut off: by a stop, or by somebody who took the camera."""


class Head:
    """Give one camera its commands. Errors: those of ``Ptz``; PluginError where its plugin is broken."""

    def __init__(self, camera: str, find: Callable[[], Ptz | None], *, tasks: Tasks, texts: Texts) -> None:
        self._camera = camera
        self._find = find
        self._tasks = tasks
        self._texts = texts
        self._lock = asyncio.Lock()
        self._cut = asyncio.Event()
        self._waiting = 0
        self.cuts = 0

    @property
    def ptz(self) -> Ptz | None:
        """Return the camera's own PTZ; None where it cannot turn, or its plugin does not say."""
        found = fenced_call(self._find)
        return None if isinstance(found, Crash) else found

    async def ask(self, work: Callable[[Ptz], Awaitable[T]]) -> T:
        """Give a command when those before it are done; CutOff when a stop came first."""
        if self._waiting >= MOST_WAITING:
            raise ActionFailed(self._texts("ptz.busy", camera=self._camera))
        cut = self._cut
        self._waiting += 1
        try:
            async with self._lock:
                return await self._bounded(work, CALL_LIMIT_S, cut)
        finally:
            self._waiting -= 1

    async def look(self, work: Callable[[Ptz], Awaitable[T]]) -> T:
        """Ask something that moves nothing, beside the commands."""
        return await self._bounded(work, LOOK_LIMIT_S, asyncio.Event())

    async def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn for some seconds. Whatever else ends this early, a stop is sent: no camera turns on by itself."""
        is_over = False
        try:
            await self.ask(lambda ptz: ptz.move(pan, tilt, zoom, seconds))
            is_over = True
        except CutOff:
            is_over = True  # another command follows, and must not be stopped by ours
            raise
        finally:
            if not is_over:
                self._tasks.start(f"ptz {self._camera}: stop", self._stop_anyway, restart=False)

    async def stop(self) -> None:
        """Stand still at once: what is under way or waits is cut off."""
        self.cut_off()
        await self._bounded(lambda ptz: ptz.stop(), CALL_LIMIT_S, asyncio.Event())

    def cut_off(self) -> None:
        """Cut off what is under way or waits: somebody else has the camera now."""
        self.cuts += 1
        self._cut.set()
        self._cut = asyncio.Event()

    def cut_error(self) -> CutOff:
        """Return what is said to whom a stop or somebody else came before."""
        return CutOff(self._texts("ptz.cut_off", camera=self._camera))

    async def _stop_anyway(self) -> None:
        # In its turn: one that comes late would stop the command after it.
        try:
            await self.ask(lambda ptz: ptz.stop())
        except SiagaError as err:
            logger.warning("camera %s: a move was cut off, and the stop after it failed: %s", self._camera, err)

    async def _bounded(self, work: Callable[[Ptz], Awaitable[T]], limit_s: float, cut: asyncio.Event) -> T:
        ptz = self.ptz
        if ptz is None:
            raise NotSupported(self._texts("ptz.none", camera=self._camera))
        answers: list[T | Crash] = []

        async def run() -> None:
            answers.append(await fenced(lambda: work(ptz)))

        try:
            async with asyncio.timeout(limit_s):
                is_whole = not cut.is_set() and await unless(cut, run)
        except TimeoutError:
            raise CameraLost(self._texts("ptz.late", camera=self._camera, seconds=f"{limit_s:g}")) from None
        if not is_whole:
            raise self.cut_error()
        return self._said(answers[0])

    def _said(self, answer: T | Crash) -> T:
        if not isinstance(answer, Crash):
            return answer
        if isinstance(answer.error, SiagaError):
            raise answer.error
        if isinstance(answer.error, TimeoutError | OSError):
            raise CameraLost(self._texts("ptz.lost", camera=self._camera)) from answer.error
        logger.error("camera %s: its plugin failed: %s", self._camera, answer, exc_info=answer.error)
        name = type(answer.error).__name__
        raise PluginError(self._texts("ptz.broken", camera=self._camera, error=name)) from answer.error
