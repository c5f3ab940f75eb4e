"""When a time of day, a pattern, a cron line or the sun is due next; pure, in UTC, by the site's own clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import sunrise, sunset
from cronsim import CronSim

from ..core.settings import SiteSettings

SunEvent = Literal["sunrise", "sunset"]

# Where a kota administrasi of DKI Jakarta lies; the sun differs by seconds between them.
_KOTA = {
    "jakarta pusat": (-6.186, 106.834),
    "jakarta utara": (-6.138, 106.864),
    "jakarta barat": (-6.167, 106.764),
    "jakarta selatan": (-6.262, 106.811),
    "jakarta timur": (-6.225, 106.900),
    "kepulauan seribu": (-5.612, 106.617),
}
_MONAS = (-6.175, 106.827)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
# A weekday comes back within a week; the day before and the day behind are for zones that jump.
_DAYS_AHEAD = 9
# Beyond the polar circles the sun stays away for half a year.
_SUN_DAYS_AHEAD = 200
# Samoa left out a whole day once.
_LONGEST_GAP_MINUTES = 1_500
# 24 hours, 60 minutes, 60 seconds, and some for hours that come twice.
_PATTERN_STEPS = 200


class Place(NamedTuple):
    """Say by which clock and under which sky a site lives."""

    zone: ZoneInfo
    latitude: float
    longitude: float


def place_of(site: SiteSettings) -> Place:
    """Return where a site is: as written, else its kota, else the middle of Jakarta."""
    kota = site.kota.strip().lower().removeprefix("kota ").removeprefix("administrasi ")
    latitude, longitude = _KOTA.get(kota, _MONAS)
    if site.latitude is not None and site.longitude is not None:
        latitude, longitude = site.latitude, site.longitude
    return Place(ZoneInfo(site.timezone), latitude, longitude)


def next_time_of_day(after: datetime, times: Iterable[time], weekdays: frozenset[int], zone: ZoneInfo) -> datetime:
    """Return the first of the local times behind ``after``; ``weekdays`` from 0, Monday.

    A time that the clock leaves out is due at the next instant that exists, one that comes twice the first time
    alone: cronsim's (and Debian's cron's) way for a job of a fixed time. Home Assistant leaves the first out.
    """
    first = after.astimezone(zone).date() - _DAY
    days = (first + number * _DAY for number in range(_DAYS_AHEAD + 1))
    wanted = tuple(times)
    return min(
        due
        for day in days
        if day.weekday() in weekdays
        for due in (instant_of(day, at, zone) for at in wanted)
        if due > after
    )


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when a local time is, in UTC: the first of two, or what follows the gap that it falls into."""
    written = datetime.combine(day, at)
    for _ in range(_LONGEST_GAP_MINUTES):
        instant = written.replace(tzinfo=zone).astimezone(timezone.utc)
        if instant.astimezone(zone).replace(tzinfo=None) == written:
            break
        written = written.replace(second=0) + _MINUTE
    return instant


class Pattern:
    """Hold hours, minutes and seconds that may be; ``"*"``, ``"/5"`` (divisible by), ``"5"``."""

    def __init__(self, hours: str, minutes: str, seconds: str) -> None:
        self._hours = _allowed(hours, 24)
        self._minutes = _allowed(minutes, 60)
        self._seconds = _allowed(seconds, 60)

    def next_after(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the next instant whose local time fits. Real time is walked: an hour that comes twice fits twice."""
        at = after.replace(microsecond=0) + timedelta(seconds=1)
        for _ in range(_PATTERN_STEPS):
            local = at.astimezone(zone)
            if local.hour not in self._hours:
                at += timedelta(seconds=3_600 - local.minute * 60 - local.second)
            elif local.minute not in self._minutes:
                at += timedelta(seconds=60 - local.second)
            elif local.second not in self._seconds:
                at += timedelta(seconds=1)
            else:
                return at
        return None


def _allowed(written: str, size: int) -> frozenset[int]:
    if written == "*":
        return frozenset(range(size))
    if written.startswith("/"):
        return frozenset(range(0, size, int(written[1:])))
    return frozenset((int(written),))


def next_by_cron(after: datetime, expression: str, zone: ZoneInfo) -> datetime | None:
    """Return the next time of a cron line, None when there is none within 50 years.

    Around a change of the clock as Debian's cron: fixed times in a gap come behind it, times that come twice
    once, and lines with ``*`` in hour or minute go by real time.
    """
    for due in CronSim(expression, after.astimezone(zone)):
        if (instant := due.astimezone(timezone.utc)) > after:
            return instant
    return None


def next_sun(after: datetime, event: SunEvent, offset_s: float, place: Place) -> datetime | None:
    """Return the next sunrise or sunset, moved by an offset; None where the sun does neither for months."""
    offset = timedelta(seconds=offset_s)
    first = (after - offset).astimezone(place.zone).date() - _DAY
    for number in range(_SUN_DAYS_AHEAD):
        at = sun_on(first + number * _DAY, event, place)
        if at is not None and at + offset > after:
            return at + offset
    return None


@lru_cache(maxsize=2_000)
def sun_on(day: date, event: SunEvent, place: Place) -> datetime | None:
    """Return when the sun rises or sets on a local day (UTC, whole seconds), None when it does not that day.

    By the NOAA solar calculator's equations (the library astral), refraction included.
    """
    find = sunrise if event == "sunrise" else sunset
    try:
        at = find(Observer(place.latitude, place.longitude), date=day, tzinfo=place.zone)
    except ValueError:
        return None
    return at.astimezone(timezone.utc).replace(microsecond=0)
