"""Measure the whole chain of the detector ``brawl``: people seen by ``objects``, followed, and their movement judged.

The clips of bench/brawl_train.py are too short for a suspicion, so each is played to and fro for ten seconds; the film
of pedestrians is played three times over, and once at its true speed. The shipped numbers were learnt on these too.

usage: python -m bench.brawl_chain [--min-score 0.3] [--folder DIR] [--more DIR] [--walking FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2

from bench.brawl_train import SHARED, TRUE_FPS, WALKING_FPS, clips
from siaga.core.contracts import LookContext, Scene
from siaga.core.media.witness import Witness
from siaga.core.types import Detection, Frame
from siaga.plugins.detectors.brawl import offer_detectors
from siaga.plugins.detectors.objects import ObjectsDetector

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
LOOK_S, OBJECTS_S, PLAYED_LOOKS = 0.1, 0.2, 100


def pictures(file: Path, fps: float = 0.0) -> list[Any]:
    """Return a film's pictures, ten for each second."""
    film = cv2.VideoCapture(str(file))
    fps = fps or film.get(cv2.CAP_PROP_FPS) or 25.0
    number, next_s, taken = 0, 0.0, []
    while True:
        is_there, picture = film.read()
        if not is_there:
            return taken
        if number / fps >= next_s - 1e-6:
            next_s += LOOK_S
            taken.append(picture)
        number += 1


def to_and_fro(taken: Sequence[Any]) -> list[Any]:
    """Return ten seconds of a short clip, played forward and backward."""
    order = [*range(len(taken)), *range(len(taken) - 2, 0, -1)]
    return [taken[order[k % len(order)]] for k in range(PLAYED_LOOKS)]


def suspicions(taken: Sequence[Any], min_score: float, step_s: float = LOOK_S) -> list[float]:
    """Return when, in seconds, a fight was suspected."""
    objects = ObjectsDetector({"min_score": min_score}, Scene(camera="bench"))
    witness = Witness({}, clear_score=min_score)
    [kind] = offer_detectors()
    brawl = kind.make({}, Scene(camera="bench"))
    found: dict[int, Sequence[Detection]] = {}
    told, looked_s = [], float("-inf")
    for number, picture in enumerate(taken):
        now_s = number * step_s
        at = START + timedelta(seconds=now_s)
        luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        frame = Frame(
            camera="bench", at=at, arrived_mono_s=now_s, is_key=True, luma=luma, colour=lambda picture=picture: picture
        )
        if witness.has_tentative or now_s - looked_s >= OBJECTS_S - 0.02:
            if id(picture) not in found:
                found[id(picture)] = objects.look(frame, LookContext(at=at, mono_s=now_s))
            witness.look(found[id(picture)], at, now_s)
            looked_s = now_s
        told += [now_s for _ in brawl.look(frame, LookContext(at=at, mono_s=now_s, sightings=witness.sightings))]
    return told


def main() -> None:
    """Print what is found and what is false."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--min-score", type=float, default=0.3, help="of the detector objects")
    parser.add_argument("--folder", type=Path, default=SHARED / "footage/fights")
    parser.add_argument("--more", type=Path, default=SHARED / "footage/night")
    parser.add_argument("--walking", type=Path, default=SHARED / "media/vtest.avi")
    options = parser.parse_args()
    if not (options.folder / "manifest.csv").exists():
        raise SystemExit(f"no footage at {options.folder}: nothing was measured")
    cv2.setNumThreads(1)
    counts = {0: [0, 0], 1: [0, 0]}
    for folder in (options.folder, options.more):
        for file, label, _ in clips(folder):
            is_told = bool(suspicions(to_and_fro(pictures(file)), options.min_score))
            counts[label][0] += is_told
            counts[label][1] += 1
            if is_told != bool(label):
                print(f"{'missed' if label else 'false'}: {file.name}")
    print(f"fights suspected: {counts[1][0]} of {counts[1][1]}; others: {counts[0][0]} of {counts[0][1]}")
    walking = pictures(options.walking, WALKING_FPS)
    print(f"pedestrians, three times over: {suspicions(walking * 3, options.min_score)}")
    slow_s = LOOK_S * WALKING_FPS / TRUE_FPS
    print(f"pedestrians at their true speed: {suspicions(walking, options.min_score, slow_s)}")


if __name__ == "__main__":
    main()
