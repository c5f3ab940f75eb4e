"""Keeps one plugin's process: asks it, replaces it when it dies or hangs, lets it rest when it keeps doing so."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import sys
import sysconfig
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..clock import Clock
from ..contracts import Services
from ..errors import CameraLost, PluginError, SiagaError
from ..health import HealthBook
from ..media.backoff import Backoff
from ..media.messages import Message
from ..media.supervisor_child import Child
from ..media.supervisor_report import MediaTuning, ProcessChange
from ..settings import CameraSettings
from ..tasks import Tasks, unless
from ..texts import Texts
from ..types import Json, Struct
from .calls import CALLS, SERVICES, error_of, packed, unpacked
from .messages import Answered, Asked, Begin, Call, Cancel, FromHost, Lent, MakeCamera, Offers
from .stand_in import StandIn

logger = logging.getLogger(__name__)

# Beats come each second. Five missed ones are a plugin that stands still: its cameras cannot be turned meanwhile.
HANG_S = 5.0
START_LIMIT_S = 30.0
# So many ends within so long, and the plugin rests; twice as long each time, until it has run well for an hour.
MOST_ENDS, WITHIN_S = 3, 600.0
FIRST_REST_S, LONGEST_REST_S, STEADY_S = 300.0, 3600.0, 3600.0
# What a camera plugin holds is small; one that grows beyond this leaks, and would take the whole machine along.
MOST_RSS_BYTES = 500_000_000
# More asked at once than this waits in the plugin's own process.
_MOST_ASKED = 64
_GRACE_S = 2.0
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<name>\S+)')
_STANDARD, _OWN = sysconfig.get_path("stdlib"), str(Path(__file__).parents[1])
_COMMAND = (sys.executable, "-m", "siaga.core.hosting.process")

Tell = Callable[[str, dict[str, Json]], Awaitable[None]]


class HostState(Struct):
    """Say how a plugin's process is. ``rests_until``: it is in quarantine; ``reason`` says why."""

    plugin: str
    state: Literal["starting", "ok", "lost", "rests"]
    reason: str = ""
    restarts: int = 0
    rests_until: datetime | None = None
    cameras: tuple[str, ...] = ()


