"""Decides which cameras live in a process of their plugin, and keeps those processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..contracts import Camera, Kind, Services
from ..health import HealthBook
from ..plugin_manager import PluginManager
from ..services import Lent
from ..settings import CameraSettings
from ..tasks import Tasks
from ..types import Event, Json, new_id
from .keeper import HostState, Keeper
from .messages import Begin


class HostDesk:
    """Hold one keeper for each plugin that is not built in and has a camera here."""

    def __init__(
        self, lent: Lent, *, plugins: PluginManager, health: HealthBook, on_back: Callable[[str], None]
    ) -> None:
        self.is_on = True
        self._lent = lent
        self._plugins = plugins
        self._health = health
        self._on_back = on_back
        self._keepers: dict[str, Keeper] = {}

    @property
    def states(self) -> tuple[HostState, ...]:
        """Return how each plugin's process is."""
        return tuple(keeper.state for keeper in self._keepers.values())

    def make(self, kind: Kind[Camera], settings: CameraSettings, services: Services) -> Camera:
        """Build a camera here where its plugin is built in, else its stand-in. Errors as ``PluginManager.make``."""
        owner = self._plugins.owner("cameras", kind.name)
        if not self.is_on or owner is None or owner.source == "siaga":
            return self._plugins.make(kind, settings, services)
        keeper = self._keepers.get(owner.name)
        if keeper is None:
            keeper = self._keepers[owner.name] = self._keeper(owner.name)
        return keeper.camera(settings, services)

    def start(self, tasks: Tasks) -> None:
        """Start every process."""
        for keeper in self._keepers.values():
            keeper.start(tasks)

    def release(self, plugin: str) -> bool:
        """Let a plugin that rests try again now; False where none of that name does."""
        keeper = self._keepers.get(plugin)
        if keeper is None or keeper.state.rests_until is None:
            return False
        keeper.release()
        return True

    async def stop(self, limit_s: float) -> tuple[str, ...]:
        """End every process, all at once; return those that had to be killed."""
        gone = await asyncio.gather(*(keeper.stop(limit_s) for keeper in self._keepers.values()))
        return tuple(f"plugin {name}" for name, went in zip(self._keepers, gone, strict=True) if not went)

    def _keeper(self, plugin: str) -> Keeper:
        lent = self._lent
        folder = str(Path(lent.folder).absolute())

        async def tell(kind: str, data: dict[str, Json]) -> Any:  # noqa: ANN401
            await lent.emit(Event(id=new_id(), site=lent.site.id, kind=kind, at=lent.clock.now(), data=data))

        return Keeper(
            plugin,
            Begin(site=lent.site, folder=folder, storage=str(lent.storage.absolute())),
            clock=lent.clock,
            texts=lent.texts,
            health=self._health,
            tell=tell,
            on_back=self._on_back,
        )
