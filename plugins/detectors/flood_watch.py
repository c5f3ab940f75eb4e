"""What becomes of gauge readings over time: a level that one wrong reading cannot move, its rise, its stage."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Literal

NORMAL_STAGE = 4
# Three readings, the middle one counts: a wrong one never shows, and a stage needs two.
_MIDDLE_OF = 3
# Readings for the rise: five minutes at the usual interval, 1770 pairs at most.
# Slow water needs them all against the noise of reading; where the newest few moved far, they tell it.
_SLOPE_READINGS, _FAST_READINGS, _FAST_CM = 60, 12, 15.0
# What reading itself may be off by, without the water having moved.
_TOLERANCE_CM = 6.0
# Readings that were refused as too fast, but agree with each other, are believed after so many:
# the water did jump, or the camera was turned back.
_STUBBORN = 6
# A rise that is one, and how far ahead a stage is foretold.
_RISING_CM_H, _PLANNED_MIN = 8.0, 24 * 60
# A gap after which older readings say nothing about the level now.
_FORGET = timedelta(minutes=10)

Blindness = Literal["dark", "covered", "unclear", "small", "turned"]


@dataclass(frozen=True, kw_only=True)
class GaugeReading:
    """Hold one reading: ``level_cm`` None says that it cannot be seen, and ``why``."""

    level_cm: float | None
    confidence: float = 0.0
    why: Blindness | None = None
    waterline: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Level:
    """Hold the water level as it is believed, and its rise in centimetres an hour."""

    level_cm: float
    rise_cm_h: float
    confidence: float


class LevelFilter:
    """Turn single readings into a level: implausible ones are refused, the middle of three counts."""

    def __init__(self, max_rise_cm_min: float) -> None:
        self._max_rise_cm_min = max_rise_cm_min
        self._readings: deque[tuple[datetime, float, float]] = deque(maxlen=_SLOPE_READINGS)
        self._refused: list[tuple[datetime, float, float]] = []

    def add(self, at: datetime, level_cm: float, confidence: float) -> Level | None:
        """Take a reading; return the level, None while there are too few readings or this one is refused."""
        reading = (at, level_cm, confidence)
        if self._readings and not timedelta(0) <= at - self._readings[-1][0] <= _FORGET:
            self._readings.clear()
        if self._readings and not self._is_plausible(reading, self._readings[-1]):
            if not self._is_stubborn(reading):
                return None
            self._readings.clear()
            self._readings.extend(self._refused)
        self._refused.clear()
        self._readings.append(reading)
        if len(self._readings) < 2:
            return None
        newest = list(self._readings)[-_MIDDLE_OF:]
        return Level(
            level_cm=statistics.median_low([cm for _, cm, _ in newest]),
            rise_cm_h=self._rise_cm_h(),
            confidence=statistics.median_low([sure for _, _, sure in newest]),
        )

    def _is_plausible(self, new: tuple[datetime, float, float], old: tuple[datetime, float, float]) -> bool:
        minutes = (new[0] - old[0]).total_seconds() / 60
        return abs(new[1] - old[1]) <= _TOLERANCE_CM + self._max_rise_cm_min * minutes

    def _is_stubborn(self, reading: tuple[datetime, float, float]) -> bool:
        if self._refused and not self._is_plausible(reading, self._refused[-1]):
            self._refused.clear()
        self._refused.append(reading)
        if len(self._refused) < _STUBBORN:
            return False
        self._refused.pop()  # it is added as the newest reading
        return True

    def _rise_cm_h(self) -> float:
        """Return the middle of the slopes of all pairs (Theil 1950, Sen 1968): a wrong reading weighs little."""
        readings = list(self._readings)
        newest = readings[-_FAST_READINGS:]
        if abs(newest[-1][1] - newest[0][1]) >= _FAST_CM:
            readings = newest
        slopes = [
            (late[1] - early[1]) / hours
            for early, late in combinations(readings, 2)
            if (hours := (late[0] - early[0]).total_seconds() / 3600) > 0
        ]
        return statistics.median(slopes) if len(readings) > 2 and slopes else 0.0


class Stages:
    """Know the stage (Siaga 4 normal, the smaller the worse), which does not flap around its border."""

    def __init__(self, from_cm: Mapping[int, float], hysteresis_cm: float) -> None:
        self._worst_first = sorted(from_cm.items())
        self._hysteresis_cm = hysteresis_cm
        self.stage: int | None = None

    def resume(self, stage: int) -> None:
        """Go on from the stage that was told last."""
        self.stage = stage

    def update(self, level_cm: float) -> tuple[int | None, int] | None:
        """Take a level; return (from, to) where the stage changed. A normal start is no change."""
        before, now = self.stage, self._stage_at(level_cm)
        if before is not None and now > before:  # better: only when clearly so
            now = max(before, self._stage_at(level_cm + self._hysteresis_cm))
        self.stage = now
        if now == before or (before is None and now == NORMAL_STAGE):
            return None
        return before, now

    def next_worse(self, level: Level) -> tuple[int, int] | None:
        """Return the next worse stage and in how many minutes, at the present rise; None where it does not come.

        Slower than a hand's breadth an hour the rise may be noise, and nobody plans by what is a day away.
        """
        if self.stage is None or level.rise_cm_h < _RISING_CM_H:
            return None
        worse = [(stage, cm) for stage, cm in self._worst_first if stage < self.stage and cm > level.level_cm]
        if not worse:
            return None
        stage, cm = worse[-1]
        minutes = (cm - level.level_cm) / level.rise_cm_h * 60
        return (stage, round(minutes)) if minutes <= _PLANNED_MIN else None

    def _stage_at(self, level_cm: float) -> int:
        for stage, from_cm in self._worst_first:
            if level_cm >= from_cm:
                return stage
        return NORMAL_STAGE
