"""Camera kind ``onvif``: what any maker's camera or recorder offers by ONVIF's profiles S and T."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ....core import Camera, CameraKind, Kind, SharedStreams, hookimpl
from .camera import SCHEMA, OnvifCamera, channels
from .discovery import find
from .topics import Word


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``onvif``."""
    # One pull point for each device, for as long as the hub runs.
    streams: SharedStreams[Word] = SharedStreams()
    return (
        CameraKind(
            "onvif",
            SCHEMA,
            partial(OnvifCamera, streams=streams),
            "Kamera atau perekam merek apa pun dengan ONVIF: PTZ, relai dan kejadiannya sendiri",
            "A camera or recorder of any make with ONVIF: PTZ, relays and its own events",
            find=find,
            channels=channels,
        ),
    )
