"""The detector ``fire``: what each look adds, when it is told, and how often again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core import Box, Frame, LookContext, Observation, Scene, Wants, depth_in
from .flame import CELL_PX as FLAME_PX
from .flame import FlameWatch
from .smoke import CELL_PX as SMOKE_PX
from .smoke import SmokeWatch

Outline = tuple[tuple[float, float], ...]

WIDTH_PX = 320
# Without pictures for so long the evidence of before says nothing.
GAP_S = 3.0
# Evidence must hold for so long beyond its own window; twice as long where a single picture does not look like a fire.
_HOLD_S = 1.0
# The net's opinion is asked no more often than this.
_LOOK_EVERY_S = 10.0
_FIRST_AGAINS, _AGAIN_S, _LATER_S = 12, 5.0, 60.0
# Evidence that is missing for so long is a fire that went out, or none.
_LOST_S = 6.0


class _Case:
    """Follow one kind of evidence: since when it holds, and when it was told last."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._since_s: float | None = None
        self._seen_s = 0.0
        self._told_s: float | None = None
        self._times = 0

    def take(self, now_s: float, *, is_there: bool, is_like_fire: bool) -> float | None:
        """Return for how many seconds it has been there, when that is to be told now."""
        if not is_there:
            if self._since_s is not None and now_s - self._seen_s > _LOST_S:
                self._since_s, self._told_s, self._times = None, None, 0
            return None
        self._since_s = now_s if self._since_s is None else self._since_s
        self._seen_s = now_s
        if now_s - self._since_s < (_HOLD_S if is_like_fire else 2.5 * _HOLD_S):
            return None
        wait_s = _AGAIN_S if self._times < _FIRST_AGAINS else _LATER_S
        if self._told_s is not None and now_s - self._told_s < wait_s:
            return None
        self._told_s, self._times = now_s, self._times + 1
        return now_s - self._since_s


class FireDetector:
    """Watch one camera for flames and smoke."""

    wants = Wants(pixels="colour", interval_s=0.2)

    def __init__(
        self, options: dict[str, Any], scene: Scene, second_look: Callable[[NDArray[np.uint8]], float], limit: float
    ) -> None:
        self._inside = _outlines(options["zones"], scene)
        self._outside = _outlines(options["except"], scene)
        self._what: list[str] = options["what"]
        self._min_area: float = options["min_area"]
        self._tells_suspicions: bool = options["suspicions"]
        self._second_look = second_look
        self._limit = limit
        self._flames, self._smoke = FlameWatch(), SmokeWatch()
        self._cases = {"flame": _Case("fire.flame"), "smoke": _Case("fire.smoke")}
        self._looked_s = self._judged_s = float("-inf")
        self._look: float | None = None
        self._was_suspected = False

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Add one look to the evidence."""
        if frame is None or min(frame.luma.shape[:2]) < 2 * SMOKE_PX:
            return ()
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._flames.forget()
            self._smoke.forget()
        self._looked_s = now_s
        bgr = _small(frame.colour())
        self._flames.take(bgr, now_s)
        if "smoke" in self._what:
            self._smoke.take(*_luma_and_saturation(bgr), now_s)
        flames = self._places([(f.box, f.score) for f in self._flames.flames()], FLAME_PX, bgr.shape)
        clouds = self._places([(s.box, s.score) for s in self._smoke.clouds()], SMOKE_PX, bgr.shape)
        told = list(self._suspect(frame, now_s, is_asked=bool(flames or clouds)))
        for what, places in (("flame", flames), ("smoke", clouds)):
            if what in self._what:
                told += self._tell(self._cases[what], places, now_s)
        return told

    def _tell(self, case: _Case, places: list[tuple[Box, float]], now_s: float) -> list[Observation]:
        seconds = case.take(now_s, is_there=bool(places), is_like_fire=(self._look or 0.0) >= self._limit)
        if seconds is None:
            return []
        area = sum(box.area for box, _ in places)
        data = {"area": round(area, 4), "seconds": round(seconds, 1), "look": self._look}
        score = max(score for _, score in places)
        return [Observation(kind=case.kind, score=score, data=data, boxes=tuple(box for box, _ in places[:5]))]

    def _suspect(self, frame: Frame, now_s: float, *, is_asked: bool) -> Sequence[Observation]:
        """Ask the net about this one picture, now and then; what it says is a reading, and no alarm."""
        wait_s = _LOOK_EVERY_S if is_asked or self._flames.has_colours else 3 * _LOOK_EVERY_S
        if now_s - self._judged_s < wait_s:
            return ()
        self._judged_s = now_s
        self._look = round(self._second_look(frame.colour()), 3)
        is_suspected = self._look >= self._limit
        if not is_suspected:
            self._was_suspected = False
            return ()
        is_event = self._tells_suspicions and not self._was_suspected
        self._was_suspected = True
        data = {"look": self._look}
        return (Observation(kind="fire.suspected", score=self._look, data=data, is_event=is_event),)

    def _places(
        self, found: list[tuple[tuple[int, int, int, int], float]], cell_px: int, shape: tuple[int, ...]
    ) -> list[tuple[Box, float]]:
        height, width = (side / cell_px for side in shape[:2])
        places = []
        for (left, top, right, bottom), score in found:
            box = Box(
                left=min(1.0, left / width),
                top=min(1.0, top / height),
                right=min(1.0, right / width),
                bottom=min(1.0, bottom / height),
            )
            is_in = not self._inside or any(depth_in(zone, box.middle) >= 0 for zone in self._inside)
            is_out = any(depth_in(zone, box.middle) >= 0 for zone in self._outside)
            if is_in and not is_out and box.area >= self._min_area:
                places.append((box, score))
        return places


def _outlines(names: Sequence[str], scene: Scene) -> list[Outline]:
    return [scene.zones[name] for name in names if scene.known_zone(name) is not None]


def _small(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = bgr.shape[:2]
    if width <= WIDTH_PX:
        return bgr
    size = (WIDTH_PX, max(2 * SMOKE_PX, round(height * WIDTH_PX / width)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _luma_and_saturation(bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    saturation = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)[..., 1], np.uint8)
    luma = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    return luma, saturation if saturation.mean() > 4 else None
