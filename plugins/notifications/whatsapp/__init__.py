"""Notifier kind ``whatsapp``: alerts by Meta's WhatsApp Business Cloud API, with delivery status and replies."""

from __future__ import annotations

from collections.abc import Iterable

from ....core import Kind, Notifier, hookimpl
from .notifier import WhatsApp
from .options import SCHEMA


@hookimpl
def offer_notifiers() -> Iterable[Kind[Notifier]]:
    """Offer ``whatsapp``."""
    return (
        Kind(
            "whatsapp",
            SCHEMA,
            WhatsApp,
            "Pesan WhatsApp lewat Cloud API milik Meta, dengan gambar, status terkirim dan balasan.",
            "WhatsApp messages through Meta's Cloud API, with picture, delivery status and replies.",
        ),
    )
