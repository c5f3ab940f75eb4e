"""Measures ``fire`` on single pictures: what is suspected of fires, and of what resembles them.

The second look was learnt from the development footage: on it, its figures of pictures that were left out one by one
stand in ``plugins/detectors/fire/second_look.json``, and what is measured here is too good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from ..core.contracts import Detector, Kind, LookContext, Scene
from .footage import folder_of, frame_of, rows_of, still
from .measures import median, share
from .report import Figure, Report


def measure(data: Path, kinds: Mapping[str, Kind[Detector]]) -> list[Report]:
    """Return recall and false suspicions on stills, and the time of a look that asks no net. NoFootage."""
    folder = folder_of(data, "fire")
    # A fireplace is a real flame and no alarm: neither a hit nor a false one.
    rows = [row for row in rows_of(folder) if "contained" not in row["label"]]
    fires: list[bool] = []
    others: list[bool] = []
    took_ms: list[float] = []
    for row in rows:
        detector = kinds["fire"].make(kinds["fire"].schema({}), Scene(camera="uji"))
        picture, told = still(folder / row["file"]), set()
        for number in range(3):
            frame = frame_of(picture, 0.2 * number)
            begun = time.perf_counter()
            answer = detector.look(frame, LookContext(at=frame.at, mono_s=frame.arrived_mono_s))
            took_ms += [(time.perf_counter() - begun) * 1000] if number else []
            told |= {getattr(one, "kind", "") for one in answer}
        (fires if row["label"].startswith(("fire", "smoke")) else others).append("fire.suspected" in told)
    figures = (
        Figure(name="fires suspected on one picture", value=share(sum(fires), len(fires)), goal=">= 0.8"),
        Figure(name="others suspected on one picture", value=share(sum(others), len(others)), goal="<= 0.15"),
        Figure(name="time a look, the net apart", value=median(took_ms), unit="ms", goal="<= 4"),
        Figure(name="filmed fires: seconds to the alarm", value=None, unit="s", goal="<= 10"),
    )
    return [
        Report(detector="fire", footage="fires and what resembles them", count=f"{len(rows)} stills", figures=figures)
    ]
