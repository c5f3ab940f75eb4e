"""What each camera's detectors told last, so that an eye that replaces another tells nothing twice."""

from __future__ import annotations

from collections.abc import Iterable

from .messages import EyeEvent, LastTold

# A camera's detectors tell a handful of kinds; one that makes up kinds is not remembered without end.
MOST_OF_A_CAMERA = 50


class LastTolds:
    """Remember the newest event of each camera, detector and kind, as far as a detector observed it."""

    def __init__(self) -> None:
        self._last: dict[str, dict[tuple[str, str], LastTold]] = {}

    def take(self, message: EyeEvent) -> None:
        """Take an event on its way into the hub."""
        if not message.detector:
            return
        of_camera = self._last.setdefault(message.camera, {})
        if message.kind == "detector.on":
            of_camera.pop((message.detector, "detector.off"), None)
            return
        key = (message.detector, message.kind)
        if key in of_camera or len(of_camera) < MOST_OF_A_CAMERA:
            of_camera[key] = LastTold(kind=message.kind, data=message.data, detector=message.detector)

    def fill(self, camera: str, found: Iterable[LastTold]) -> None:
        """Take what the journal knows from before this hub started; what was heard since then counts more."""
        heard = self._last.get(camera, {})
        known = {kind for _, kind in heard}
        before = {(one.detector, one.kind): one for one in found if one.kind not in known}
        self._last[camera] = {**before, **heard}

    def of(self, camera: str) -> tuple[LastTold, ...]:
        """Return what a camera's detectors told last."""
        return tuple(self._last.get(camera, {}).values())
