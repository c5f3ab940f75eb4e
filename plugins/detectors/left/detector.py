"""Lets the still scene judge each keyframe, and tells what it found in the words of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core import Box, Frame, LookContext, Observation, Scene, Wants
from .still import StillScene

# These come and go by themselves: a car that parks was not left behind.
_MOVERS = frozenset(
    ("person", "bicycle", "car", "motorcycle", "bus", "truck", "train", "bird", "cat", "dog", "horse", "sheep", "cow")
)


class LeftDetector:
    """Tell each thing once."""

    wants = Wants(pixels="luma", interval_s=2.0, keyframes_only=True, when="always")

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        self._zone: str | None = options["zone"]
        self._what = frozenset(options["what"])
        self._is_dumping: bool = options["dumping"]
        self._scene = StillScene(
            scene.zones[self._zone] if self._zone is not None else None,
            after_s=options["for"],
            areas=(options["min_area"], options["max_area"]),
        )

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Look at one keyframe."""
        if frame is None or min(frame.luma.shape) < 16:
            return ()
        movers = [one.box for one in context.sightings if one.label in _MOVERS]
        found = self._scene.look(frame.luma, movers, context.mono_s)
        return [self._observe(*one) for one in found if one.what in self._what]

    def _observe(self, what: str, box: Box, area: float, seconds: float) -> Observation:
        data: dict[str, Any] = {"seconds": round(seconds)}
        kind = "dumping.suspected" if self._is_dumping and what == "left" else f"thing.{what}"
        if kind != "dumping.suspected":
            data["area"] = round(area, 4)
        return Observation(kind=kind, zone=self._zone, data=data, boxes=(box,))
