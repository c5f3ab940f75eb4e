"""What a camera in a plugin's process is lent: its own tasks and HTTP session; the rest is asked of the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import aiohttp

from ..clock import Clock
from ..errors import PluginError
from ..services import MOST_TASKS
from ..settings import SiteSettings
from ..tasks import TaskHandle, Tasks
from ..texts import Texts
from ..types import Clip, Json
from .messages import Begin

Ask = Callable[[str, tuple[Any, ...]], Awaitable[Any]]
HTTP_TIMEOUT_S = 30.0


class Shared:
    """Hold what the cameras of one process share."""

    def __init__(self, begin: Begin, clock: Clock, texts: Texts) -> None:
        self.site: SiteSettings = begin.site
        self.folder = Path(begin.folder)
        self.storage = Path(begin.storage)
        self.clock = clock
        self.texts = texts
        self.tasks = Tasks(clock)
        self._session: aiohttp.ClientSession | None = None

    def http(self) -> aiohttp.ClientSession:
        """Return the process's one session."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S))
        return self._session

    async def close(self) -> None:
        """Let go of tasks and connections."""
        await self.tasks.stop(1.0)
        if self._session is not None:
            await self._session.close()


class ChildServices:
    """Fulfil ``contracts.Services`` for one camera; ``ask`` asks the hub."""

    def __init__(self, camera: str, shared: Shared, ask: Ask) -> None:
        self.site = shared.site
        self.clock = shared.clock
        self.texts = shared.texts
        self.folder = shared.folder
        self._camera = camera
        self._shared = shared
        self._ask = ask
        self._tasks: list[TaskHandle] = []

    def http(self) -> aiohttp.ClientSession:
        """Return the session that this process's cameras share."""
        return self._shared.http()

    def media_path(self, relative: str) -> Path:
        """Return the file's place on this disk."""
        return self._shared.storage / relative

    async def clip(self, clip_id: str) -> Clip | None:
        """Ask for a finished recording."""
        return cast("Clip | None", await self._ask("clip", (clip_id,)))

    async def remember(self, key: str, value: Json) -> None:
        """Have a small JSON value kept."""
        await self._ask("remember", (key, value))

    async def recall(self, key: str) -> Json:
        """Ask for what was remembered."""
        return cast(Json, await self._ask("recall", (key,)))

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Json] | None = None
    ) -> None:
        """Have an event committed and published; returns when it is."""
        await self._ask("emit", (kind, zone, score, dict(data or {})))

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task of this camera. PluginError when it has too many already."""
        self._tasks = [task for task in self._tasks if not task.done]
        if len(self._tasks) >= MOST_TASKS:
            owner = f"camera {self._camera}"
            raise PluginError(self.texts("host.too_many_tasks", owner=owner, count=MOST_TASKS, name=name))
        self._tasks.append(self._shared.tasks.start(f"camera {self._camera}: {name}", work))

    async def end(self) -> None:
        """End this camera's tasks."""
        for task in self._tasks:
            task.cancel()
        async with asyncio.timeout(2.0):
            for task in self._tasks:
                await task.wait(1.0)
