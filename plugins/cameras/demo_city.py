"""The demo scene ``ptz``: a street at the water gate, looked at by a virtual camera that turns and zooms."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from .demo_canal import HEIGHT, WIDTH, Picture

WIDE, TALL = 2880, 1200
# Where each preset looks: the middle of the view in the wide scene, 0..1, and the zoom.
PTZ_PRESETS = {"pintu-air": (0.17, 0.58, 2.1), "jembatan": (0.52, 0.55, 1.5), "pos-rw": (0.84, 0.60, 2.0)}
_HOME = (0.5, 0.5, 1.0)
MAX_ZOOM = 3.0
# A turn by a preset takes about this long, however far: as real turning cameras do.
_TURN_S = 1.8


class TurningScene:
    """Show a window of a wide scene; the window moves as it is told."""

    def __init__(self, seed: int) -> None:
        self._wide = draw_city(seed)
        self._lock = threading.Lock()
        self._from: NDArray[np.float64] = np.array(_HOME)
        self._to: NDArray[np.float64] = self._from
        self._begun_s, self._takes_s = 0.0, 0.0
        self._label, self._now_s = "", 0.0

    def render(self, t_s: float) -> Picture:
        """Return the picture (BGR, 960×540) of the window at a time of the scene."""
        with self._lock:
            self._now_s = t_s
            pan, tilt, zoom = self._at(t_s)
            label = self._label
        wide, tall = WIDE / 2 / zoom, WIDE / 2 / zoom * HEIGHT / WIDTH
        left, top = pan * WIDE - wide / 2, tilt * TALL - tall / 2
        scale = WIDTH / wide
        move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float64)
        picture = cv2.warpAffine(self._wide, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        return picture  # type: ignore[return-value]

    def goto(self, preset: str) -> None:
        """Turn to a preset. KeyError when there is none of the name."""
        with self._lock:
            self._turn(np.array(PTZ_PRESETS[preset]), _TURN_S, preset)

    def move(self, pan: float, tilt: float, zoom: float, seconds: float) -> None:
        """Turn at a speed of -1..1 on each axis for some seconds."""
        speed = np.clip(np.array([pan, tilt, zoom]), -1, 1) * np.array([0.15, 0.15, 0.5])
        seconds = min(max(seconds, 0.0), 30.0)
        with self._lock:
            self._turn(self._at(self._now_s) + speed * seconds, seconds, "")

    def stop(self) -> None:
        """Stand still."""
        with self._lock:
            self._turn(self._at(self._now_s), 0.0, "")

    def position(self) -> dict[str, float]:
        """Return where the window stands: ``pan`` and ``tilt`` 0..1, ``zoom`` 1..3."""
        with self._lock:
            pan, tilt, zoom = self._at(self._now_s)
        return {"pan": float(pan), "tilt": float(tilt), "zoom": float(zoom)}

    def _turn(self, to: NDArray[np.float64], takes_s: float, label: str) -> None:
        self._from, self._to = self._at(self._now_s), _inside(to)
        self._begun_s, self._takes_s, self._label = self._now_s, takes_s, label

    def _at(self, t_s: float) -> NDArray[np.float64]:
        if self._takes_s <= 0:
            return self._to
        share = min(max((t_s - self._begun_s) / self._takes_s, 0.0), 1.0)
        if self._label:
            share = share * share * (3 - 2 * share)  # a motor starts and stops softly
        return self._from + (self._to - self._from) * share


def _inside(view: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the view moved and zoomed so that the window stays in the scene."""
    zoom = float(np.clip(view[2], 1.0, MAX_ZOOM))
    half_wide, half_tall = 0.25 / zoom, WIDE / 4 / zoom * HEIGHT / WIDTH / TALL
    return np.array([np.clip(view[0], half_wide, 1 - half_wide), np.clip(view[1], half_tall, 1 - half_tall), zoom])


def draw_city(seed: int) -> Picture:
    """Paint the wide scene once."""
    picture = np.full((TALL, WIDE, 3), 128, np.uint8)
    for x in range(0, WIDE, 160):
        cv2.rectangle(picture, (x, 400), (x + 120, 900), (x % 255, 120, 200 - x % 200), -1)
    return picture
