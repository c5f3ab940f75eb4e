"""The conditions ``sun``, ``zone``, ``trigger`` and ``holiday``: what kind of moment it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Condition, Moment, Verdict
from ..core.types import Json
from ..core.validators import OneOrMany, Wrong, boolean, text
from .due_times import SunEvent, place_of, sun_on
from .option_checks import offset

_SUN = ("sunrise", "sunset")


class SunCondition:
    """Hold before or after sunrise or sunset, as Home Assistant reads it.

    ``after: sunset`` lasts until midnight, ``before: sunrise`` begins then; both together are the whole night.
    A day on which the sun does not rise or set fits neither.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._before: SunEvent | None = options.get("before")
        self._after: SunEvent | None = options.get("after")
        self._before_s: float = options.get("before_offset", 0.0)
        self._after_s: float = options.get("after_offset", 0.0)

    def decide(self, moment: Moment) -> Verdict:
        """Compare now with the sun of the site's day."""
        now = moment.clock.now()
        before = self._limit(moment, now, self._before, self._before_s)
        after = self._limit(moment, now, self._after, self._after_s)
        values = {"now": now.isoformat(), "after": _told(after), "before": _told(before)}
        if (self._before and before is None) or (self._after and after is None):
            return Verdict(is_true=False, values=values)
        is_before = before is None or now <= before
        is_after = after is None or now >= after
        if self._before == "sunrise" and self._after == "sunset":
            return Verdict(is_true=is_before or is_after, values=values)
        return Verdict(is_true=is_before and is_after, values=values)

    def _limit(self, moment: Moment, now: datetime, event: SunEvent | None, offset_s: float) -> datetime | None:
        if event is None:
            return None
        place = place_of(moment.settings.site)
        at = sun_on(now.astimezone(place.zone).date(), event, place)
        return None if at is None else at + timedelta(seconds=offset_s)


class ZoneCondition:
    """Hold when the event is of one of some zones, or what it tells of stands in one."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._zones: list[str] = options["zone"]

    def decide(self, moment: Moment) -> Verdict:
        """Look at the event's zone, and at the zones of the thing it tells of."""
        event = moment.event
        told = event.data.get("zones")
        zones = [*([event.zone] if event.zone else []), *(told if isinstance(told, list) else [])]
        return Verdict(is_true=any(zone in self._zones for zone in zones), values={"zones": zones})


class TriggerCondition:
    """Hold when the rule was begun by one of some triggers."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._ids: list[str] = options["id"]

    def decide(self, moment: Moment) -> Verdict:
        """Compare the trigger's id."""
        return Verdict(is_true=moment.trigger_id in self._ids, values={"id": moment.trigger_id})


class HolidayCondition:
    """Hold on the days that stand under ``holidays``, by the site's calendar."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._is_wanted: bool = options.get("holiday", True)

    def decide(self, moment: Moment) -> Verdict:
        """Look the local day up."""
        day = moment.clock.now().astimezone(place_of(moment.settings.site).zone).date()
        name = moment.settings.holidays.get(day)
        return Verdict(is_true=(name is not None) is self._is_wanted, values={"day": day.isoformat(), "name": name})


def _told(at: datetime | None) -> Json:
    return None if at is None else at.isoformat()


def _some_side(options: dict[str, Any]) -> dict[str, Any]:
    if "before" not in options and "after" not in options:
        raise Wrong("rules.check.no_sun_side")
    return options


SUN_CONDITION = vol.Schema(
    vol.All(
        {
            vol.Optional("after", description="rules.condition.sun_after"): vol.In(_SUN),
            vol.Optional("before", description="rules.condition.sun_before"): vol.In(_SUN),
            vol.Optional("after_offset", description="rules.condition.sun_after_offset"): offset,
            vol.Optional("before_offset", description="rules.condition.sun_before_offset"): offset,
        },
        _some_side,
    )
)
ZONE_CONDITION = vol.Schema({vol.Required("zone", description="rules.condition.zone"): OneOrMany(text, at_least=1)})
TRIGGER_CONDITION = vol.Schema(
    {vol.Required("id", description="rules.condition.trigger_id"): OneOrMany(text, at_least=1)}
)
HOLIDAY_CONDITION = vol.Schema({vol.Optional("holiday", description="rules.condition.holiday"): boolean})


@hookimpl
def offer_conditions() -> Iterable[Kind[Condition]]:
    """Offer the conditions of the moment."""
    return (
        Kind("sun", SUN_CONDITION, SunCondition, "Siang atau malam menurut matahari", "Day or night by the sun"),
        Kind("zone", ZONE_CONDITION, ZoneCondition, "Kejadian di zona tertentu", "The event is of a zone"),
        Kind("trigger", TRIGGER_CONDITION, TriggerCondition, "Pemicu yang memulai", "The trigger that began it"),
        Kind("holiday", HOLIDAY_CONDITION, HolidayCondition, "Hari libur, atau bukan", "A holiday, or not"),
    )
