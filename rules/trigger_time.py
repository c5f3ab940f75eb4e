"""The triggers of the clock: ``time``, ``time_pattern``, ``cron``, ``sun``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timezone
from typing import Any

import voluptuous as vol
from cronsim import CronSim, CronSimError

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Trigger
from ..core.texts import Texts
from ..core.validators import OneOrMany, Wrong, text, time_of_day
from .due_times import Pattern, Place, SunEvent, next_by_cron, next_sun, next_time_of_day
from .option_checks import WEEKDAYS, ClockPart, offset, weekdays
from .sourced import SourcedTrigger

KIND = "rule.timer"


class TimedTrigger(SourcedTrigger):
    """Fire when the clock source says that a time of this trigger came."""

    kinds: tuple[str, ...] = (KIND,)

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(texts)
        self.what = repr(sorted(options.items()))


class TimeTrigger(TimedTrigger):
    """Fire at times of the site's day."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        self._times: tuple[time, ...] = tuple(options["at"])
        self._weekdays = frozenset(WEEKDAYS.index(day) for day in options.get("weekday", WEEKDAYS))

    def due_after(self, after: datetime, place: Place) -> datetime | None:
        """Return the next of the times."""
        return next_time_of_day(after, self._times, self._weekdays, place.zone)


class PatternTrigger(TimedTrigger):
    """Fire whenever hours, minutes and seconds fit, as Home Assistant reads a pattern.

    What stands below the largest unit that is given is 0, what stands above it is any.
    """

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        hours, minutes, seconds = (options.get(unit) for unit in ("hours", "minutes", "seconds"))
        if minutes is None:
            minutes = "0" if hours is not None else "*"
        self._pattern = Pattern(hours or "*", minutes, "0" if seconds is None else seconds)

    def due_after(self, after: datetime, place: Place) -> datetime | None:
        """Return the next instant that fits."""
        return self._pattern.next_after(after, place.zone)


class CronTrigger(TimedTrigger):
    """Fire by a cron line, local time."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        self._expression: str = options["cron"]

    def due_after(self, after: datetime, place: Place) -> datetime | None:
        """Return the next time of the line."""
        return next_by_cron(after, self._expression, place.zone)


class SunTrigger(TimedTrigger):
    """Fire at sunrise or sunset of the site, or some time before or after."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__(options, texts)
        self._event: SunEvent = options["event"]
        self._offset_s: float = options.get("offset", 0.0)

    def due_after(self, after: datetime, place: Place) -> datetime | None:
        """Return the next one."""
        return next_sun(after, self._event, self._offset_s, place)


def cron_line(value: Any) -> str:  # noqa: ANN401
    """Return a cron line; cronsim also refuses one that is never due, such as 30 February."""
    line = text(value)
    try:
        CronSim(line, datetime(2024, 1, 1, tzinfo=timezone.utc))
    except CronSimError as err:
        raise Wrong("rules.check.cron", why=err) from err
    return line


def _some(options: dict[str, Any]) -> dict[str, Any]:
    if not options:
        raise Wrong("rules.check.empty_pattern")
    return options


TIME_TRIGGER = vol.Schema(
    {
        vol.Required("at", description="rules.trigger.time_at"): OneOrMany(time_of_day, at_least=1),
        vol.Optional("weekday", description="rules.trigger.time_weekday"): weekdays,
    }
)
PATTERN_TRIGGER = vol.Schema(
    vol.All(
        {
            vol.Optional("hours", description="rules.trigger.pattern_hours"): ClockPart(24),
            vol.Optional("minutes", description="rules.trigger.pattern_minutes"): ClockPart(60),
            vol.Optional("seconds", description="rules.trigger.pattern_seconds"): ClockPart(60),
        },
        _some,
    )
)
CRON_TRIGGER = vol.Schema({vol.Required("cron", description="rules.trigger.cron"): cron_line})
SUN_TRIGGER = vol.Schema(
    {
        vol.Required("event", description="rules.trigger.sun_event"): vol.In(["sunrise", "sunset"]),
        vol.Optional("offset", description="rules.trigger.sun_offset"): offset,
    }
)


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the triggers of the clock."""
    return (
        Kind("time", TIME_TRIGGER, TimeTrigger, "Pada jam tertentu", "At times of the day"),
        Kind(
            "time_pattern", PATTERN_TRIGGER, PatternTrigger, "Berulang menurut pola jam", "Again and again by a pattern"
        ),
        Kind("cron", CRON_TRIGGER, CronTrigger, "Menurut baris cron", "By a cron line"),
        Kind("sun", SUN_TRIGGER, SunTrigger, "Matahari terbit atau terbenam", "Sunrise or sunset"),
    )
