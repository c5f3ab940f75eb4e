"""A small real ``Services`` for tests of plugins: its own HTTP session, a folder, a memory that outlives it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from siaga.core.clock import Clock, SystemClock
from siaga.core.settings import SiteSettings
from siaga.core.texts import Texts
from siaga.core.types import Clip


class OwnServices:
    """Fulfil ``contracts.Services``; ``memory`` may be handed on to see what a restart remembers."""

    def __init__(
        self, folder: Path, *, clock: Clock | None = None, language: str = "id", memory: dict[str, str] | None = None
    ) -> None:
        self.site = SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru")
        self.clock = clock or SystemClock()
        self.texts = Texts(language)
        self.folder = folder
        self.memory: dict[str, str] = {} if memory is None else memory
        self.clips: dict[str, Clip] = {}
        self.emitted: list[tuple[str, dict[str, Any]]] = []
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "OwnServices":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._session:
            await self._session.close()

    def http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self._session

    def media_path(self, relative: str) -> Path:
        return self.folder / relative

    async def clip(self, clip_id: str) -> Clip | None:
        return self.clips.get(clip_id)

    async def remember(self, key: str, value: Any) -> None:
        self.memory[key] = json.dumps(value)

    async def recall(self, key: str) -> Any:
        return json.loads(self.memory[key]) if key in self.memory else None

    async def emit(
        self, kind: str, *, zone: str | None = None, score: float | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        self.emitted.append((kind, dict(data or {})))

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(work(), name=name))
