"""The first events of a hub that started: that it runs, and which plugins are off."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from .clock import Clock
from .errors import StoreFailed
from .plugin_manager import PluginState
from .texts import Texts
from .types import Event, Json, new_id

logger = logging.getLogger(__name__)


class FirstNews:
    """Tell the start until it is kept: a disk that is full then must not hold up the hub."""

    def __init__(self, site: str, *, clock: Clock, texts: Texts, emit: Callable[[Event], Awaitable[int]]) -> None:
        self._site = site
        self._clock = clock
        self._texts = texts
        self._emit = emit

    async def tell(self, plugins: Iterable[PluginState]) -> None:
        """Tell ``hub.start``, and ``plugin.off`` for each plugin that is off and was not switched off on purpose."""
        off = [plugin for plugin in plugins if not (plugin.is_on or plugin.is_disabled)]
        news: list[tuple[str, dict[str, Json]]] = [("hub.start", {})]
        news += [("plugin.off", {"plugin": plugin.name, "reason": plugin.reason}) for plugin in off]
        now = self._clock.now()
        for event in [Event(id=new_id(), site=self._site, kind=kind, at=now, data=data) for kind, data in news]:
            while not await self._is_kept(event):
                pass  # emit itself waits for room

    async def _is_kept(self, event: Event) -> bool:
        try:
            await self._emit(event)
        except StoreFailed as err:
            logger.error("%s", self._texts("hub.start_not_told", why=err))
            return False
        return True
