"""Camera kind ``hikvision``: cameras and recorders that speak ISAPI, and their many other names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ....core import Camera, CameraKind, Kind, SharedStreams, hookimpl
from .alerts import Alert
from .camera import SCHEMA, HikvisionCamera, channels


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``hikvision``."""
    # One alert stream for each device, for as long as the hub runs.
    streams: SharedStreams[Alert] = SharedStreams()
    return (
        CameraKind(
            "hikvision",
            SCHEMA,
            partial(HikvisionCamera, streams=streams),
            "Kamera atau perekam Hikvision (ISAPI): PTZ, keluaran dan kejadiannya sendiri",
            "A Hikvision camera or recorder (ISAPI): PTZ, outputs and its own events",
            channels=channels,
        ),
    )
