"""The demo scene ``ptz``: a wide view of a kali, looked at by a virtual camera that turns and zooms."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from .demo_canal import HEIGHT, WIDTH, Picture
from .demo_panorama import DECK_Y, ROAD_X, TALL, WIDE, draw_panorama

# Where each preset looks: the middle of the view in the wide scene, 0..1, and the zoom.
PTZ_PRESETS = {"pintu-air": (0.17, 0.56, 2.1), "jembatan": (0.52, 0.55, 1.5), "pos-rw": (0.84, 0.60, 2.0)}
MAX_ZOOM = 3.0
_HOME = (0.42, 0.52, 1.0)
# A turn by a preset takes about this long, however far: as real turning cameras do.
_TURN_S = 1.8
# What a speed of 1 turns in a second: share of the scene, and zoom.
_SPEED = np.array([0.15, 0.15, 0.5])
_LONGEST_MOVE_S = 30.0
# Who drives over the bridge: speed in pixels a second, length, height, colour (BGR).
_TRAFFIC = (
    (96, 92, 40, (60, 60, 200)),
    (-78, 38, 34, (40, 40, 40)),
    (130, 38, 34, (180, 90, 40)),
    (-60, 150, 62, (70, 160, 60)),
)
_MOTORCYCLE_PX = 50
_ROUND_TRIP = 3  # of which two thirds are out of sight: the road is often empty

View = NDArray[np.float64]


class TurningScene:
    """Show a window of a wide scene; the window moves as it is told. ``t_s`` is the scene's time of a call."""

    def __init__(self, seed: int) -> None:
        self._wide = draw_panorama(seed)
        self._lock = threading.Lock()
        self._from: View = np.array(_HOME)
        self._to: View = np.array(_HOME)
        self._begun_s, self._takes_s = 0.0, 0.0
        self._preset = ""

    def render(self, t_s: float) -> Picture:
        """Return the picture (BGR, 960×540) of the window at a time of the scene."""
        with self._lock:
            view, preset = self._at(t_s), self._preset
        scale = WIDTH / _window(view[2])[0]
        shift = np.array([WIDTH / 2, HEIGHT / 2]) - view[:2] * (WIDE, TALL) * scale
        move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        picture = cv2.warpAffine(self._wide, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        _drive(picture, t_s, scale, shift)  # type: ignore[arg-type]
        _caption(picture, view, preset)  # type: ignore[arg-type]
        return picture  # type: ignore[return-value]

    def goto(self, preset: str, t_s: float) -> None:
        """Turn to a preset. KeyError when there is none of the name."""
        with self._lock:
            self._turn(np.array(PTZ_PRESETS[preset]), t_s, _TURN_S, preset)

    def move(self, pan: float, tilt: float, zoom: float, seconds: float, t_s: float) -> None:
        """Turn at a speed of -1..1 on each axis for some seconds."""
        seconds = min(max(seconds, 0.0), _LONGEST_MOVE_S)
        way = np.clip(np.array([pan, tilt, zoom]), -1, 1) * _SPEED * seconds
        with self._lock:
            self._turn(self._at(t_s) + way, t_s, seconds, "")

    def stop(self, t_s: float) -> None:
        """Stand still."""
        with self._lock:
            self._turn(self._at(t_s), t_s, 0.0, "")

    def position(self, t_s: float) -> dict[str, float | bool]:
        """Return where the window stands: ``pan`` and ``tilt`` 0..1, ``zoom`` 1..3, and whether it ``moves``."""
        with self._lock:
            (pan, tilt, zoom), moves = self._at(t_s), t_s < self._begun_s + self._takes_s
        return {"pan": float(pan), "tilt": float(tilt), "zoom": float(zoom), "moves": moves}

    def _turn(self, to: View, t_s: float, takes_s: float, preset: str) -> None:
        self._from, self._to = self._at(t_s), to
        self._begun_s, self._takes_s, self._preset = t_s, takes_s, preset

    def _at(self, t_s: float) -> View:
        if self._takes_s <= 0:
            return self._to
        share = min(max((t_s - self._begun_s) / self._takes_s, 0.0), 1.0)
        if self._preset:
            share = share * share * (3 - 2 * share)  # a motor starts and stops softly
        # Held inside at each moment, so that a move ends at the edge and not slower than it was told.
        return _inside(self._from + (self._to - self._from) * share)


def _window(zoom: float) -> tuple[float, float]:
    """Return width and height of the window in pixels of the wide scene; zoom 1 shows half its width."""
    return WIDE / 2 / zoom, WIDE / 2 / zoom * HEIGHT / WIDTH


def _inside(view: View) -> View:
    """Return the view moved and zoomed so that its window stays in the scene."""
    zoom = float(np.clip(view[2], 1.0, MAX_ZOOM))
    wide, tall = _window(zoom)
    half_wide, half_tall = wide / WIDE / 2, tall / TALL / 2
    return np.array([np.clip(view[0], half_wide, 1 - half_wide), np.clip(view[1], half_tall, 1 - half_tall), zoom])


def _drive(picture: Picture, t_s: float, scale: float, shift: View) -> None:
    """Draw the traffic on the bridge and the road, where the window shows it."""
    road_left = max(0, int(ROAD_X * scale + shift[0]))
    if road_left >= WIDTH:
        return
    road = picture[:, road_left:]
    for number, (speed, long, high, paint) in enumerate(_TRAFFIC):
        x = (number * 1900 + speed * t_s) % (_ROUND_TRIP * (WIDE - ROAD_X)) + ROAD_X - long
        box = np.array([[x, DECK_Y - high], [x + long, DECK_Y - 5]]) * scale + shift
        (left, top), (right, bottom) = box.astype(int) - (road_left, 0)
        if right < 0 or left > WIDTH or bottom < 0 or top > HEIGHT:
            continue
        wheel = max(2, int(7 * scale))
        if long < _MOTORCYCLE_PX:
            middle, head = (left + right) // 2, max(2, int(6 * scale))
            cv2.ellipse(road, (middle, (top + bottom) // 2), (head, (bottom - top) // 2), 0, 0, 360, (90, 80, 70), -1)
            cv2.circle(road, (middle, top), head, (60, 60, 200), -1, cv2.LINE_AA)
            cv2.line(road, (left + wheel, bottom - wheel), (right - wheel, bottom - wheel), paint, wheel)
        else:
            cv2.rectangle(road, (left, top + (bottom - top) // 3), (right, bottom), paint, -1)
            cabin = (right - left) // (8 if long > 100 else 5)
            cv2.rectangle(road, (left + cabin, top), (right - cabin, (top + bottom) // 2), (208, 200, 186), -1)
        for wheel_x in (left + wheel + 2, right - wheel - 2):
            cv2.circle(road, (wheel_x, bottom), wheel, (28, 28, 28), -1, cv2.LINE_AA)


def _caption(picture: Picture, view: View, preset: str) -> None:
    """Write where the camera looks, as turning cameras do."""
    text = f"{preset or 'PTZ'}   P {view[0] * 100:.0f}  T {view[1] * 100:.0f}  Z {view[2]:.1f}x"
    cv2.rectangle(picture, (8, HEIGHT - 38), (28 + 13 * len(text), HEIGHT - 8), (0, 0, 0), -1)
    place = (18, HEIGHT - 16)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.66, (255, 255, 255), 1, cv2.LINE_AA)
