"""Measures how well plates are read: pictures of Indonesian plates, each with what stands on it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core.contracts import Detector, Kind, LookContext, Scene
from ..core.types import Box, Observation, Sighting
from .footage import START, Picture, folder_of, frame_of, rows_of, still
from .measures import median, share
from .report import Figure, Report

# What the footage itself says cannot be read surely: cropped or blurred.
_UNSURE = "UNSURE"
_OPTIONS = {"legal_basis": "measured on pictures of others", "role": "uji", "keep_days": 1}
_LOOKS = 2


def measure(data: Path, kinds: Mapping[str, Kind[Detector]]) -> list[Report]:
    """Return how many plates are read exactly, and how many of their characters. NoFootage."""
    folder = folder_of(data, "plates")
    rows = [row for row in rows_of(folder) if row["label"].startswith("plate=")]
    clear = [row for row in rows if _UNSURE not in row["note"]]
    kind, took_ms, exact, wrong, signs, silent = kinds["plates"], list[float](), 0, 0, 0, 0
    for row in clear:
        truth = row["label"].removeprefix("plate=")
        read, ms = _read(kind, still(folder / row["file"]))
        took_ms.append(ms)
        exact += read == truth
        silent += not read
        wrong += min(len(truth), distance(truth, read))
        signs += len(truth)
    figures = (
        Figure(name="plates read exactly", value=share(exact, len(clear)), goal=">= 0.85"),
        Figure(name="characters read", value=share(signs - wrong, signs), goal=">= 0.95"),
        Figure(name="plates not read at all", value=share(silent, len(clear))),
        Figure(name="time a vehicle", value=median(took_ms), unit="ms"),
    )
    return [Report(detector="plates", footage="Indonesian plates, close", count=f"{len(clear)} clear", figures=figures)]


def distance(one: str, other: str) -> int:
    """Return how many letters must be changed, put in or taken out (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for number, sign in enumerate(one, 1):
        before, row = row, [number]
        for at, its in enumerate(other, 1):
            row.append(min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (sign != its)))
    return row[-1]


def _read(kind: Kind[Detector], picture: Picture) -> tuple[str, float]:
    """Return what is told of a vehicle that is nothing but its plate, and the time of a look."""
    detector = kind.make(kind.schema(_OPTIONS), Scene(camera="uji"))
    box = Box(left=0.0, top=0.0, right=1.0, bottom=1.0)
    told: Sequence[object] = ()
    ms = 0.0
    for number in range(_LOOKS):
        frame = frame_of(picture, 0.5 * number)
        seen = Sighting(track=1, label="car", score=0.9, box=box, zones=(), first_seen=START, last_seen=frame.at)
        begun = time.perf_counter()
        told = detector.look(frame, LookContext(at=frame.at, mono_s=frame.arrived_mono_s, sightings=(seen,)))
        ms = (time.perf_counter() - begun) * 1000
    plates = [str(one.data["plate"]) for one in told if isinstance(one, Observation)]
    return (plates[0] if plates else ""), ms
