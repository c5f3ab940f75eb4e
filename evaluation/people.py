"""Measures ``objects`` and ``crowd``: how many people are counted on pictures with a point on each head."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.contracts import Detector, Kind, LookContext, Scene
from ..core.types import Detection
from .footage import folder_of, frame_of, rows_of, still
from .measures import median
from .report import Figure, Report

# Up to so many people the count is asked for; above it "at least".
_MOST_COUNTED = 30
WAYS: Mapping[str, Mapping[str, Any]] = {
    "one look": {},
    "tiles, min_score 0.35": {"tiles": "auto", "min_score": 0.35},
}


def measure(data: Path, kinds: Mapping[str, Kind[Detector]]) -> list[Report]:
    """Return how far counts are off, for one look and for tiles. NoFootage."""
    folder = folder_of(data, "crowd")
    heads = Counter(row["file"] for row in rows_of(folder, "points.csv"))
    return [_by(name, its, heads, folder, kinds["objects"]) for name, its in WAYS.items()]


def _by(name: str, options: Mapping[str, Any], heads: Mapping[str, int], folder: Path, kind: Kind[Detector]) -> Report:
    errors, few, many, took_ms, counted, real = [], [], [], [], 0, 0
    detector = kind.make(kind.schema({"labels": ["person"], **options}), Scene(camera="uji"))
    least = getattr(detector.wants, "min_score", 0.5)
    for file, count in sorted(heads.items()):
        frame = frame_of(still(folder / file), 0.0)
        begun = time.perf_counter()
        told = detector.look(frame, LookContext(at=frame.at))
        took_ms.append((time.perf_counter() - begun) * 1000)
        seen = sum(1 for one in told if isinstance(one, Detection) and one.label == "person" and one.score >= least)
        error = abs(seen - count) / count
        errors.append(error)
        if count <= _MOST_COUNTED:
            few.append(error)
            counted, real = counted + seen, real + count
        else:
            many.append(seen <= count)
    figures = (
        Figure(name="mean error of the count up to 30", value=sum(few) / len(few), goal="<= 0.15"),
        Figure(name="all people counted, as a share of those there", value=counted / real),
        Figure(name="mean error of the count, all pictures", value=sum(errors) / len(errors)),
        Figure(name="above 30: never more than are there", value=sum(many) / len(many) if many else None),
        Figure(name="time a look", value=median(took_ms), unit="ms"),
    )
    return Report(detector="objects", footage=f"street crowds, {name}", count=f"{len(heads)} pictures", figures=figures)
