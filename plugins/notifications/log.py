"""Notifier kind ``log``: writes each notice as one line to the log, for trials and for people without WhatsApp."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import voluptuous as vol

from ...core import Kind, Notice, Notifier, NotifierSettings, Receipt, Services, hookimpl

SCHEMA = vol.Schema({})
_log = logging.getLogger(__name__)


class LogNotifier:
    """Fulfil ``Notifier`` by a line in the log; it never fails."""

    def __init__(self, settings: NotifierSettings, services: Services) -> None:
        self._id = settings.id
        self._services = services

    async def send(self, notice: Notice) -> Receipt:
        """Write one line, whatever line ends the text holds."""
        words = self._services.texts("lognotifier.line", to=notice.to, text=" / ".join(notice.text.splitlines()))
        beside = [notice.image, notice.clip and f"clip {notice.clip}"]
        if notice.asks_answer and notice.incident_id:
            beside.append(self._services.texts("lognotifier.asks", incident=notice.incident_id))
        _log.info("%s: %s%s", self._id, words, "".join(f" [{part}]" for part in beside if part))
        return Receipt(state="sent", at=self._services.clock.now())

    async def close(self) -> None:
        """Let go of nothing."""


@hookimpl
def offer_notifiers() -> Iterable[Kind[Notifier]]:
    """Offer ``log``."""
    return (Kind("log", SCHEMA, LogNotifier, "Menulis pemberitahuan ke log saja.", "Only writes notices to the log."),)
