"""Detector ``fallen``: a person who stood, lies now, and does not get up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import voluptuous as vol

from ....core import Box, Frame, LookContext, Observation, Scene, Sighting, Wants, validators
from .dwellers import Dweller, Dwellers
from .offences import GAP_S

# A body that lies is at most this high beside what it was standing, and wider than it is high by so much. A person who
# sits or bends is as wide as high; one who lies along the view is missed, which is said in the manual.
_LOW, _WIDE = 0.6, 1.15
# A standing body, seen from a usual mount, is higher than wide by so much.
_UPRIGHT = 1.35
# Lying, it moves less than this share of its length.
_STILL = 0.5
# A net loses people as they fall and finds them again on the ground.
_HIDDEN_S = 30.0

SCHEMA = vol.Schema(
    {
        vol.Optional("zone", default=None, description="behaviour.option.zone"): vol.Any(None, str),
        vol.Optional("for", default="10 s", description="behaviour.option.fallen_for"): vol.All(
            validators.duration, vol.Range(min=2, max=3600)
        ),
    }
)


class _Body:
    """Hold how high a person stood, and since when the person lies, and where."""

    def __init__(self) -> None:
        self.stood = 0.0
        self.lies_since_s: float | None = None
        self.lay_at: tuple[float, float] = (0.0, 0.0)
        self.is_told = False


class FallenDetector:
    """Tell each person once who lies for long enough."""

    wants = Wants(pixels="none", interval_s=0.5, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._zone = scene.known_zone(checked["zone"])
        self._for_s: float = checked["for"]
        self._people = Dwellers(_HIDDEN_S)
        self._bodies: dict[int, _Body] = {}
        self._looked_s = float("-inf")
        self._aspect = 16 / 9

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Follow the people of the zone."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._people.forget()
        self._looked_s = now_s
        seen = [one for one in context.sightings if one.label == "person" and one.is_in(self._zone)]
        self._aspect = context.aspect
        return list(self._lying(self._people.update(seen, now_s), seen, now_s))

    def _lying(self, people: Sequence[Dweller], seen: Sequence[Sighting], now_s: float) -> Iterator[Observation]:
        bodies = {}
        fresh = {one.track for one in seen}
        for person in people:
            # A dweller keeps its object when the tracker gives the person another number.
            body = bodies[id(person)] = self._bodies.get(id(person)) or _Body()
            if person.track not in fresh:
                continue
            self._see(body, person.box, now_s)
            if body.is_told or body.lies_since_s is None or now_s - body.lies_since_s < self._for_s:
                continue
            body.is_told = True
            data = {"track": person.track, "seconds": round(now_s - body.lies_since_s)}
            score = round(person.score, 3)
            yield Observation(kind="person.fallen", zone=self._zone, score=score, data=data, boxes=(person.box,))
        self._bodies = bodies

    def _see(self, body: _Body, box: Box, now_s: float) -> None:
        # In shares of the picture's height, both of them.
        height, width = box.bottom - box.top, (box.right - box.left) * self._aspect
        middle = (box.middle[0] * self._aspect, box.middle[1])
        if height >= _UPRIGHT * width:
            body.stood = max(height, 0.9 * body.stood)
            body.lies_since_s, body.is_told = None, False
            return
        is_lying = body.stood > 0 and height <= _LOW * body.stood and width >= _WIDE * height
        if not is_lying:
            body.lies_since_s = None
            return
        moved = max(abs(middle[0] - body.lay_at[0]), abs(middle[1] - body.lay_at[1]))
        if body.lies_since_s is None or moved > _STILL * max(width, height):
            body.lies_since_s, body.lay_at = now_s, middle
