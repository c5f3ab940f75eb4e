"""Detectors of behaviour, judged by what others see: loitering, lines that are crossed, traffic offences."""

from __future__ import annotations

from collections.abc import Iterable

from ....core import Detector, EventKind, Kind, hookimpl
from .lines import SCHEMA as LINE
from .lines import LineDetector
from .loitering import SCHEMA as LOITERING
from .loitering import LoiteringDetector
from .traffic import SCHEMA as TRAFFIC
from .traffic import TrafficDetector


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer ``loitering``, ``line`` and ``traffic``; each needs the detector ``objects`` on the same camera."""
    return (
        Kind(
            "loitering",
            LOITERING,
            LoiteringDetector,
            "Orang yang terlalu lama berada di sebuah zona; perlu detektor objects pada kamera yang sama.",
            "A person who stays in a zone for too long; needs the detector objects on the same camera.",
        ),
        Kind(
            "line",
            LINE,
            LineDetector,
            "Orang atau kendaraan yang melewati sebuah garis, menurut arahnya; perlu detektor objects.",
            "Who crosses a line, by direction; needs the detector objects on the same camera.",
        ),
        Kind(
            "traffic",
            TRAFFIC,
            TrafficDetector,
            "Kendaraan yang melawan arah atau berhenti di tempat terlarang; perlu detektor objects.",
            "Vehicles that drive the wrong way or stop where they may not; needs the detector objects.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document crossings; the others are among the hub's own kinds."""
    return (
        EventKind(
            name="line.cross",
            summary="Garis dilewati",
            fields={
                "line": "nama garis",
                "track": "nomor benda yang diikuti",
                "label": "jenis benda, misalnya person",
                "direction": "right atau left, dilihat dari titik pertama garis ke titik kedua",
                "right": "jumlah yang lewat ke kanan sejauh ini",
                "left": "jumlah yang lewat ke kiri sejauh ini",
            },
        ),
    )
