"""Detector ``left``: a thing that was left behind, or taken away, where nothing changed for long before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ....core import Detector, EventKind, Kind, Scene, hookimpl, validators

_AREA = vol.All(vol.Coerce(float), vol.Range(min=0.0002, max=0.5))
SCHEMA = vol.Schema(
    {
        vol.Optional("zone", default=None, description="left.option.zone"): vol.Any(None, str),
        vol.Optional("what", default=["left"], description="left.option.what"): vol.All(
            [vol.In(["left", "removed"])], vol.Length(min=1)
        ),
        vol.Optional("for", default="1 min", description="left.option.for"): vol.All(
            validators.duration, vol.Range(min=10, max=86_400)
        ),
        vol.Optional("min_area", default=0.001, description="left.option.min_area"): _AREA,
        vol.Optional("max_area", default=0.1, description="left.option.max_area"): _AREA,
        vol.Optional("dumping", default=False, description="left.option.dumping"): validators.boolean,
    }
)


def make_left(options: dict[str, Any], scene: Scene) -> Detector:
    """Build the detector of one camera. ValueError on an unknown zone."""
    # Pixels: not for the hub, which reads the schema alone.
    from .detector import LeftDetector

    checked = SCHEMA(options)
    scene.known_zone(checked["zone"])
    return LeftDetector(checked, scene)


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer ``left``."""
    return (
        Kind(
            "left",
            SCHEMA,
            make_left,
            "Barang yang tertinggal, diambil, atau dibuang; dengan detektor objects orang dan kendaraan dikecualikan.",
            "A thing left behind, taken or dumped; with the detector objects people and vehicles are left out.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what it tells; ``dumping.suspected`` is one of the hub's own kinds."""
    fields = {"seconds": "detik: sudah berapa lama terlihat", "area": "0..1: bagian gambar"}
    return (
        EventKind(name="thing.left", summary="Barang tertinggal", fields=fields),
        EventKind(name="thing.removed", summary="Barang diambil", fields=fields),
    )
