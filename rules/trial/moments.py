"""When a person means: ``2026-11-22 19:05``, ``19.05`` of today, ``2 jam`` ago."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from ...core.validators import Wrong, duration, time_of_day
from ..due_times import instant_of

_AGO = re.compile(r"(.*?[a-z])\s+(?:ago|(?:yang\s+)?lalu)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:(?:\s+|T)(\S+))?")


def moment_of(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when that is, in UTC: a local day with or without a time, a time of today, or so long ago. Wrong."""
    text = text.strip()
    if dated := _DATE.fullmatch(text):
        try:
            return instant_of(date.fromisoformat(dated[1]), _time(dated[2] or "00:00"), zone)
        except (ValueError, OverflowError):  # no such day, or the first or last that there is
            raise Wrong("rules.replay.moment") from None
    if text[:1].isdigit() and any(letter.isalpha() for letter in text):
        ago = _AGO.fullmatch(text)
        try:
            return now.astimezone(timezone.utc) - timedelta(seconds=duration(ago[1] if ago else text))
        except Wrong:
            raise Wrong("rules.replay.moment") from None
    return instant_of(now.astimezone(zone).date(), _time(text), zone)


def _time(text: str) -> time:
    try:
        return time_of_day(text.replace(".", ":"))
    except Wrong:
        raise Wrong("rules.replay.moment") from None
