"""Runs detectors over pictures through the same code as an eye: seats, tracker, judges."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.contracts import Detector, Kind
from ..core.media.camera_looks import CameraLooks
from ..core.media.messages import EyeEvent
from ..core.media.seat import Fence
from ..core.settings import CameraSettings, DetectSettings
from ..core.types import Polygon
from .footage import Picture, frame_of


class Looking:
    """Hold one camera's detectors; ``events`` are what they told, ``took_ms`` how long each look took."""

    def __init__(
        self,
        kinds: Mapping[str, Kind[Detector]],
        fence: Fence,
        detect: Sequence[tuple[str, dict[str, Any]]],
        zones: Mapping[str, Polygon] | None = None,
    ) -> None:
        wanted = tuple(DetectSettings(type=name, options=kinds[name].schema(options)) for name, options in detect)
        settings = CameraSettings(id="uji", type="file", name="Uji", zones=dict(zones or {}), detect=wanted)
        self.events: list[EyeEvent] = []
        self.took_ms: list[float] = []
        self._looks = CameraLooks(settings, kinds, fence)
        self._looks.make(0.0)

    @property
    def off(self) -> dict[str, str]:
        """Return the detectors that went off, with the reason."""
        return self._looks.off

    def see(self, picture: Picture, at_s: float) -> list[EyeEvent]:
        """Show one picture; return what was told of it."""
        if not self._looks.wants(at_s, is_key=True, is_awake=True):
            return []
        frame = frame_of(picture, at_s)
        begun = time.perf_counter()
        told = [one for one in self._looks.look(frame) if isinstance(one, EyeEvent)]
        self.took_ms.append((time.perf_counter() - begun) * 1000)
        self.events += told
        return told
