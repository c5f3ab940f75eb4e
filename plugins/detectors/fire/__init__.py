"""Detector ``fire``: flames and smoke, told only when seconds of evidence agree; a single picture is a suspicion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ....core import Detector, Kind, Scene, hookimpl, validators

SCHEMA = vol.Schema(
    {
        vol.Optional("zones", default=list, description="fire.option.zones"): [str],
        vol.Optional("except", default=list, description="fire.option.except"): [str],
        vol.Optional("what", default=["flame", "smoke"], description="fire.option.what"): [vol.In(["flame", "smoke"])],
        vol.Optional("min_area", default=0.0005, description="fire.option.min_area"): vol.All(
            vol.Coerce(float), vol.Range(min=0, max=1)
        ),
        vol.Optional("suspicions", default=False, description="fire.option.suspicions"): validators.boolean,
    }
)


def make_fire(options: dict[str, Any], scene: Scene) -> Detector:
    """Build the detector of one camera; the net is loaded once a process. ValueError on an unknown zone."""
    # Pixels: not for the hub, which reads the schema alone.
    from .detector import FireDetector
    from .second_look import judgement, looks_like_fire

    return FireDetector(SCHEMA(options), scene, looks_like_fire, judgement().suspected)


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
