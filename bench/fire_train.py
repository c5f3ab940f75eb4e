"""Learns the second look of the fire detector: 128 weights on what the person detector's net sees in a picture.

usage: python -m bench.fire_train [--data ../shared/footage/fire]

Pictures with ``fire`` or ``smoke`` as their label are fires; ``contained_fire`` (a fireplace) is left out. Each is
taken as it is and mirrored. A logistic regression with a ridge, by Newton's method: nothing in it is drawn by chance.
The limit is the one at which 15 % of the negatives are suspected when each picture is judged by what was learnt without
it; what that limit finds of the fires is written beside the weights. None of the footage is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siaga.evaluation.footage import rows_of, still
from siaga.plugins.detectors.objects_net import NanoDet

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "plugins" / "detectors" / "fire" / "second_look.json"
RIDGE = 3.0
FALSE_SHARE = 0.15


def features(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return features [pictures, 2, 128] (as it is, mirrored) and which are fires."""
    net = NanoDet.shared()
    rows = [row for row in rows_of(folder) if "contained" not in row["label"]]
    seen = []
    for row in rows:
        picture = still(folder / row["file"])
        seen.append([net.features(picture), net.features(np.ascontiguousarray(picture[:, ::-1]))])
    return np.asarray(seen, np.float64), np.array([row["label"].startswith(("fire", "smoke")) for row in rows])


def learn(seen: NDArray[np.float64], is_fire: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return weights and bias on features as they are."""
    flat = seen.reshape(-1, seen.shape[-1])
    wanted = np.repeat(is_fire, seen.shape[1]).astype(float)
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-6
    design = np.c_[(flat - mean) / spread, np.ones(len(flat))]
    ridge = np.diag(np.r_[np.full(flat.shape[1], RIDGE * seen.shape[1]), 1e-6])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (chance - wanted) + ridge @ weights
        weights -= np.linalg.solve((design.T * (chance * (1 - chance) + 1e-6)) @ design + ridge, slope)
    plain = weights[:-1] / spread
    return plain, float(weights[-1] - plain @ mean)


def main() -> None:
    """Learn, judge each picture by what was learnt without it, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "footage" / "fire")
    seen, is_fire = features(parser.parse_args().data)
    scores = []
    for number in range(len(seen)):
        rest = np.arange(len(seen)) != number
        weights, bias = learn(seen[rest], is_fire[rest])
        # As in the product: one look, not mirrored.
        scores.append(float(seen[number, 0] @ weights + bias))
    logits = np.array(scores)
    negatives = np.sort(logits[~is_fire])[::-1]
    limit = float(negatives[int(FALSE_SHARE * len(negatives))])
    found = float((logits[is_fire] > limit).mean())
    pairs = logits[is_fire][:, None] - negatives[None, :]
    auc = float(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    weights, bias = learn(seen, is_fire)
    told = {
        "about": "learnt by bench/fire_train.py; the figures are of pictures that were left out one by one",
        "pictures": len(seen),
        "auc": round(auc, 3),
        "recall": round(found, 3),
        "false_share": round(float((logits[~is_fire] > limit).mean()), 3),
        "suspected": round(float(1 / (1 + np.exp(-limit))), 4),
        "bias": round(bias, 5),
        "weights": [round(float(weight), 5) for weight in weights],
    }
    TARGET.write_text(json.dumps(told) + "\n", "ascii")
    print({key: value for key, value in told.items() if key != "weights"})


if __name__ == "__main__":
    main()
