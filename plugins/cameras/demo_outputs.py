"""The siren, lamp and speaker of a demo camera: what is on, until when, and how the picture shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from .demo_canal import Picture

OUTPUTS = ("siren", "lamp", "speaker")
_WORDS = {"siren": "SIRENE", "lamp": "LAMPU", "speaker": "SUARA"}
_SOUND_S = 4.0
_LAMP_GAIN = 1.5


class DemoOutputs:
    """Hold what is switched on, by output; each ends by itself at its time, whatever became of the hub."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def ask(self, what: str, values: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer ``switch``, ``play`` or ``state``: an HTTP status and a body. KeyError, ValueError on nonsense."""
        if what == "switch":
            if values["output"] not in OUTPUTS:
                return 404, {"outputs": list(OUTPUTS)}
            self._switch(str(values["output"]), bool(values["is_on"]), float(values["for_s"]))
        elif what == "play":
            self._switch("speaker", bool(values["sound"]), _SOUND_S)
        elif what != "state":
            return 404, {}
        return 200, {"outputs": list(OUTPUTS), "on": self.on()}

    def on(self) -> list[str]:
        """Return what is on now."""
        now_s = time.monotonic()
        with self._lock:
            return [output for output, until_s in self._until_s.items() if until_s > now_s]

    def show(self, picture: Picture) -> None:
        """Brighten the picture where the lamp shines, and write what sounds."""
        on = self.on()
        if "lamp" in on:
            np.copyto(picture, cv2.convertScaleAbs(picture, alpha=_LAMP_GAIN))
        if on:
            text = " + ".join(_WORDS[output] for output in on)
            cv2.rectangle(picture, (8, 40), (28 + 13 * len(text), 66), (0, 0, 160), -1)
            cv2.putText(picture, text, (16, 59), cv2.FONT_HERSHEY_SIMPLEX, 0.58, (255, 255, 255), 1, cv2.LINE_AA)

    def _switch(self, output: str, is_on: bool, for_s: float) -> None:
        with self._lock:
            self._until_s[output] = time.monotonic() + (for_s or float("inf")) if is_on else 0.0
