"""Detector ``brawl``: suspects a fight where people stand together and move violently; a person judges the clip."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import voluptuous as vol

from ....core import Detector, Frame, Kind, LookContext, Observation, Scene, Wants, hookimpl, validators
from .suspicion import Company, Suspicion

# A judgement looks back over two seconds.
_JUDGE_S = 0.5
_EARLY_S = 0.02


class BrawlDetector:
    """Watch how those move who are together, on one camera."""

    def __init__(self, options: dict[str, Any], judge: _Judge) -> None:
        self.wants = Wants(pixels="luma", interval_s=0.1, when="motion", sightings=True)
        self._judge = judge
        self._company = Company(options["people"], options["height"])
        limit = options["min_score"]
        self._suspicion = Suspicion(math.log(limit / (1.0 - limit)), options["for"])
        self._judged_s = float("-inf")

    def look(self, frame: Frame | None, context: LookContext) -> Sequence[Observation]:
        """Look at one picture; while nobody is there that costs nothing."""
        if frame is None or frame.luma.size == 0:
            return ()
        now_s = context.mono_s
        rows, columns = frame.luma.shape
        people = [sighting.box for sighting in context.sightings if sighting.label == "person"]
        self._company.take(people, columns / rows, now_s)
        if not self._company.is_there:
            self._judge.forget()
            return ()
        self._judge.take(frame.luma, self._company.height, now_s)
        if now_s < self._judged_s + _JUDGE_S - _EARLY_S:
            return ()
        self._judged_s = now_s
        judged = self._judge.odds(now_s)
        if judged is None:
            return ()
        odds, place = judged
        suspected = self._suspicion.take(odds - self._company.doubt, now_s)
        if suspected is None:
            return ()
        mean, seconds = suspected
        data = {"seconds": round(seconds, 1), **({"count": self._company.count} if self._company.count else {})}
        score = round(1.0 / (1.0 + math.exp(-mean)), 2)
        return (Observation(kind="fight.suspected", score=score, data=data, boxes=(place,)),)


class _Judge(Protocol):
    def take(self, luma: Any, height: float, now_s: float) -> None: ...  # noqa: ANN401

    def forget(self) -> None: ...

    def odds(self, now_s: float) -> Any: ...  # noqa: ANN401


def _make(options: dict[str, Any], scene: Scene) -> Detector:
    # OpenCV only here: the hub imports this module for its schema.
    from .judge import Judge

    return BrawlDetector(SCHEMA(options), Judge())


SCHEMA = vol.Schema(
    {
        vol.Optional("people", default=2, description="brawl.option.people"): vol.All(int, vol.Range(0, 50)),
        vol.Optional("min_score", default=0.55, description="brawl.option.min_score"): vol.All(
            vol.Coerce(float), vol.Range(0.3, 0.95)
        ),
        vol.Optional("for", default="3 s", description="brawl.option.for"): vol.All(
            validators.duration, vol.Range(1, 60)
        ),
        vol.Optional("height", default=0.35, description="brawl.option.height"): vol.All(
            vol.Coerce(float), vol.Range(0.03, 1)
        ),
    }
)


@hookimpl
def offer_detectors() -> Iterable[Kind[Detector]]:
    """Offer the detector ``brawl``; what it tells is one of the hub's own kinds."""
    return (
        Kind(
            "brawl",
            SCHEMA,
            _make,
            "Menduga perkelahian atau tawuran dari gerakan orang yang berdekatan; perlu detektor objects.",
            "Suspects a fight or brawl by how people close together move; needs the detector objects.",
        ),
    )
