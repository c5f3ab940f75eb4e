"""Who is on duty at a moment, by the local clock, weekday, holiday and date."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, time, timedelta, tzinfo

from ..people_schemas import WEEKDAYS
from ..settings import RotaSettings, Settings, Shift


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
    day = day_of(shift.after, shift.before, local)
    return day is not None and _is_on(shift, day, holidays)


def day_of(after: time, before: time, local: datetime) -> date | None:
    """Return the day on which the window that is under way began; None when none is."""
    day, now = local.date(), local.time().replace(tzinfo=None)
    if after < before:
        return day if after <= now < before else None
    # Past midnight, or (both the same) round the clock.
    if now >= after:
        return day
    return day - timedelta(days=1) if now < before else None


def _is_on(shift: Shift, day: date, holidays: Container[date]) -> bool:
    if shift.weekday and WEEKDAYS[day.weekday()] not in shift.weekday:
        return False
    if shift.dates and day not in shift.dates:
        return False
    return shift.holiday is None or shift.holiday == (day in holidays)
