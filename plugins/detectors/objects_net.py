"""NanoDet on onnxruntime: what the net eats, what its six outputs mean, once a process."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from ...core import Box, PluginError, Texts, open_net

SIDE_PX = 416
STRIDES = (8, 16, 32)
LABEL_COUNT = 80
# A box's distance to a side is a distribution over 0..10 strides (Generalized Focal Loss, Li et al., 2020).
BINS = 11
# What NanoDet-g was trained with: BGR, ImageNet's mean and deviation.
MEAN, DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
OVERLAP_LIMIT = 0.5
# More than a street holds; it bounds the time that suppression takes on a picture full of noise.
MOST_CANDIDATES = 300

# The last layer of the backbone's third stage, 128 x 13 x 13: what other small judgements stand on.
FEATURES = "PartitionedCall/onnx_tf_prefix_LeakyRelu_53:0"

# What onnxruntime raises for a file that is none, a graph that is broken, an input that does not fit.
FAULTS = (
    *(faults.Fail, faults.InvalidArgument, faults.InvalidGraph, faults.InvalidProtobuf, faults.NotImplemented),
    *(faults.RuntimeException, RuntimeError, ValueError, LookupError),
)

Found = tuple[int, float, Box]


class NanoDet:
    """Find things in a picture. About 45 ms of one core for each, and 20 MB beside the library."""

    def __init__(self, weights: Path, *, tells_features: bool = True) -> None:
        content = weights.read_bytes()
        # The net's own six answers, and what it sees before it knows what that is.
        self._session = open_net(content + (_also_tell(FEATURES) if tells_features else b""))
        self._input = self._session.get_inputs()[0].name
        self._answers = [output.name for output in self._session.get_outputs() if output.name != FEATURES]
        # Loading leaves 25 MB of freed heap behind, which glibc keeps unless asked.
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)

    @staticmethod
    @lru_cache(maxsize=1)
    def shared() -> NanoDet:
        """Return this process's net; loaded when first asked for."""
        with resources.as_file(resources.files(__package__) / "models" / "nanodet_g.w16.onnx") as path:
            return NanoDet(path)

    @staticmethod
    @lru_cache(maxsize=4)
    def of(path: Path) -> NanoDet:
        """Return this process's net of another file of the family. PluginError in words."""
        if not path.is_file():
            raise PluginError(Texts()("objects.model.missing", file=path))
        try:
            net = NanoDet(path, tells_features=False)
            net.find(np.zeros((64, 64, 3), np.uint8), (0,), min_score=0.5)
        except FAULTS as err:
            raise PluginError(Texts()("objects.model.not_onnx", file=path, why=first_line(err))) from err
        return net

    def find(
        self,
        bgr: NDArray[np.uint8],
        labels: Sequence[int],
        *,
        min_score: float,
        size: tuple[int, int] = (SIDE_PX, SIDE_PX),
    ) -> list[Found]:
        """Return (label number, score, box) of each thing, best first. ``bgr`` is uint8 [height, width, 3].

        ``size`` is (width, height) of what the net sees, multiples of 32; time goes with its area.
        """
        if bgr.ndim != 3 or min(bgr.shape[:2]) < 16:
            return []
        outputs = self._session.run(self._answers, {self._input: _prepare(bgr, size)})
        scores, sides, centres, strides = _candidates(outputs, labels, min_score, size)
        if not len(scores):
            return []
        corners = _corners(sides, centres, strides)
        best = scores.argmax(axis=1)
        found: list[Found] = []
        for row in _suppress(corners, scores.max(axis=1), best):
            shares = np.clip(corners[row] / np.array([*size, *size]), 0.0, 1.0)
            left, top, right, bottom = (float(side) for side in shares)
            if right > left and bottom > top:
                box = Box(left=left, top=top, right=right, bottom=bottom)
                found.append((labels[int(best[row])], float(scores[row, best[row]]), box))
        return found

    def features(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return 128 numbers that say what kind of picture this is, of uint8 BGR [height, width, 3]."""
        (maps,) = self._session.run([FEATURES], {self._input: _prepare(bgr)})
        features: NDArray[np.float32] = np.asarray(maps, np.float32)[0].mean(axis=(1, 2))
        return features


def _also_tell(tensor: str) -> bytes:
    """Return what, put behind a model, makes it tell one more of its tensors.

    ONNX is Protocol Buffers: a message that comes twice is merged, so a second graph (field 7 of the model) that
    holds nothing but an output (field 12, with its name in field 1) adds it to the first.
    """

    def field(number: int, content: bytes) -> bytes:
        assert len(content) < 128, "one byte holds the length"
        return bytes([number << 3 | 2, len(content)]) + content

    return field(7, field(12, field(1, tensor.encode())))


def first_line(err: BaseException) -> str:
    """Return what an error says first, for people."""
    lines = str(err).strip().splitlines()
    return lines[0][:200] if lines else type(err).__name__


def suppressed(found: Sequence[Found]) -> list[Found]:
    """Return what stays of things found in several pictures of one scene, best first."""
    if not found:
        return []
    corners = np.array([[box.left, box.top, box.right, box.bottom] for _, _, box in found], np.float32)
    scores = np.array([score for _, score, _ in found], np.float32)
    rows = _suppress(corners, scores, np.array([label for label, _, _ in found]), least_area=1e-12)
    return [found[row] for row in rows]


def _prepare(bgr: NDArray[np.uint8], size: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> NDArray[np.float32]:
    small = cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    small -= np.asarray(MEAN, np.float32)
    small /= np.asarray(DEVIATION, np.float32)
    return np.ascontiguousarray(small.transpose(2, 0, 1)[np.newaxis])


def _candidates(
    outputs: Sequence[Any], labels: Sequence[int], min_score: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return scores [n, labels], side bins [n, 44], centres [n, 2] and strides [n] of what is seen."""
    by_shape = {output.shape[1:]: output[0] for output in outputs}
    scores, sides, centres, strides = [], [], [], []
    for stride in STRIDES:
        across, cells = size[0] // stride, (size[0] // stride) * (size[1] // stride)
        wanted = by_shape[cells, LABEL_COUNT][:, list(labels)]
        rows = np.flatnonzero(wanted.max(axis=1) >= min_score)
        scores.append(wanted[rows])
        sides.append(by_shape[cells, 4 * BINS][rows])
        centres.append((np.stack((rows % across, rows // across), axis=1) + 0.5) * stride)
        strides.append(np.full(len(rows), stride, np.float32))
    all_scores = np.concatenate(scores)
    order = np.argsort(-all_scores.max(axis=1))[:MOST_CANDIDATES]
    return (
        all_scores[order],
        np.concatenate(sides)[order],
        np.concatenate(centres).astype(np.float32)[order],
        np.concatenate(strides)[order],
    )


def _corners(
    sides: NDArray[np.float32], centres: NDArray[np.float32], strides: NDArray[np.float32]
) -> NDArray[np.float32]:
    bins = sides.reshape(-1, 4, BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    distances = (weights * np.arange(BINS, dtype=np.float32)).sum(axis=2) * strides[:, np.newaxis]
    return np.concatenate((centres - distances[:, :2], centres + distances[:, 2:]), axis=1)


def _suppress(
    corners: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.intp], *, least_area: float = 1e-6
) -> list[int]:
    """Return the rows that stay, best first: of boxes of one label that overlap only the best stays."""
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    waiting = np.argsort(-scores)
    kept: list[int] = []
    while len(waiting):
        best, rest = int(waiting[0]), waiting[1:]
        kept.append(best)
        top_left = np.maximum(corners[best, :2], corners[rest, :2])
        bottom_right = np.minimum(corners[best, 2:], corners[rest, 2:])
        both = np.clip(bottom_right - top_left, 0.0, None).prod(axis=1)
        overlap = both / np.maximum(areas[best] + areas[rest] - both, least_area)
        waiting = rest[(overlap < OVERLAP_LIMIT) | (labels[rest] != labels[best])]
    return kept
