"""Functions of templates that make times, by the names that Home Assistant uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from ..core.validators import time_of_day


def time_functions(now: Callable[[], datetime], zone: tzinfo) -> dict[str, Callable[..., Any]]:
    """Return the functions for one site. What they are given wrongly they refuse with ValueError or TypeError."""

    def today_at(clock: str = "00:00") -> datetime:
        return datetime.combine(now().date(), time_of_day(clock), tzinfo=zone)

    def as_datetime(value: Any) -> datetime:  # noqa: ANN401
        if isinstance(value, bool):
            raise TypeError(value)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, zone)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=zone)
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)

    def as_timestamp(value: Any) -> float:  # noqa: ANN401
        return as_datetime(value).timestamp()

    def span(
        days: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        weeks: float = 0,
    ) -> timedelta:
        return timedelta(
            days=days, seconds=seconds, milliseconds=milliseconds, minutes=minutes, hours=hours, weeks=weeks
        )

    return {
        "now": now,
        "today_at": today_at,
        "as_datetime": as_datetime,
        "as_timestamp": as_timestamp,
        "timedelta": span,
    }
