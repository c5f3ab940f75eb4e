"""What a scene looks like when nothing happens, and what stands in it now that did not, or is gone.

Two pictures are compared: what was there for long, and what is there and does not move. The idea of two backgrounds
with different memories is Porikli, Ivanov and Haga's ("Robust abandoned object detection using dual foregrounds",
EURASIP JASP 2008). Whether a region appeared or went is told by its outline: a thing that stands there has an edge
around it now, one that is gone had it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core import Box

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
_WIDTH = 240
# Grey levels: less is never a change, nor is less than so many times the picture's own noise.
_LEAST, _NOISES, _RESTLESS = 14.0, 4.5, np.float32(4.0)
# What did not change follows the light within so long; what nobody tells of is taken as the scene after so long.
_FOLLOW_S, _ACCEPT_S = 60.0, 900.0
# More of the zone than this at once, or a little everywhere, is the light, the infrared switch or another view: learnt
# anew when it stays.
_UPSET, _OTHER, _UPSET_S = 0.4, 6.0, 10.0
_GAP_S = 60.0
# A place is known when it has been the same for so long.
_LEARN_S = 60.0
# The outline's edge must be so strong, and so much stronger now than before (or before than now).
_EDGE, _SIDE = 7.0, 1.3
# Under a shadow the ground's own pattern goes on, darker.
_SHADOW, _SAME_PATTERN, _PATTERN = (0.25, 0.97), 0.6, 1.5
_KERNEL = np.ones((3, 3), np.uint8)


class Found(NamedTuple):
    """Say what changed for good: ``left`` or ``removed``, where, its share of the picture, for how long it stood."""

    what: str
    box: Box
    area: float
    seconds: float


class StillScene:
    """Follow one zone of one camera; looks may come at any times, some seconds apart."""

    def __init__(
        self, zone: Sequence[tuple[float, float]] | None, *, after_s: float, areas: tuple[float, float]
    ) -> None:
        self._zone_points = zone
        self._after_s = after_s
        self._areas = areas
        self._zone: Mask = np.ones((1, 1), np.bool_)
        self._unrest: Plane = np.zeros((1, 1), np.float32)
        self._usual: Plane = np.zeros((1, 1), np.float32)
        self._before: Plane = np.zeros((1, 1), np.float32)
        self._stood_s: Plane = np.zeros((1, 1), np.float32)
        self._known_s: Plane = np.zeros((1, 1), np.float32)
        self._upset_s = 0.0
        self._looked_s = 0.0

    def look(self, luma: NDArray[np.uint8], movers: Sequence[Box], now_s: float) -> list[Found]:
        """Take one picture, uint8 [height, width], with the boxes of those who move by themselves; say what is new."""
        now = _small(luma)
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        if self._usual.shape != now.shape:
            self._begin(now)
            return []
        if passed_s > _GAP_S:
            self._stood_s[:] = 0.0  # nobody saw what happened meanwhile
            passed_s = 0.0
        usual = self._in_this_light(self._usual, now)
        difference = np.abs(now - usual)
        step = np.abs(now - self._in_this_light(self._before, now))
        noise = 1.4826 * float(np.median(step[self._zone]))
        limit = max(_LEAST, _NOISES * noise)
        self._before = now
        # Leaves and flags are never quite as they were: there it takes more.
        limits = np.maximum(np.float32(limit), _RESTLESS * self._unrest)
        self._unrest += np.float32(min(1.0, passed_s / _FOLLOW_S)) * (step - self._unrest)
        has_changed, moves = (difference > limits) & self._zone, step > limit
        is_other = 1.4826 * float(np.median(difference[self._zone])) > _OTHER + 2 * noise
        if self._is_upset(is_other or float(has_changed[self._zone].mean()) > _UPSET, now, passed_s):
            return []
        covered = _mask_of(movers, now.shape)
        has_changed &= self._is_known(now, has_changed, covered, passed_s)
        self._count(has_changed, moves, covered, passed_s)
        self._follow(now, has_changed, passed_s)
        return self._found(now, usual, movers)

    def _begin(self, now: Plane) -> None:
        self._usual, self._before = now.copy(), now
        self._stood_s, self._known_s, self._unrest = (np.zeros_like(now) for _ in range(3))
        self._zone = np.ones(now.shape, np.bool_)
        if self._zone_points is not None:
            size = np.array([now.shape[1], now.shape[0]])
            corners = (np.array(self._zone_points) * size).astype(np.int32)
            drawn = np.asarray(cv2.fillPoly(np.zeros(now.shape, np.uint8), [corners], 1.0)) > 0
            self._zone = drawn if drawn.any() else self._zone

    def _in_this_light(self, other: Plane, now: Plane) -> Plane:
        """Return another picture as it would look in the light of now: one factor for the whole zone."""
        gain = float(np.median((now[self._zone] + 1.0) / (other[self._zone] + 1.0)))
        return other * np.float32(min(max(gain, 0.4), 2.5))

    def _is_upset(self, is_another: bool, now: Plane, passed_s: float) -> bool:
        if not is_another:
            self._upset_s = 0.0
            return False
        self._upset_s += passed_s
        if self._upset_s >= _UPSET_S:
            self._usual = now.copy()
            self._stood_s[:] = self._known_s[:] = self._unrest[:] = self._upset_s = 0.0
        return True

    def _is_known(self, now: Plane, has_changed: Mask, covered: Mask, passed_s: float) -> Mask:
        """Say where the scene has been the same for long: who stood there at the beginning was not taken away."""
        self._known_s[~has_changed & ~covered] += passed_s
        is_new = (self._known_s < _LEARN_S) & (has_changed | covered)
        self._usual[is_new] = now[is_new]
        self._known_s[is_new] = 0.0
        return self._known_s >= _LEARN_S

    def _count(self, has_changed: Mask, moves: Mask, covered: Mask, passed_s: float) -> None:
        """Count for how long each pixel has been another one and still; who stands before it stops the count."""
        stood = self._stood_s
        stands = has_changed & ~moves & ~covered
        stood[stands] += passed_s
        stood[covered] -= passed_s
        stood[~has_changed & ~covered] -= 2 * passed_s
        np.clip(stood, 0.0, _ACCEPT_S + self._after_s, out=stood)

    def _follow(self, now: Plane, has_changed: Mask, passed_s: float) -> None:
        share = np.float32(min(1.0, passed_s / _FOLLOW_S))
        usual = self._usual
        usual[~has_changed] += share * (now - usual)[~has_changed]
        accepted = self._stood_s >= _ACCEPT_S + self._after_s
        usual[accepted] = now[accepted]
        self._stood_s[accepted] = 0.0

    def _found(self, now: Plane, usual: Plane, movers: Sequence[Box]) -> list[Found]:
        stays = (self._stood_s >= self._after_s).astype(np.uint8)
        if not stays.any():
            return []
        # A hair's breadth of change is a shadow that crept on, or the edge of something that leans.
        whole = cv2.morphologyEx(cv2.morphologyEx(stays, cv2.MORPH_CLOSE, _KERNEL), cv2.MORPH_OPEN, _KERNEL)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
        found = []
        for number in range(1, count):
            left, top, wide, high, pixels = (int(value) for value in stats[number])
            area = pixels / now.size
            box = _box((left, top, wide, high), now.shape)
            if not self._areas[0] <= area <= self._areas[1] or any(box.share_in(mover) > 0.3 for mover in movers):
                continue
            part = labels == number
            what = _what(part, now, usual)
            seconds = float(np.median(self._stood_s[part]))
            self._take_as_usual(part, now)
            if what:
                found.append(Found(what, box, area, seconds))
        return found

    def _take_as_usual(self, part: Mask, now: Plane) -> None:
        wider = cv2.dilate(part.astype(np.uint8), _KERNEL, iterations=2) > 0
        self._usual[wider] = now[wider]
        self._stood_s[wider] = 0.0


def _small(luma: NDArray[np.uint8]) -> Plane:
    rows, columns = luma.shape
    width = min(_WIDTH, columns)
    height = max(8, round(rows * width / columns))
    small = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)


def _what(part: Mask, now: Plane, usual: Plane) -> str:
    """Say whether a part appeared or went; nothing where it is neither, or a shadow."""
    whole = part.astype(np.uint8)
    ring = (cv2.dilate(whole, _KERNEL, iterations=2) - cv2.erode(whole, _KERNEL)) > 0
    edge_now, edge_before = float(_steepness(now)[ring].mean()), float(_steepness(usual)[ring].mean())
    if max(edge_now, edge_before) < _EDGE or _is_shadow(part, now, usual):
        return ""
    if edge_now >= _SIDE * edge_before:
        return "left"
    return "removed" if edge_before >= _SIDE * edge_now else ""


def _is_shadow(part: Mask, now: Plane, usual: Plane) -> bool:
    inside = cv2.erode(part.astype(np.uint8), _KERNEL) > 0
    inside = inside if inside.any() else part
    ratio = float(np.median((now[inside] + 1.0) / (usual[inside] + 1.0)))
    if not _SHADOW[0] <= ratio <= _SHADOW[1]:
        return False
    fine_now, fine_before = (plane - cv2.GaussianBlur(plane, (0, 0), 2.0) for plane in (now, usual))
    a, b = fine_now[inside] - fine_now[inside].mean(), fine_before[inside] - fine_before[inside].mean()
    spread = float(a.std() * b.std())
    has_pattern = float(b.std()) >= _PATTERN and spread > 0
    return has_pattern and float((a * b).mean()) / spread >= _SAME_PATTERN


def _steepness(plane: Plane) -> Plane:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *way, ksize=3, scale=0.25) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _mask_of(boxes: Sequence[Box], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    rows, columns = shape
    for box in boxes:
        wide, high = (box.right - box.left) * 0.1, (box.bottom - box.top) * 0.1
        left, right = (max(0, round(x * columns)) for x in (box.left - wide, box.right + wide))
        top, bottom = (max(0, round(y * rows)) for y in (box.top - high, box.bottom + high))
        mask[top:bottom, left:right] = True
    return mask


def _box(place: tuple[int, int, int, int], shape: tuple[int, ...]) -> Box:
    left, top, wide, high = place
    rows, columns = shape
    return Box(left=left / columns, top=top / rows, right=(left + wide) / columns, bottom=(top + high) / rows)
