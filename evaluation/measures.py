"""The measures that the cases share."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from ..core.types import Box


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the chance that a positive scores above a negative (Mann and Whitney, 1947); nan without both."""
    positives = [score for score, label in zip(scores, labels, strict=True) if label]
    negatives = [score for score, label in zip(scores, labels, strict=True) if not label]
    if not positives or not negatives:
        return float("nan")
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def share(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return a quantile; None of nothing."""
    return float(np.quantile(values, q)) if values else None


def median(values: Sequence[float]) -> float | None:
    """Return the median; None of nothing."""
    return statistics.median(values) if values else None


def average_precision(
    seen: Sequence[Sequence[tuple[float, Box]]], truth: Sequence[Sequence[Box]], overlap: float = 0.5
) -> float:
    """Return the area under precision over recall (PASCAL VOC, all points); each true box may be found once."""
    count = sum(len(boxes) for boxes in truth)
    hits: list[tuple[float, bool]] = []
    for found, boxes in zip(seen, truth, strict=True):
        free = list(boxes)
        for score, box in sorted(found, key=lambda one: -one[0]):
            best = max(free, key=lambda other: box.overlap(other), default=None)
            is_hit = best is not None and box.overlap(best) >= overlap
            if is_hit and best is not None:
                free.remove(best)
            hits.append((score, is_hit))
    if not count or not hits:
        return 0.0
    right = np.cumsum([is_hit for _, is_hit in sorted(hits, key=lambda one: -one[0])])
    precision = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate(([0], right / count))) * precision))
