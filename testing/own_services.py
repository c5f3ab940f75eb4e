"""A small real ``Services`` for tests of plugins: its own HTTP session, a folder, a memory that outlives it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from ..core.clock import Clock, SystemClock
from ..core.settings import SiteSettings
from ..core.tasks import Tasks
from ..core.texts import Texts
from ..core.types import Clip, Json


class OwnServices:
    """Fulfil ``siaga.core.Services`` without a hub, as an asynchronous context manager.

    ``emitted`` holds what the plugin told, as (kind, data). ``memory`` may be handed on to the next one, to see what
    a restart remembers. ``clips`` are the recordings that ``clip`` finds.
    """

    def __init__(
        self, folder: Path, *, clock: Clock | None = None, language: str = "id", memory: dict[str, str] | None = None
    ) -> None:
        self.site = SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru")
        self.clock = clock or SystemClock()
        self.texts = Texts(language)
        self.folder = folder
        self.memory: dict[str, str] = {} if memory is None else memory
        self.clips: dict[str, Clip] = {}
        self.emitted: list[tuple[str, dict[str, Json]]] = []
        self._session: aiohttp.ClientSession | None = None
        self._tasks = Tasks(self.clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> tuple[str, ...]:
        """End the plugin's tasks and the HTTP session; return the names of tasks that do not end within 5 s."""
        late = await self._tasks.stop(5.0)
        if self._session is not None:
            await self._session.close()
        return late

    def http(self) -> aiohttp.ClientSession:
        """Return the session, opened when it is asked for first."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self._session

    def media_path(self, relative: str) -> Path:
        """Return a file's place below the folder."""
        return self.folder / relative

    async def clip(self, clip_id: str) -> Clip | None:
        """Return one of ``clips``."""
        return self.clips.get(clip_id)

    async def remember(self, key: str, value: Json) -> None:
        """Keep a value in ``memory``, as JSON."""
        self.memory[key] = json.dumps(value)

    async def recall(self, key: str) -> Json:
        """Return what was remembered, or None."""
        return json.loads(self.memory[key]) if key in self.memory else None

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Json] | None = None
    ) -> None:
        """Note an event in ``emitted``."""
        self.emitted.append((kind, dict(data or {})))

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a task; like in the hub it is run again with back-off when it fails."""
        self._tasks.start(name, work)
