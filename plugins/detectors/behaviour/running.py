"""Detector ``running``: people who run where one walks; several at once is how a brawl or a panic begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import voluptuous as vol

from ....core import Frame, LookContext, Observation, Scene, Sighting, Wants, validators
from .offences import GAP_S
from .pace import Paces

# So long after the last runner the next one is told anew, with how many run.
_QUIET_S = 60.0
# By more than the measurement may err.
_SURE = 2.0

SCHEMA = vol.Schema(
    {
        vol.Optional("zone", default=None, description="behaviour.option.zone"): vol.Any(None, str),
        # People walk at 1 to 1.8 m/s, hurry at 2.2, and run from about 2.5 on.
        vol.Optional("above", default=2.8, description="behaviour.option.running_above"): vol.All(
            vol.Coerce(float), vol.Range(min=1, max=15)
        ),
        vol.Optional("people", default=1, description="behaviour.option.running_people"): vol.All(
            int, vol.Range(1, 100)
        ),
        vol.Optional("for", default="1 s", description="behaviour.option.running_for"): vol.All(
            validators.duration, vol.Range(min=0.5, max=60)
        ),
    }
)


class RunningDetector:
    """Tell when enough people run, once until nobody has run for a minute."""

    wants = Wants(pixels="none", interval_s=0.2, when="always", sightings=True)

    def __init__(self, options: dict[str, Any], scene: Scene) -> None:
        checked = SCHEMA(options)
        self._zone = scene.known_zone(checked["zone"])
        self._above: float = checked["above"]
        self._people: int = checked["people"]
        self._for_s: float = checked["for"]
        self._is_measured = scene.ground is not None
        self._paces = Paces(scene.ground)
        self._since: dict[int, tuple[float, float]] = {}
        self._ran_s = self._looked_s = float("-inf")
        self._is_told = False

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Measure everybody's pace."""
        now_s = context.mono_s
        if now_s - self._looked_s > GAP_S:
            self._paces.forget()
            self._since.clear()
        self._looked_s = now_s
        people = [one for one in context.sightings if one.label == "person" and one.is_in(self._zone)]
        self._paces.take(people, now_s, context.aspect)
        runners = [one for one in people if self._runs(one, now_s)]
        if runners:
            self._ran_s = now_s
        elif now_s - self._ran_s > _QUIET_S:
            self._is_told = False
        if self._is_told or len(runners) < self._people:
            return ()
        self._is_told = True
        return (self._observe(runners, now_s),)

    def _runs(self, sighting: Sighting, now_s: float) -> bool:
        pace = self._paces.of(sighting.track, now_s)
        if pace is None:
            # Not measured at this look: who ran a moment ago is not taken as standing.
            since = self._since.get(sighting.track)
            if since is not None and now_s - since[1] > 1.0:
                del self._since[sighting.track]
            return False
        if pace.mps - _SURE * pace.margin < self._above:
            self._since.pop(sighting.track, None)
            return False
        began_s, _ = self._since.get(sighting.track, (now_s, now_s))
        self._since[sighting.track] = (began_s, now_s)
        return now_s - began_s >= self._for_s

    def _observe(self, runners: Sequence[Sighting], now_s: float) -> Observation:
        paces = [pace.mps for one in runners if (pace := self._paces.of(one.track, now_s)) is not None]
        data: dict[str, Any] = {
            "track": runners[0].track,
            "count": len(runners),
            "mps": round(max(paces), 1),
            "is_measured": self._is_measured,
        }
        score = round(max(one.score for one in runners), 3)
        return Observation(
            kind="person.running", zone=self._zone, score=score, data=data, boxes=tuple(one.box for one in runners)
        )
