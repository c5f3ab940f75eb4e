"""Who is on duty at a moment, by the local clock, weekday, holiday and date."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, timedelta, tzinfo

from ..settings import RotaSettings, Settings, Shift

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def on_duty(rota: RotaSettings, at: datetime, zone: tzinfo, settings: Settings) -> tuple[str, ...]:
    """Return the contacts of every shift that is under way, else those of ``otherwise``."""
    local = at.astimezone(zone)
    found: dict[str, None] = {}
    for shift in rota.shifts:
        if is_under_way(shift, local, settings.holidays):
            found |= dict.fromkeys(shift.contacts)
            for team in shift.teams:
                found |= dict.fromkeys(settings.teams[team].members if team in settings.teams else ())
    return tuple(found) or rota.otherwise


def is_under_way(shift: Shift, local: datetime, holidays: Container[date]) -> bool:
    """Say whether a shift is under way; past midnight it is the day it began that counts."""
    day, now = local.date(), local.time().replace(tzinfo=None)
    if shift.after < shift.before:
        return shift.after <= now < shift.before and _is_on(shift, day, holidays)
    # Past midnight, or (both the same) round the clock.
    if now >= shift.after:
        return _is_on(shift, day, holidays)
    return now < shift.before and _is_on(shift, day - timedelta(days=1), holidays)


def _is_on(shift: Shift, day: date, holidays: Container[date]) -> bool:
    if shift.weekday and WEEKDAYS[day.weekday()] not in shift.weekday:
        return False
    if shift.dates and day not in shift.dates:
        return False
    return shift.holiday is None or shift.holiday == (day in holidays)
