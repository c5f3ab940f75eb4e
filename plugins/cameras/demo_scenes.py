"""What the demo's scenes have in common: how one is made by name, and the clock burnt into each picture."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import cv2

from .demo_canal import CanalScene, Picture
from .demo_city import PTZ_PRESETS, TurningScene
from .demo_schoolyard import SchoolyardScene

__all__ = ["PTZ_PRESETS", "SCENES", "DemoScene", "TurningScene", "make_scene", "stamp", "turn"]


class DemoScene(Protocol):
    """Draw pictures (BGR, 960×540) at times of the scene, counted from 0."""

    def render(self, t_s: float) -> Picture:
        """Return a new picture; the caller may draw on it."""
        ...


SCENES: dict[str, type[CanalScene | SchoolyardScene | TurningScene]] = {
    "canal": CanalScene,
    "schoolyard": SchoolyardScene,
    "ptz": TurningScene,
}


def make_scene(name: str, seed: int) -> DemoScene:
    """Return a scene by the name it has in the configuration; KeyError on another name."""
    return SCENES[name](seed)


def turn(scene: TurningScene, now_s: float, what: str, values: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Turn the scene's view as asked; return an HTTP status and where it stands. KeyError, ValueError on nonsense."""
    if what == "goto":
        if values["preset"] not in PTZ_PRESETS:
            return 404, {"presets": list(PTZ_PRESETS)}
        scene.goto(str(values["preset"]), now_s)
    elif what == "move":
        pan, tilt, zoom, seconds = (float(values[key]) for key in ("pan", "tilt", "zoom", "seconds"))
        scene.move(pan, tilt, zoom, seconds, now_s)
    elif what == "stop":
        scene.stop(now_s)
    elif what not in ("presets", "position"):
        return 404, {}
    return 200, {"presets": list(PTZ_PRESETS), "position": scene.position(now_s)}


def stamp(picture: Picture, at: datetime) -> None:
    """Burn in the time and the word DEMO: nobody may take this for a real place."""
    text = f"DEMO  {at:%Y-%m-%d %H:%M:%S}"
    cv2.rectangle(picture, (8, 6), (300, 32), (0, 0, 0), -1)
    cv2.putText(picture, text, (16, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.58, (255, 255, 255), 1, cv2.LINE_AA)