class Keeper:
    """Own one plugin's process. ``on_back`` is told the cameras that are to be started anew."""

    def __init__(
        self,
        plugin: str,
        begin: Begin,
        *,
        clock: Clock,
        texts: Texts,
        health: HealthBook,
        tell: Tell,
        on_back: Callable[[str], None],
        tuning: MediaTuning | None = None,
    ) -> None:
        self.plugin = plugin
        self._begin = begin
        self._clock = clock
        self._texts = texts
        self._health = health
        self._tell = tell
        self._on_back = on_back
        self._orders: dict[str, MakeCamera] = {}
        self._stand_ins: dict[str, StandIn] = {}
        self._services: dict[str, Services] = {}
        self._waiting: dict[int, asyncio.Future[Answered]] = {}
        self._numbers = itertools.count(1)
        self._ends: deque[float] = deque(maxlen=MOST_ENDS)
        self._backoff = Backoff(0.5, 10.0)
        self._rest_s = FIRST_REST_S
        self._rests_until: datetime | None = None
        self._reason = ""
        self._has_run = False
        self._wake = asyncio.Event()
        self._asked = asyncio.Semaphore(_MOST_ASKED)
        self._tasks = Tasks(clock)
        self._ready = asyncio.Event()
        command = (*_COMMAND, "--plugin", plugin, "--folder", begin.folder, "--language", texts.language)
        self._child = Child(
            f"plugin {plugin}",
            command,
            FromHost,
            hear=self._hear,
            greet=lambda _: [self._begin, *self._orders.values()],
            clock=clock,
            tuning=tuning or MediaTuning(hang_s=HANG_S, start_limit_s=START_LIMIT_S),
            rest=self._rest,
        )

    @property
    def state(self) -> HostState:
        """Return how the process is now."""
        rests = self._rests_until is not None
        state: Literal["starting", "ok", "lost", "rests"] = (
            "rests" if rests else "ok" if self._ready.is_set() else "lost" if self._has_run else "starting"
        )
        return HostState(
            plugin=self.plugin,
            state=state,
            reason=self._reason,
            restarts=self._child.restarts,
            rests_until=self._rests_until,
            cameras=tuple(self._orders),
        )

    def camera(self, settings: CameraSettings, services: Services) -> StandIn:
        """Return a stand-in for a camera of this plugin; the process makes the real one when it starts."""
        order = MakeCamera(settings=msgspec.structs.replace(settings, options={}))
        self._orders[settings.id], self._services[settings.id] = order, services
        stand_in = self._stand_ins[settings.id] = StandIn(settings.id, self._ask)
        return stand_in

    def start(self, tasks: Tasks) -> None:
        """Keep the process from now on."""
        self._tasks = tasks.scope(f"plugin {self.plugin}")
        self._child.start(self._tasks)
        self._tasks.start("changes", self._follow)

    def release(self) -> None:
        """End a rest before its time."""
        self._wake.set()

    async def stop(self, limit_s: float) -> bool:
        """End the process; say whether it went by itself."""
        self._child.ask_to_stop()
        self._wake.set()
        return await self._child.ended(limit_s)

    # --- what the hub asks ----------------------------------------------------------------------

    async def _ask(self, camera: str, what: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        types = CALLS[what]
        if what == "stop" and not self._child.is_up:
            return None  # it took its cameras with it
        if self._rests_until is not None:
            raise CameraLost(self._texts("host.rests", plugin=self.plugin, reason=self._reason))
        try:
            async with asyncio.timeout(None if types.limit_s is None else types.limit_s + _GRACE_S):
                await self._ready.wait()
                return await self._answer(camera, what, arguments)
        except TimeoutError:
            words = self._texts("host.late", plugin=self.plugin, what=what, seconds=f"{types.limit_s:g}")
            raise CameraLost(words) from None

    async def _answer(self, camera: str, what: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        number = next(self._numbers)
        waiting: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            if not self._child.post(Call(number=number, camera=camera, what=what, arguments=packed(arguments))):
                raise self._gone()
            answered = await waiting
        except asyncio.CancelledError:
            self._child.post(Cancel(number=number))
            raise
        finally:
            self._waiting.pop(number, None)
        if answered.error:
            raise error_of(answered.error, answered.words)
        try:
            return unpacked(answered.value, CALLS[what].answer)
        except msgspec.MsgspecError as err:
            raise PluginError(f"{self.plugin}: {what}: {err}") from None

    def _gone(self) -> SiagaError:
        return CameraLost(self._texts("host.gone", plugin=self.plugin, reason=self._reason or "-"))

    # --- what the process says ------------------------------------------------------------------

    def _hear(self, child: Child, message: Message) -> None:
        if isinstance(message, Answered):
            waiting = self._waiting.get(message.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif isinstance(message, Offers) and message.camera in self._stand_ins:
            self._stand_ins[message.camera].take_offers(message.calls)
        elif isinstance(message, Asked):
            self._tasks.start(f"asks {message.what}", lambda: self._lend(message), restart=False)
        elif child.beat is not None and child.beat.rss_bytes > MOST_RSS_BYTES:
            megabytes = round(child.beat.rss_bytes / 1e6)
            child.replace(self._texts("host.too_large", megabytes=megabytes))

    async def _lend(self, asked: Asked) -> None:
        async with self._asked:
            try:
                value = await self._lent(asked)
                lent = Lent(number=asked.number, value=packed(value))
            except (SiagaError, msgspec.MsgspecError, KeyError, TypeError) as err:
                lent = Lent(number=asked.number, error=str(err) or type(err).__name__)
        self._child.post(lent)

    async def _lent(self, asked: Asked) -> Any:  # noqa: ANN401
        services = self._services[asked.camera]
        arguments = unpacked(asked.arguments, SERVICES[asked.what].arguments)
        if asked.what == "emit":
            kind, zone, score, data = arguments
            return await services.emit(kind, zone=zone, score=score, data=data)
        if asked.what == "remember":
            return await services.remember(*arguments)
        return await (services.recall if asked.what == "recall" else services.clip)(*arguments)

    # --- its life -------------------------------------------------------------------------------

    async def _follow(self) -> None:
        part = f"plugin {self.plugin}"
        while True:
            change = await self._child.inbox.get()
            if not isinstance(change, ProcessChange):
                continue
            if change.what == "started":
                self._health.set(part, "ok")
                self._ready.set()
                if self._has_run:
                    for camera in self._orders:
                        self._on_back(camera)
                self._has_run = True
                continue
            if self._rests_until is None:
                self._health.set(part, "lost", self._reason)
            await self._tell("plugin.restarted", {"plugin": self.plugin, "reason": self._reason})

    async def _rest(self, change: ProcessChange, ran_s: float) -> None:
        """Wait before the next start: a moment, or, after the third end in ten minutes, a long while."""
        self._ready.clear()
        self._reason = self._why(change)
        for waiting in self._waiting.values():
            if not waiting.done():
                gone = self._gone()
                waiting.set_result(Answered(number=0, error=type(gone).__name__, words=str(gone)))
        now_s = self._clock.mono_s()
        if ran_s >= STEADY_S:
            self._rest_s = FIRST_REST_S
        self._ends.append(now_s)
        if len(self._ends) < MOST_ENDS or now_s - self._ends[0] > WITHIN_S:
            await self._clock.sleep(self._backoff.wait_s(ran_s))
            return
        self._ends.clear()
        await self._quarantine()

    async def _quarantine(self) -> None:
        self._rests_until = self._clock.now() + timedelta(seconds=self._rest_s)
        self._wake.clear()
        self._health.set(f"plugin {self.plugin}", "off", self._texts("host.health_rests", reason=self._reason))
        logger.error("plugin %s rests for %.0f s: %s", self.plugin, self._rest_s, self._reason)
        data: dict[str, Json] = {"plugin": self.plugin, "reason": self._reason, "wait_s": self._rest_s}
        await self._tell("plugin.quarantined", data)
        await unless(self._wake, lambda: self._clock.sleep(self._rest_s))
        self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)
        self._rests_until = None

    def _why(self, change: ProcessChange) -> str:
        """Say how the process ended, and where a loop that stood still stood."""
        if change.what != "hung":
            return self._texts("host.died", detail=change.detail)
        frames = [match for line in self._child.last_lines if (match := _FRAME.search(line))]
        own = [match for match in frames if not _is_library(match["file"])]
        where = f"{Path(own[0]['file']).name}:{own[0]['line']} ({own[0]['name']})" if own else "?"
        return self._texts("host.hung", seconds=f"{HANG_S:g}", where=where)


def _is_library(file: str) -> bool:
    """Say whether a line is Python's or Siaga's own, and not the plugin's."""
    is_standard = file.startswith(_STANDARD) and "/site-packages/" not in file
    return is_standard or file.startswith(_OWN) or "/site-packages/aiohttp/" in file
