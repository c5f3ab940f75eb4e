"""The links of this hub: made from their kinds, kept connected with back-off, their health and absence told."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from .clock import Clock
from .contracts import Kind, Link
from .errors import LinkLost, SiagaError, StoreFailed
from .health import HealthBook
from .plugin_manager import PluginManager
from .services import Lent, PluginServices
from .settings import LinkSettings
from .tasks import Crash, Tasks, back_off_s, fenced
from .types import Event, Json, new_id

logger = logging.getLogger(__name__)

# A broker that restarts is back within this time; nobody need be told.
OFFLINE_AFTER_S = 20.0
# A link that held for so long begins its back-off anew.
HELD_S = 60.0


class LinkDesk:
    """Own every link; one that fails costs no other."""

    def __init__(self, lent: Lent, *, plugins: PluginManager, health: HealthBook) -> None:
        self.links: dict[str, Link] = {}
        self._lent = lent
        self._plugins = plugins
        self._health = health

    def make(self, settings: Mapping[str, LinkSettings]) -> None:
        """Build every link; one whose plugin fails, or whose library is missing, is shown as off with its reason."""
        for link_id, link in settings.items():
            kind: Kind[Link] = self._plugins.links[link.type]
            try:
                self.links[link_id] = self._plugins.make(kind, link, PluginServices(self._lent, f"link {link_id}"))
            except SiagaError as err:
                self._health.set(f"link {link_id}", "off", str(err))
                logger.error("link %s is off: %s", link_id, err)

    def start(self, tasks: Tasks) -> None:
        """Run every link as a task of its own; they end with the hub's tasks."""
        for link_id, link in self.links.items():
            tasks.start(f"link {link_id}", _Keeper(link_id, link, self._lent, self._health).run)


class _Keeper:
    """Keep one link connected."""

    def __init__(self, link_id: str, link: Link, lent: Lent, health: HealthBook) -> None:
        self._id = link_id
        self._link = link
        self._lent = lent
        self._health = health
        self._up_s: float | None = None
        self._away_s = lent.clock.mono_s()
        self._is_told = False

    async def run(self) -> None:
        """Connect again and again, for ever."""
        failures = 0
        self._health.set(f"link {self._id}", "starting")
        while True:
            self._up_s = None
            outcome = await fenced(lambda: self._link.run(self._is_up))
            now_s = self._clock.mono_s()
            held_s = 0.0 if self._up_s is None else now_s - self._up_s
            if self._up_s is not None:
                self._away_s = now_s
            failures = 1 if held_s >= HELD_S else failures + 1
            why = str(outcome) if isinstance(outcome, Crash) else self._lent.texts("hub.link_ended")
            if isinstance(outcome, Crash) and isinstance(outcome.error, LinkLost):
                why = str(outcome.error)
            self._health.set(f"link {self._id}", "lost", why)
            logger.warning("link %s: %s", self._id, why)
            await self._tell_away(why)
            await self._clock.sleep(back_off_s(failures))

    def _is_up(self) -> None:
        self._up_s = self._clock.mono_s()
        self._health.set(f"link {self._id}", "ok")
        if self._is_told:
            self._is_told = False
            self._lent.tasks.start(f"link {self._id}: told", self._told("link.online", {}), restart=False)

    async def _tell_away(self, why: str) -> None:
        if self._is_told or self._clock.mono_s() - self._away_s < OFFLINE_AFTER_S:
            return
        self._is_told = True
        await self._told("link.offline", {"reason": why})()

    def _told(self, kind: str, data: dict[str, Json]) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            lent = self._lent
            whole = {"link": self._id, **data}
            try:
                await lent.emit(Event(id=new_id(), site=lent.site.id, kind=kind, at=lent.clock.now(), data=whole))
            except StoreFailed as err:
                logger.error("%s of %s was lost, the journal cannot be written: %s", kind, self._id, err)

        return tell

    @property
    def _clock(self) -> Clock:
        return self._lent.clock
