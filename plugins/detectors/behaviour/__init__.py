"""Detectors of behaviour, judged by what others see: who stays, crosses, runs, lies; and what vehicles do."""

from __future__ import annotations

from collections.abc import Iterable

from ....core import Detector, EventKind, Kind, hookimpl
from .fallen import SCHEMA as FALLEN
from .fallen import FallenDetector
from .kinds import KINDS
from .lines import SCHEMA as LINE
from .lines import LineDetector
from .loitering import SCHEMA as LOITERING
from .loitering import LoiteringDetector
from .running import SCHEMA as RUNNING
from .running import RunningDetector
from .traffic import SCHEMA as TRAFFIC
from .traffic import TrafficDetector


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer those that judge sightings; each needs the detector ``objects`` on the same camera."""
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
            "Kendaraan yang melawan arah, berhenti, di jalur bus, ngebut, dan jumlahnya; perlu detektor objects.",
            "Vehicles that drive the wrong way, stop, use the bus lane or speed, and their count; needs objects.",
        ),
        Kind(
            "running",
            RUNNING,
            RunningDetector,
            "Orang yang berlari; perlu detektor objects pada kamera yang sama.",
            "People who run; needs the detector objects on the same camera.",
        ),
        Kind(
            "fallen",
            FALLEN,
            FallenDetector,
            "Orang yang jatuh dan tidak bangun; perlu detektor objects pada kamera yang sama.",
            "A person who fell and does not get up; needs the detector objects on the same camera.",
        ),
    )


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what is not among the hub's own kinds."""
    return KINDS
