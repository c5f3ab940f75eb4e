"""What the supervisor says of its processes, and what may be set differently for them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Literal

import msgspec

from ..types import StreamRole, Struct
from .messages import OpenCamera, StreamReport

Change = Literal["started", "died", "hung"]


class ProcessChange(Struct):
    """Say that a recorder or an eye was started, died, or was killed because it hung."""

    name: str
    what: Change
    detail: str = ""


class MediaTuning(Struct):
    """Name the programs and the limits; the defaults serve, tests put in their own."""

    recorder_command: tuple[str, ...] = (sys.executable, "-m", "siaga.core.media.recorder")
    eye_command: tuple[str, ...] = (sys.executable, "-m", "siaga.core.media.eye")
    # A beat comes each second; eight missed ones are no accident of a busy machine.
    hang_s: float = 8.0
    # Models are loaded before the first beat; on a loaded small PC that takes a while.
    start_limit_s: float = 45.0
    answer_limit_s: float = 5.0
    # The hub gives its video processes 5 s in all.
    stop_limit_s: float = 4.0


def lost_reports(
    orders: Mapping[str, OpenCamera], streams: Mapping[tuple[str, StreamRole], StreamReport], reason: str
) -> list[StreamReport]:
    """Return every open stream as lost, each as it was last known."""
    reports = []
    for camera, order in orders.items():
        for source in order.sources:
            known = streams.get((camera, source.role)) or StreamReport(
                camera=camera, role=source.role, condition="lost"
            )
            changes = {"condition": "lost", "reason": reason, "fps": 0.0, "bits_per_s": 0.0}
            reports.append(msgspec.structs.replace(known, **changes))
    return reports
