"""Camera kind ``dahua``: cameras and recorders that speak Dahua's CGI, and their many other names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ....core import Camera, CameraKind, Kind, SharedStreams, hookimpl
from .alerts import Alert
from .camera import SCHEMA, DahuaCamera, channels


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer ``dahua``."""
    # One stream of events for each device, for as long as the hub runs.
    streams: SharedStreams[Alert] = SharedStreams()
    return (
        CameraKind(
            "dahua",
            SCHEMA,
            partial(DahuaCamera, streams=streams),
            "Kamera atau perekam Dahua (CGI): PTZ, keluaran dan kejadiannya sendiri",
            "A Dahua camera or recorder (CGI): PTZ, outputs and its own events",
            channels=channels,
        ),
    )
