"""What a still camera's picture tells of the camera itself: covered, turned, blurred, dark or full of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

What = Literal["ok", "covered", "turned", "blurred", "dark", "frozen", "noise", "unsure"]
Luma = NDArray[np.uint8]
Plane = NDArray[Any]

# Structure is compared on a small picture: what lies on it is the place, not its people.
_WIDTH_PX = 160
# The strongest gradients of a picture are its edges, whatever the light: a share, not a height.
_EDGE_SHARE = 0.10
# Edges that run the same way are compared: by chance, few lie where one was.
_WAYS = 4
# An edge that is there in most pictures belongs to the place.
_LASTING = 0.6
# Pictures until the place is known, and how slowly it changes afterwards (looks; at one a second, five minutes).
_LEARN_LOOKS, _SLOW_LOOKS = 20, 300
# A place without edges of its own (sky, fog, a wall) cannot be told from a cover.
_LEAST_LASTING = 0.0025
# Shares of the place's edges that are still seen: below the first the picture shows something else, above the
# second it is the same place, above the third nothing can have moved. Chance alone finds about a tenth.
_ELSEWHERE, _SAME_PLACE, _WHOLE = 0.45, 0.6, 0.85
# A cover leaves less than this of the edges' strength; a turned camera sees as much as before.
_FAINT = 0.4
# Out of focus: fine detail against the large shapes falls to this share of what it was. Less light dims both alike.
_SOFT = 0.6
# A hand, a bag or a spider's web over a part of the lens: so many of the picture's cells lost their structure.
_CELLS, _LOST_CELLS = 4, 0.4
# Nobody can see anything below these (of 255): the mean, and what all but a hundredth stay under.
_DARK_MEAN, _DARK_TOP = 16.0, 45.0
# Noise of a sensor at night reaches 8 to 10 of 255; a broken cable or chip goes far beyond and beyond its own past.
_STORM, _STORM_TIMES = 20.0, 3.0
_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
# Wind moves a mast by so much of the width; nobody turned it.
_SWAY = 0.03


@dataclass(frozen=True, kw_only=True)
class Look:
    """Hold what one picture shows.

    ``seen``: 0..1 of the place's edges that are there; ``shift``: by what share of the width the picture moved.
    """

    what: What
    seen: float = 1.0
    shift: float = 0.0


@dataclass(kw_only=True)
class _Figures:
    edges: NDArray[np.bool_]  # [ways, height, width]
    small: Plane
    cells: Plane
    strength: float
    detail: float
    noise: float


class Place:
    """Learn what stands still before a camera, and judge each picture by it; a look takes about a millisecond."""

    def __init__(self) -> None:
        self._lasting: Plane | None = None
        self._usual: _Figures | None = None
        self._looks = 0
        self._print = 0
        self._same = 0

    @property
    def is_known(self) -> bool:
        """Say whether enough was seen to judge."""
        return self._looks >= _LEARN_LOOKS

    @property
    def same_looks(self) -> int:
        """Return how many pictures in a row were the same to the last bit, the first not counted."""
        return self._same

    def judge(self, luma: Luma) -> Look:
        """Look at one picture; it is learnt where it shows nothing wrong. ``luma``: uint8 [height, width]."""
        self._count_same(luma)
        if luma.size == 0 or min(luma.shape) < 16:
            return Look(what="unsure")
        if float(luma.mean()) < _DARK_MEAN and float(np.percentile(luma[::4, ::4], 99)) < _DARK_TOP:
            return Look(what="dark")
        figures = _figures(luma)
        if not self.is_known:
            self._learn(figures)
            return Look(what="unsure")
        look = self._compare(figures)
        if look.what == "ok":
            self._learn(figures)
        return look

    def forget(self) -> None:
        """Begin anew: the camera was turned on purpose."""
        self._lasting = self._usual = None
        self._looks = 0

    def _count_same(self, luma: Luma) -> None:
        # A picture that comes from a sensor never repeats to the last bit; a frozen encoder's always does.
        mark = hash(luma[::3, ::3].tobytes())
        self._same = self._same + 1 if mark == self._print else 0
        self._print = mark

    def _compare(self, now: _Figures) -> Look:
        lasting, usual = self._lasting, self._usual
        if lasting is None or usual is None or lasting.shape != now.edges.shape:
            return Look(what="unsure")
        place = lasting > _LASTING
        if float(place.mean()) < _LEAST_LASTING:
            return Look(what="unsure")
        if now.noise > max(_STORM, _STORM_TIMES * usual.noise):
            return Look(what="noise")
        seen = _share_seen(place, now.edges)
        if seen < _SAME_PLACE and now.strength < _FAINT * usual.strength:
            return Look(what=_faint(usual, now), seen=seen)
        if _lost(usual, now) >= _LOST_CELLS:
            return Look(what="covered", seen=seen)
        shift = _turned_by(usual, now, place, seen) if seen < _WHOLE else 0.0
        if shift > _SWAY:
            return Look(what="turned", seen=seen, shift=shift)
        if seen >= _SAME_PLACE:
            return Look(what="blurred" if _is_soft(usual, now) else "ok", seen=seen)
        is_turned = seen < _ELSEWHERE and _best_cells(place, now.edges) < _SAME_PLACE
        return Look(what="turned" if is_turned else "unsure", seen=seen)

    def _learn(self, now: _Figures) -> None:
        usual = self._usual
        if self._lasting is None or usual is None or self._lasting.shape != now.edges.shape:
            self._lasting, self._usual, self._looks = now.edges.astype(np.float32), now, 1
            return
        self._looks += 1
        share = 1.0 / min(self._looks, _SLOW_LOOKS)
        self._lasting += share * (now.edges - self._lasting)
        usual.small += share * (now.small - usual.small)
        usual.cells += share * (now.cells - usual.cells)
        usual.strength += share * (now.strength - usual.strength)
        usual.detail += share * (now.detail - usual.detail)
        usual.noise += share * (now.noise - usual.noise)


def _figures(luma: Luma) -> _Figures:
    height, width = luma.shape
    size = (_WIDTH_PX, max(16, round(height * _WIDTH_PX / width)))
    small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    calm = cv2.GaussianBlur(small, (3, 3), 0)
    right, down = cv2.Sobel(calm, cv2.CV_32F, 1, 0), cv2.Sobel(calm, cv2.CV_32F, 0, 1)
    gradient = cv2.magnitude(right, down)
    limit = float(np.quantile(gradient, 1.0 - _EDGE_SHARE))
    is_edge = (gradient >= limit) & (gradient > 0)
    strength = float(gradient[is_edge].mean()) if is_edge.any() else 0.0
    way = np.floor(np.mod(np.arctan2(down, right), np.pi) * (_WAYS / np.pi) + 0.5) % _WAYS
    edges = np.stack([is_edge & (way == number) for number in range(_WAYS)])
    cells = cv2.resize(gradient, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    noise = _noise(luma)
    detail = _detail(luma, noise)
    return _Figures(edges=edges, small=calm, cells=cells, strength=strength, detail=detail, noise=noise)


def _detail(luma: Luma, noise: float) -> float:
    """Return how steep the steepest steps of the full picture are, 0..255, noise taken off."""
    step = cv2.absdiff(luma[::2, 2:], luma[::2, :-2])[:, ::2]
    return max(0.0, float(np.quantile(step, 0.99)) - 3.0 * noise)


def _noise(luma: Luma) -> float:
    """Return the standard deviation of noise, 0..255 (J. Immerkaer, Fast Noise Variance Estimation, 1996).

    The middle of many small patches instead of the mean of all: edges and leaves are not noise.
    """
    height, width = luma.shape
    middle = luma[height // 4 : height - height // 4, width // 8 : width - width // 8]
    answer = np.abs(cv2.filter2D(middle, cv2.CV_32F, _LAPLACIANS)[1:-1, 1:-1])
    patches = cv2.resize(answer, (24, 16), interpolation=cv2.INTER_AREA)
    return float(np.median(patches) * np.sqrt(np.pi / 2) / 6.0)


def _share_seen(place: NDArray[np.bool_], edges: NDArray[np.bool_]) -> float:
    return float(_near(edges)[place].mean())


def _near(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(plane.astype(np.uint8), kernel) for plane in edges]).astype(np.bool_)


def _best_cells(place: NDArray[np.bool_], edges: NDArray[np.bool_]) -> float:
    """Return the share that is seen in the best quarter of the cells: beside a lorry the place is still there."""
    cells = (_CELLS, _CELLS)
    had = cv2.resize(place.sum(axis=0).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    has = cv2.resize((place & _near(edges)).sum(axis=0).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    counted = had > 0.25 * had.mean()
    return float(np.quantile(has[counted] / had[counted], 0.75))


def _shift(before: Plane, now: Plane) -> tuple[float, float]:
    """Return by how many pixels the picture moved, right and down (phase correlation, Kuglin and Hines, 1975)."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(before, now, window)
    return right, down


