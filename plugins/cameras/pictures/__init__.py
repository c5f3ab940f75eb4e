"""Camera kinds ``mjpeg`` and ``snapshot``: cameras that offer pictures over HTTP and no RTSP."""

from __future__ import annotations

from collections.abc import Iterable

from ....core import Camera, Kind, hookimpl
from .mjpeg import SCHEMA as MJPEG
from .mjpeg import MjpegCamera
from .snapshot import SCHEMA as SNAPSHOT
from .snapshot import SnapshotCamera


@hookimpl
def offer_cameras() -> Iterable[Kind[Camera]]:
    """Offer both."""
    return (
        Kind(
            "mjpeg",
            MJPEG,
            MjpegCamera,
            "Kamera yang menyiarkan gambar JPEG berturut-turut lewat HTTP",
            "A camera that sends JPEG pictures one after another over HTTP",
        ),
        Kind(
            "snapshot",
            SNAPSHOT,
            SnapshotCamera,
            "Kamera yang hanya memberi gambar diam lewat HTTP; diambil tiap beberapa detik",
            "A camera that offers still pictures over HTTP only; fetched every few seconds",
        ),
    )
