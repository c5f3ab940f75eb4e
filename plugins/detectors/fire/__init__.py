"""Detector ``fire``: flames and smoke, told only when seconds of evidence agree; a single picture is a suspicion."""

from __future__ import annotations

from collections.abc import Iterable

from ....core import Detector, Kind, hookimpl
from .detector import SCHEMA, make_fire


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``fire``."""
    return (
        Kind(
            "fire",
            SCHEMA,
            make_fire,
            "Mengenali api dan asap dari gerak, warna dan perubahannya selama beberapa detik.",
            "Sees flames and smoke by how they move, look and change over some seconds.",
        ),
    )
