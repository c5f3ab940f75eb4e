"""The notifiers of this hub: made from their kinds, and closed together."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from .contracts import Notifier
from .errors import SiagaError
from .health import HealthBook
from .plugin_manager import PluginManager
from .services import Lent, PluginServices
from .settings import NotifierSettings
from .tasks import Tasks

logger = logging.getLogger(__name__)


class NotifierDesk:
    """Own every notifier; one that fails costs no other."""

    def __init__(self, lent: Lent, *, plugins: PluginManager, health: HealthBook) -> None:
        self.notifiers: dict[str, Notifier] = {}
        self._lent = lent
        self._plugins = plugins
        self._health = health

    def make(self, settings: Mapping[str, NotifierSettings]) -> None:
        """Build every notifier; one whose plugin fails is shown as off with its reason."""
        for notifier_id, its in settings.items():
            part = f"notifier {notifier_id}"
            kind = self._plugins.notifiers[its.type]
            try:
                self.notifiers[notifier_id] = self._plugins.make(kind, its, PluginServices(self._lent, part))
            except SiagaError as err:
                self._health.set(part, "off", str(err))
                logger.error("notifier %s is off: %s", notifier_id, err)

    async def close(self, limit_s: float) -> tuple[str, ...]:
        """Close all at once; return those that did not let go within the limit, by name."""
        closing = Tasks(self._lent.clock)
        for notifier_id, notifier in self.notifiers.items():
            closing.start(f"notifier {notifier_id}", notifier.close, restart=False)
        await closing.finish(limit_s)
        return closing.names()
