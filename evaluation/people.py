"""Measures ``objects`` and ``crowd``: how many people are counted on pictures with a point on each head."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from ..core.contracts import Detector, Kind, LookContext, Scene
from ..core.types import Detection, Observation, Sighting
from .footage import Picture, folder_of, frame_of, rows_of, still
from .measures import average_precision, median
from .report import Figure, Report

# Up to so many people the count is asked for; above it "at least".
_MOST_COUNTED = 30
# What whole looks are this sure of is the truth for looks at changes alone.
_SURE = 0.5
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
    counts, took_ms = list[tuple[int, int]](), list[float]()
    detector = kind.make(kind.schema({"labels": ["person"], **options}), Scene(camera="uji"))
    least = getattr(detector.wants, "min_score", 0.5)
    for number, (file, count) in enumerate(sorted(heads.items())):
        frame = frame_of(still(folder / file), 60.0 * number)
        begun = time.perf_counter()
        told = detector.look(frame, LookContext(at=frame.at))
        took_ms.append((time.perf_counter() - begun) * 1000)
        seen = sum(1 for one in told if isinstance(one, Detection) and one.label == "person" and one.score >= least)
        counts.append((seen, count))
    up_to_30, *others = _of(counts)
    few = [(seen, count) for seen, count in counts if count <= _MOST_COUNTED]
    share = sum(seen for seen, _ in few) / sum(count for _, count in few)
    figures = (
        up_to_30,
        Figure(name="all people counted, as a share of those there", value=share),
        *others,
        Figure(name="time a look", value=median(took_ms), unit="ms"),
    )
    return Report(detector="objects", footage=f"street crowds, {name}", count=f"{len(heads)} pictures", figures=figures)


def crowd(data: Path, kinds: Mapping[str, Kind[Detector]]) -> list[Report]:
    """Return how far ``crowd`` is off with faces, each picture shown as a camera that looks at it. NoFootage."""
    folder = folder_of(data, "crowd")
    heads = Counter(row["file"] for row in rows_of(folder, "points.csv"))
    finder = kinds["objects"].make(
        kinds["objects"].schema({"labels": ["person"], "tiles": "auto"}), Scene(camera="uji")
    )
    counts, took_ms = list[tuple[int, int]](), list[float]()
    for file, count in sorted(heads.items()):
        told, ms = _told(kinds["crowd"], finder, still(folder / file))
        took_ms.append(ms)
        counts.append((told["count"], count))
    figures = (*_of(counts), Figure(name="time a look, the net apart", value=median(took_ms), unit="ms"))
    footage = "street crowds, faces counted too, objects in tiles"
    return [Report(detector="crowd", footage=footage, count=f"{len(heads)} pictures", figures=figures)]


def _of(counts: Sequence[tuple[int, int]]) -> tuple[Figure, ...]:
    """Return how far pairs of counted and real people are apart."""
    errors = [(abs(seen - count) / count, count) for seen, count in counts]
    few = [error for error, count in errors if count <= _MOST_COUNTED]
    many = [seen <= count for seen, count in counts if count > _MOST_COUNTED]
    return (
        Figure(name="mean error of the count up to 30", value=sum(few) / len(few), goal="<= 0.15"),
        Figure(name="mean error of the count, all pictures", value=sum(error for error, _ in errors) / len(errors)),
        Figure(name="above 30: never more than are there", value=sum(many) / len(many) if many else None),
    )


def _told(kind: Kind[Detector], finder: Detector, picture: Picture) -> tuple[dict[str, Any], float]:
    frame = frame_of(picture, 0.0)
    found = [one for one in finder.look(frame, LookContext(at=frame.at)) if isinstance(one, Detection)]
    seen = tuple(
        Sighting(
            track=n, label=one.label, score=one.score, box=one.box, zones=(), first_seen=frame.at, last_seen=frame.at
        )
        for n, one in enumerate(one for one in found if one.score >= _SURE)
    )
    detector, told, ms = kind.make(kind.schema({"faces": True}), Scene(camera="uji")), dict[str, Any](), 0.0
    # A count is believed when it has stood for some seconds.
    for number in range(5):
        frame = frame_of(picture, 2.0 * number)
        begun = time.perf_counter()
        said = detector.look(frame, LookContext(at=frame.at, mono_s=2.0 * number, sightings=seen))
        ms = (time.perf_counter() - begun) * 1000
        told = next(one.data for one in said if isinstance(one, Observation))
    return told, ms


def changes(pictures: Sequence[tuple[float, Picture]], kind: Kind[Detector], name: str) -> Report:
    """Return how well looking at changes alone agrees with looking at whole pictures, and what it costs."""
    told: dict[str, list[list[Detection]]] = {}
    took_ms: dict[str, list[float]] = {}
    for looks in ("whole", "changes"):
        detector = kind.make(kind.schema({"labels": ["person"], "looks": looks}), Scene(camera="uji"))
        told[looks], took_ms[looks] = [], []
        for at_s, picture in pictures:
            frame = frame_of(picture, at_s)
            begun = time.perf_counter()
            found = detector.look(frame, LookContext(at=frame.at, mono_s=at_s))
            took_ms[looks].append((time.perf_counter() - begun) * 1000)
            told[looks].append([one for one in found if isinstance(one, Detection)])
    truth = [[one.box for one in found if one.score >= _SURE] for found in told["whole"]]
    seen = [[(one.score, one.box) for one in found] for found in told["changes"]]
    whole, parts = (sum(took_ms[looks]) / len(pictures) for looks in ("whole", "changes"))
    figures = (
        Figure(name="AP50 against looks at the whole picture", value=average_precision(seen, truth), goal=">= 0.95"),
        Figure(name="time, as a share of looks at the whole", value=parts / whole, goal="<= 0.5"),
        Figure(name="mean time a look", value=parts, unit="ms"),
        Figure(name="mean time a look at the whole", value=whole, unit="ms"),
        Figure(name="looks a second on one core", value=1000 / parts, goal=">= 12"),
        Figure(name="share of the picture that moves", value=_moving(pictures)),
    )
    count = f"{len(pictures)} pictures"
    return Report(detector="objects", footage=f"{name}, changes only", count=count, figures=figures)


def _moving(pictures: Sequence[tuple[float, Picture]]) -> float:
    """Return the mean share of pixels that differ from a second before by more than noise does."""
    greys = [(at_s, cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (192, 144))) for at_s, picture in pictures]
    shares, behind = [], 0
    for at_s, grey in greys:
        while greys[behind][0] < at_s - 1.0:
            behind += 1
        if at_s >= 1.0:
            shares.append(float((cv2.absdiff(grey, greys[behind][1]) > 15).mean()))
    return sum(shares) / len(shares)
