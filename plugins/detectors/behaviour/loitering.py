"""Detector ``loitering``: a person who stays in a place where nobody has reason to stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import voluptuous as vol

from ....core import Frame, LookContext, Observation, Scene, Sighting, Wants, validators
from .dwellers import Dwellers

# Looked at again after so long without pictures, nobody knows who stayed meanwhile.
GAP_S = 30.0

SCHEMA = vol.Schema(
    {
        vol.Optional("zone", default=None, description="behaviour.option.zone"): vol.Any(None, str),
        vol.Optional("for", default="2 min", description="behaviour.option.loiter_for"): vol.All(
            validators.duration, vol.Range(min=5, max=86_400)
        ),
        vol.Optional("forget", default="20 s", description="behaviour.option.forget"): vol.All(
            validators.duration, vol.Range(min=1, max=600)
        ),
    }
)


class LoiteringDetector:
    """Tell each person once who stayed for long enough."""

    wants = Wants(pixels="none", interval_s=1.0, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._zone = scene.known_zone(checked["zone"])
        self._for_s: float = checked["for"]
        self._people = Dwellers(checked["forget"])
        self._looked_s = float("-inf")

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Follow the people of the zone."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._people.forget()
        self._looked_s = now_s
        told = []
        for person in self._people.update(filter(self._counts, context.sightings), now_s):
            # A person who is hidden just now is told when she is seen again: the picture should show her.
            if person.is_told or person.seen_s < now_s or now_s - person.since_s < self._for_s:
                continue
            person.is_told = True
            data = {"track": person.track, "seconds": round(now_s - person.since_s)}
            told.append(
                Observation(
                    kind="loiter.person", zone=self._zone, score=round(person.score, 3), data=data, boxes=(person.box,)
                )
            )
        return told

    def _counts(self, sighting: Sighting) -> bool:
        return sighting.label == "person" and sighting.is_in(self._zone)
