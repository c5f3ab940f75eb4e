"""Learn and measure the four numbers of the detector ``brawl`` on labelled clips, scene by scene.

The clips last about two seconds each: fights, and people who walk, stand and work, most before the same cameras. They
stay where they are; the product gets four numbers. A film of pedestrians (OpenCV's vtest.avi: PETS 2009, recorded at
7 pictures a second and played at 10, so that people hurry) adds ordinary walking, as a whole, at its true speed, and
in parts, so that people are also large. Measured is scene-wise: a camera's clips are judged by numbers that were
learnt without it. Nothing is drawn by chance: the same footage gives the same numbers.

usage: python -m bench.brawl_train [--folder DIR] [--more DIR] [--walking FILE] [--json FILE] [--weights FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.optimize import minimize

from siaga.core.types import Box
from siaga.plugins.detectors.brawl.judge import features
from siaga.plugins.detectors.brawl.suspicion import UsualHeight
from siaga.plugins.detectors.brawl.unrest import LOOK_S, Unrest
from siaga.plugins.detectors.objects_net import NanoDet

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
WEIGHTS = HERE.parent / "plugins/detectors/brawl/weights.json"
# The penalty on large weights, and what all of the film of pedestrians counts for, in clips.
PENALTY, WALKING_CLIPS = 2.0, 20.0
# What the detector assumes before it saw anybody, and from what score on a person is seen.
FIRST_HEIGHT, CLEAR = 0.35, 0.3
WALKING, WALKING_FPS, TRUE_FPS = "walking", 10.0, 7.0
# Parts of the film (left, top, right, bottom) in which people are twice as large.
PARTS = ((0.0, 0.25, 0.5, 0.75), (0.4, 0.25, 0.9, 0.75), (0.5, 0.45, 1.0, 0.95))

Looks = list[tuple[float, Any, list[tuple[float, Box]]]]


def looks(file: Path, fps: float = 0.0) -> Looks:
    """Return (seconds, luma, people with their scores) ten times a second."""
    film, net = cv2.VideoCapture(str(file)), NanoDet.shared()
    fps = fps or film.get(cv2.CAP_PROP_FPS) or 25.0
    number, next_s, seen = 0, 0.0, []
    while True:
        is_there, picture = film.read()
        if not is_there:
            return seen
        if number / fps >= next_s - 1e-6:
            next_s += LOOK_S
            people = [(score, box) for _, score, box in net.find(picture, (0,), min_score=CLEAR)]
            seen.append((number / fps, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), people))
        number += 1


def height_of(seen: Looks) -> float:
    """Return how tall the detector takes people to be at the end of a film."""
    height = UsualHeight(FIRST_HEIGHT)
    for _, _, people in seen:
        if people:
            height.take([box for _, box in people])
    return height.now


def judgements(seen: Looks, took_ms: list[float]) -> Iterator[tuple[float, tuple[float, float, float]]]:
    """Yield (seconds, features) each half second and at the end."""
    unrest, height, next_s = Unrest(), height_of(seen), 0.0
    for now_s, luma, _ in seen:
        begun = time.perf_counter()
        unrest.take(luma, height, now_s)
        took_ms.append((time.perf_counter() - begun) * 1000)
        if now_s < next_s and now_s < seen[-1][0]:
            continue
        next_s = now_s + 0.5
        figures = unrest.figures(now_s)
        if figures is not None:
            yield now_s, features(figures)


def part(seen: Looks, sides: tuple[float, float, float, float]) -> Looks:
    """Return a part of a film as a film of its own."""
    left, top, right, bottom = sides
    wide, high = right - left, bottom - top
    cut: Looks = []
    for now_s, luma, people in seen:
        rows, columns = luma.shape
        inside = [
            (
                score,
                (box.left - left) / wide,
                (box.top - top) / high,
                (box.right - left) / wide,
                (box.bottom - top) / high,
            )
            for score, box in people
            if left < box.middle[0] < right and top < box.middle[1] < bottom
        ]
        boxes = [
            (score, Box(left=max(0.0, x0), top=max(0.0, y0), right=min(1.0, x1), bottom=min(1.0, y1)))
            for score, x0, y0, x1, y1 in inside
        ]
        view = luma[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)]
        cut.append((now_s, np.ascontiguousarray(view), boxes))
    return cut


def walkers(file: Path) -> list[Looks]:
    """Return the film of pedestrians in its variants."""
    seen = looks(file, WALKING_FPS)
    slow = [(now_s * WALKING_FPS / TRUE_FPS, luma, people) for now_s, luma, people in seen]
    return [seen, slow, *(part(seen, sides) for sides in PARTS)]


def learn(values: Any, labels: Any, counts: Any) -> Any:
    """Return weights and bias of a logistic regression with a penalty, on standardised features."""
    mean = np.average(values, axis=0, weights=counts)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=counts)) + 1e-9
    scaled, signs = (values - mean) / deviation, 2 * labels - 1

    def cost(weights: Any) -> tuple[float, Any]:
        margins = signs * (scaled @ weights[:-1] + weights[-1])
        pull = -signs / (1 + np.exp(margins)) * counts
        gradient = np.append(scaled.T @ pull + PENALTY * weights[:-1], pull.sum())
        lost = (counts * np.logaddexp(0, -margins)).sum() + PENALTY * weights[:-1] @ weights[:-1] / 2
        return float(lost), gradient

    found = minimize(cost, np.zeros(scaled.shape[1] + 1), jac=True).x
    weights = found[:-1] / deviation
    return np.append(weights, found[-1] - weights @ mean)


def held_out(values: Any, labels: Any, counts: Any, scenes: Any) -> Any:
    """Return the logarithm of the odds of each row by numbers that were learnt without its scene."""
    odds = np.zeros(len(labels))
    for scene in sorted(set(scenes)):
        inside = scenes == scene
        weights = learn(values[~inside], labels[~inside], counts[~inside])
        odds[inside] = values[inside] @ weights[:-1] + weights[-1]
    return odds


def area_under_curve(labels: Any, odds: Any) -> float:
    """Return the chance that a fight scores higher than a clip without one (Mann and Whitney, 1947)."""
    fights, others = odds[labels == 1], odds[labels == 0]
    return float(np.mean([(fights > other).mean() + 0.5 * (fights == other).mean() for other in others]))


def recall_at(labels: Any, odds: Any, false_alarms: float) -> tuple[float, float]:
    """Return the share of fights found, and the odds above which, where so many others are false alarms at most."""
    others = np.sort(odds[labels == 0])[::-1]
    limit = float(others[int(false_alarms * len(others))])
    return float((odds[labels == 1] > limit).mean()), limit


def clips(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Yield (file, whether it is a fight, scene) of a manifest's clips that name their scene."""
    for row in csv.DictReader((folder / "manifest.csv").open()):
        if row["file"].endswith(".mp4") and "scene=" in row["note"]:
            is_fight = "fight" in row["label"].split()
            yield folder / row["file"], int(is_fight), row["note"].partition("scene=")[2].partition(";")[0].strip()


