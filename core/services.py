"""What the hub lends to one plugin object: its own memory, its own tasks, a shared HTTP session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .clock import Clock
from .errors import PluginError
from .flood_gate import SLOW_DOWN_S, FloodGate
from .memory import Memory
from .settings import SiteSettings
from .tasks import TaskHandle, Tasks
from .texts import Texts
from .types import Clip, Event, Json, Struct, new_id

if TYPE_CHECKING:
    import aiohttp

# A camera has a handful of tasks; hundreds are one started for each message and never ended.
MOST_TASKS = 200


class Lent(Struct):
    """Hold what every plugin object shares."""

    site: SiteSettings
    clock: Clock
    texts: Texts
    tasks: Tasks
    memory: Memory
    folder: Path
    storage: Path
    emit: Callable[[Event], Awaitable[int]]
    http: Callable[[], aiohttp.ClientSession]
    clip: Callable[[str], Awaitable[Clip | None]]


class PluginServices:
    """Fulfil ``contracts.Services`` for one camera or notifier."""

    def __init__(self, lent: Lent, owner: str, camera: str | None = None) -> None:
        self.site = lent.site
        self.clock = lent.clock
        self.texts = lent.texts
        self.folder = lent.folder
        self._lent = lent
        self._owner = owner
        self._camera = camera
        self._gate = FloodGate()
        self._tasks: list[TaskHandle] = []

    def http(self) -> aiohttp.ClientSession:
        """Return the shared session; it lives as long as the hub."""
        return self._lent.http()

    def media_path(self, relative: str) -> Path:
        """Return the file's place on this disk."""
        return self._lent.storage / relative

    async def clip(self, clip_id: str) -> Clip | None:
        """Return a finished recording of the index."""
        return await self._lent.clip(clip_id)

    async def remember(self, key: str, value: Json) -> None:
        """Keep a small JSON value under this plugin object's name."""
        await self._lent.memory.remember(self._owner, key, value)

    async def recall(self, key: str) -> Json:
        """Return what was remembered, or None."""
        return await self._lent.memory.recall(self._owner, key)

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Json] | None = None
    ) -> None:
        """Commit and publish an event of this plugin object's camera; more than ``flood_gate`` lets is dropped.

        Only a camera's: a notifier tells by itself how its notices went, a link what its far side says.
        """
        now_s = self.clock.mono_s()
        if self._camera is not None and not self._gate.lets(now_s):
            if fresh := self._gate.news(now_s):
                await self._tell("plugin.throttled", data={"dropped": fresh, "kind": kind})
            await asyncio.sleep(SLOW_DOWN_S)
            return
        await self._tell(kind, zone, score, data)

    async def _tell(
        self,
        kind: str,
        zone: str | None = None,
        score: float | None = None,
        data: Mapping[str, Json] | None = None,
    ) -> None:
        event = Event(
            id=new_id(),
            site=self.site.id,
            kind=kind,
            at=self.clock.now(),
            camera=self._camera,
            zone=zone,
            score=score,
            data=dict(data or {}),
        )
        await self._lent.emit(event)

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task named after this plugin object. PluginError when it has too many already."""
        self._tasks = [task for task in self._tasks if not task.done]
        if len(self._tasks) >= MOST_TASKS:
            raise PluginError(self.texts("host.too_many_tasks", owner=self._owner, count=MOST_TASKS, name=name))
        self._tasks.append(self._lent.tasks.start(f"{self._owner}: {name}", work))
