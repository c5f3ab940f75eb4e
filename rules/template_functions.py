"""Filters that templates of alerts need: numbers, times and dates as people here write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from ..core.hookspecs import hookimpl

_DECIMALS_LIMIT = 6
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_UNITS = {"id": ("hari", "jam", "menit", "detik"), "en": ("d", "h", "min", "s")}


def number(value: float, decimals: int = 0, language: str = "id") -> str:
    """Write a number: ``1.234,5`` in Indonesian, ``1,234.5`` in English."""
    places = max(0, min(int(decimals), _DECIMALS_LIMIT))
    return format_decimal(
        round(float(value), places), format="#,##0" + "." * bool(places) + "0" * places, locale=language
    )


def clock_time(value: datetime | str, language: str = "id") -> str:
    """Write a time of day: ``19.05 WIB`` in Indonesian, ``19:05 WIB`` in English."""
    at = _moment(value)
    return " ".join(filter(None, (at.strftime("%H.%M" if language == "id" else "%H:%M"), at.tzname() or "")))


def day(value: date | str, language: str = "id") -> str:
    """Write a date: ``22 November 2026``."""
    return format_date(_moment(value), "d MMMM y", locale=language)


def weekday(value: date | str, language: str = "id") -> str:
    """Write the day of the week: ``Minggu``."""
    return format_date(_moment(value), "EEEE", locale=language)


def duration(seconds: float, language: str = "id") -> str:
    """Write a duration in its two largest units: ``2 jam 5 menit``."""
    left = max(0, round(float(seconds)))
    parts: list[str] = []
    for size, unit in zip((_DAY_S, _HOUR_S, _MINUTE_S, 1), _UNITS.get(language, _UNITS["id"]), strict=True):
        count, left = divmod(left, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


@hookimpl
def offer_template_functions() -> Mapping[str, Callable[..., Any]]:
    """Offer the filters by the names that templates use."""
    return {"angka": number, "jam": clock_time, "tanggal": day, "hari": weekday, "lama": duration}


def _moment(value: date | str) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
