"""Measures ``flood`` on a gauge's pictures with known levels: single pictures, no filter over time.

The camera NRmarshDN (2012, from GRIME2's demo) looks at a calibration board. Its four rows of bow ties stand at
121.8, 90.1, 58.5 and 26.8 cm; their centres were read off the calibration picture at y = 115, 249, 379 and 506 of
600 pixels, x = 537 of 800. The levels are good to 1 cm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.contracts import Detector, Kind, LookContext, Scene
from .footage import folder_of, frame_of, rows_of, still
from .measures import median, quantile, share
from .report import Figure, Report

X = 537 / 800
POINTS = [[X, 115 / 600, 121.8], [X, 249 / 600, 90.1], [X, 379 / 600, 58.5], [X, 506 / 600, 26.8]]
MARKS = {"four points": POINTS, "two points": [POINTS[0], POINTS[3]]}
# They decide nothing here, and a gauge must have them.
STAGES = {3: 90, 2: 105, 1: 120}
_WRONG_CM = 15.0


def measure(data: Path, kinds: Mapping[str, Kind[Detector]]) -> list[Report]:
    """Return the worth of the reading for each way to mark the gauge. NoFootage."""
    folder = folder_of(data, "flood")
    rows = rows_of(folder, "levels.csv")
    return [_by(marks, rows, folder, kinds["flood"], name) for name, marks in MARKS.items()]


def _by(marks: list[list[float]], rows: list[dict[str, str]], folder: Path, kind: Kind[Detector], name: str) -> Report:
    errors: dict[str, list[float]] = {"day": [], "night": []}
    took_ms: list[float] = []
    for row in rows:
        level_cm, ms = _read(kind, marks, folder / row["file"])
        took_ms.append(ms)
        if level_cm is not None:
            light = "night" if "night" in row["light"] or "ir" in row["light"] else "day"
            errors[light].append(abs(level_cm - float(row["level_cm"])))
    every = [*errors["day"], *errors["night"]]
    figures = (
        Figure(name="median error", value=median(every), unit="cm", goal="<= 1.5"),
        Figure(name="95 % of errors below", value=quantile(every, 0.95), unit="cm", goal="<= 4"),
        Figure(name="largest error", value=max(every, default=None), unit="cm", goal=f"<= {_WRONG_CM:g}"),
        Figure(name="median error by day", value=median(errors["day"]), unit="cm"),
        Figure(name="median error by infrared night", value=median(errors["night"]), unit="cm"),
        Figure(name="answered", value=share(len(every), len(rows)), goal=">= 0.9"),
        Figure(name="time a reading", value=median(took_ms), unit="ms", goal="<= 15"),
    )
    return Report(detector="flood", footage=f"gauge NRmarshDN, {name}", count=f"{len(rows)} pictures", figures=figures)


def _read(kind: Kind[Detector], marks: list[list[float]], path: Path) -> tuple[float | None, float]:
    """Return the level of one picture as a camera that was just switched on tells it, and the time of a look."""
    options: dict[str, Any] = {"gauge": {"points": marks, "width": 0.08}, "stages": STAGES}
    detector = kind.make(kind.schema(options), Scene(camera="uji"))
    level_cm, ms = None, 0.0
    # The filter believes a level when it came more than once.
    for number in range(5):
        frame = frame_of(still(path), 60.0 * number)
        begun = time.perf_counter()
        told = detector.look(frame, LookContext(at=frame.at, mono_s=frame.arrived_mono_s))
        ms = (time.perf_counter() - begun) * 1000
        for one in told:
            data = getattr(one, "data", {})
            if getattr(one, "kind", "") == "flood.level":
                level_cm = data.get("level_cm")
    return level_cm, ms