def gather(folders: Sequence[Path], walking: Path, took_ms: list[float]) -> tuple[list[Any], list[int], list[str]]:
    """Return the features, the label and the scene of each clip and of each second judgement of the walkers."""
    values, labels, scenes = [], [], []
    for folder in folders:
        for file, label, scene in clips(folder):
            judged = [one for _, one in judgements(looks(file), took_ms)]
            if not judged:
                print(f"{file.name}: too short")
                continue
            values.append(np.mean(judged, axis=0))
            labels.append(label)
            scenes.append(scene)
    for seen in walkers(walking):
        judged = [one for _, one in judgements(seen, took_ms)][::2]
        values += judged
        labels += [0] * len(judged)
        scenes += [WALKING] * len(judged)
    return values, labels, scenes


def main() -> None:
    """Print the figures, and write the numbers where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=SHARED / "footage/fights")
    parser.add_argument("--more", type=Path, default=SHARED / "footage/night")
    parser.add_argument("--walking", type=Path, default=SHARED / "media/vtest.avi")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--weights", type=Path, nargs="?", const=WEIGHTS)
    options = parser.parse_args()
    if not (options.folder / "manifest.csv").exists():
        raise SystemExit(f"no footage at {options.folder}: nothing was measured")
    cv2.setNumThreads(1)
    took_ms: list[float] = []
    found = gather([options.folder, options.more], options.walking, took_ms)
    values, labels, scenes = np.array(found[0]), np.array(found[1]), np.array(found[2])
    is_clip = scenes != WALKING
    counts = np.where(is_clip, 1.0, WALKING_CLIPS / max(1, int((~is_clip).sum())))
    odds = held_out(values, labels, counts, scenes)
    numbers = [round(float(number), 3) for number in learn(values, labels, counts)]
    recall, limit = recall_at(labels[is_clip], odds[is_clip], 0.05)
    result = {
        "clips": int(is_clip.sum()),
        "fights": int(labels.sum()),
        "auc_scene_wise": round(area_under_curve(labels[is_clip], odds[is_clip]), 3),
        "recall_at_5_percent": round(recall, 3),
        "odds_at_5_percent": round(limit, 3),
        "odds_of_walking": [round(float(q), 2) for q in np.quantile(odds[~is_clip], (0.5, 0.95, 1.0))],
        "ms_per_look": round(statistics.median(took_ms), 2),
        "numbers": numbers,
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if options.weights:
        learnt = {"features": ["unrest", "jerk", "pace"], "weights": numbers[:-1], "bias": numbers[-1]}
        options.weights.write_text(json.dumps(learnt, indent=2) + "\n")


if __name__ == "__main__":
    main()
