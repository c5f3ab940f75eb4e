"""What the answers of the usual families of detectors mean: boxes in shares of the picture, scores, classes.

Families: YOLO (Ultralytics' v5 to v11 and the end-to-end ones), DETR (RT-DETR, D-FINE and their kin, by logits or by
finished boxes), RF-DETR, SSD as TensorFlow's API exports it. NanoDet stands in ``objects_net``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .objects_net import MOST_CANDIDATES

Array = NDArray[np.float32]
Size = tuple[int, int]  # width, height


class WrongAnswers(Exception):
    """Say that a net's answers are not those of its family: what came, and what was expected."""


class Seen(NamedTuple):
    """Hold what one look saw: ``corners`` [n, 4] left, top, right, bottom in shares of what the net was shown."""

    corners: Array
    scores: Array
    classes: NDArray[np.int64]


class Family(NamedTuple):
    """Say how one family is fed and read. ``is_letterboxed``: the picture keeps its shape between grey bars."""

    prepare: Callable[[NDArray[np.uint8], Size], NDArray[np.generic]]
    read: Callable[[Sequence[Array], Size, float], Seen]
    is_letterboxed: bool = False
    needs_suppression: bool = True


def _unit(bgr: NDArray[np.uint8], size: Size) -> Array:
    rgb = cv2.cvtColor(cv2.resize(bgr, size), cv2.COLOR_BGR2RGB).astype(np.float32) / 255.0
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[np.newaxis])


def _imagenet(bgr: NDArray[np.uint8], size: Size) -> Array:
    mean = np.array((0.485, 0.456, 0.406), np.float32).reshape(1, 3, 1, 1)
    return np.asarray((_unit(bgr, size) - mean) / np.array((0.229, 0.224, 0.225), np.float32).reshape(1, 3, 1, 1))


def _bytes(bgr: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(cv2.resize(bgr, size), cv2.COLOR_BGR2RGB), np.uint8)[np.newaxis]


def _yolo(answers: Sequence[Array], size: Size, least: float) -> Seen:
    told = answers[0]
    if len(answers) != 1 or told.ndim != 3 or told.shape[0] != 1 or min(told.shape[1:]) < 5:
        raise WrongAnswers(f"{_shapes(answers)}; [1, 4 + n, m], [1, m, 5 + n], [1, m, 6]")
    rows = told[0]
    if rows.shape[1] == 6 and rows.shape[0] > 6:  # finished: corners, score, class
        sure = rows[rows[:, 4] >= least]
        return Seen(_of_pixels(sure[:, :4], size), sure[:, 4], sure[:, 5].astype(np.int64))
    if rows.shape[0] < rows.shape[1]:  # v8 and later: a column a place, no score of its own for a thing
        rows = rows.T
        scores = rows[:, 4:]
    else:
        scores = rows[:, 5:] * rows[:, 4:5]
    if scores.shape[1] == 0:
        raise WrongAnswers(f"{_shapes(answers)}; [1, 4 + n, m], [1, m, 5 + n], [1, m, 6]")
    return _best(_of_pixels(_corners(rows[:, :4]), size), scores, least)


def _detr(answers: Sequence[Array], size: Size, least: float) -> Seen:
    finished = _finished(answers, size, least)
    if finished is not None:
        return finished
    boxes = [one for one in answers if one.ndim == 3 and one.shape[2] == 4]
    logits = (
        [one for one in answers if one.ndim == 3 and one.shape[2] != 4 and one.shape[:2] == boxes[0].shape[:2]]
        if boxes
        else []
    )
    if not boxes or not logits:
        raise WrongAnswers(f"{_shapes(answers)}; [1, q, n] + [1, q, 4], [1, q] + [1, q, 4] + [1, q]")
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0][0], -50, 50)))
    return _best(_corners(boxes[0][0]), scores, least)


def _finished(answers: Sequence[Array], size: Size, least: float) -> Seen | None:
    """Read labels [1, q], corners [1, q, 4] in pixels and scores [1, q], as D-FINE's own export tells them."""
    flat = [one for one in answers if one.ndim == 2]
    boxes = [one for one in answers if one.ndim == 3 and one.shape[2] == 4]
    if len(flat) != 2 or len(boxes) != 1:
        return None
    # The scores lie between 0 and 1 and are hardly all whole numbers.
    whole = [bool(np.all(one == np.round(one))) for one in flat]
    labels, scores = (flat[0], flat[1]) if whole[0] and not whole[1] else (flat[1], flat[0])
    if whole[0] == whole[1]:
        labels, scores = flat[0], flat[1]
    sure = scores[0] >= least
    return Seen(_of_pixels(boxes[0][0][sure], size), scores[0][sure], labels[0][sure].astype(np.int64))


def _ssd(answers: Sequence[Array], size: Size, least: float) -> Seen:
    flat = [one.reshape(one.shape[0], one.shape[1], -1) if one.ndim == 4 else one for one in answers]
    boxes = [one for one in flat if one.ndim == 3 and one.shape[2] == 4]
    scores = [one for one in flat if one.ndim == 3 and one.shape[2] != 4]
    if len(boxes) != 1 or len(scores) != 1 or boxes[0].shape[1] != scores[0].shape[1]:
        raise WrongAnswers(f"{_shapes(answers)}; [1, m, 4] + [1, m, n]")
    top_left_first = boxes[0][0][:, [1, 0, 3, 2]]
    return _best(top_left_first, scores[0][0], least)


FAMILIES = {
    "yolo": Family(_unit, _yolo, is_letterboxed=True),
    "detr": Family(_unit, _detr, needs_suppression=False),
    "rf-detr": Family(_imagenet, _detr, needs_suppression=False),
    "ssd": Family(_bytes, _ssd),
}


def _best(corners: Array, scores: Array, least: float) -> Seen:
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), classes]
    rows = np.flatnonzero(best >= least)
    rows = rows[np.argsort(-best[rows])][:MOST_CANDIDATES]
    return Seen(corners[rows], best[rows], classes[rows])


def _corners(middles: Array) -> Array:
    """Return corners of boxes given by their middle, width and height."""
    half = middles[:, 2:4] / 2
    return np.concatenate((middles[:, :2] - half, middles[:, :2] + half), axis=1)


def _of_pixels(corners: Array, size: Size) -> Array:
    return np.asarray(corners / np.array([*size, *size], np.float32), np.float32)


def _shapes(answers: Sequence[Array]) -> str:
    return ", ".join(str(list(one.shape)) for one in answers)