def _moved(edges: NDArray[np.bool_], right: float, down: float) -> NDArray[np.bool_]:
    back = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
    size = (edges.shape[2], edges.shape[1])
    planes = [cv2.warpAffine(plane.astype(np.uint8), back, size, flags=cv2.INTER_NEAREST) for plane in edges]
    return np.stack(planes).astype(np.bool_)


def _turned_by(usual: _Figures, now: _Figures, place: NDArray[np.bool_], seen: float) -> float:
    """Return by what share of the width the camera turned; 0 where moving the picture back does not bring it back."""
    right, down = _shift(usual.small, now.small)
    is_back = _share_seen(place, _moved(now.edges, right, down)) >= max(_SAME_PLACE, 1.2 * seen)
    return float(np.hypot(right, down) / place.shape[2]) if is_back else 0.0


def _is_soft(usual: _Figures, now: _Figures) -> bool:
    if usual.strength <= 0:
        return False
    wanted = _SOFT * usual.detail * now.strength / usual.strength
    # At night noise hides the detail that is looked for: then nobody can say.
    return now.detail < wanted and 3.0 * now.noise < wanted


def _lost(usual: _Figures, now: _Figures) -> float:
    """Return the share of the cells with structure whose structure is gone; a lorry in front brings its own."""
    # All cells dim alike when the light goes: each is compared as a part of the picture.
    had = usual.cells > 0.25 * usual.cells.max()
    gain = max(0.3, min(1.0, now.strength / usual.strength)) if usual.strength > 0 else 1.0
    return float((now.cells[had] < 0.25 * gain * usual.cells[had]).mean()) if had.any() else 0.0


def _faint(usual: _Figures, now: _Figures) -> What:
    # A lens far out of focus still passes the large lights and shadows; a cover does not.
    one, other = (cv2.GaussianBlur(figures.small, (0, 0), 6) for figures in (usual, now))
    return "blurred" if _likeness(one, other) > 0.8 else "covered"


def _likeness(one: Plane, other: Plane) -> float:
    first, second = one - one.mean(), other - other.mean()
    size = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / size if size > 0 else 0.0
