"""Filters that templates of alerts need: numbers, flood stages, lists, times and dates as people here write them.

A parameter named ``language``, ``zone`` or ``now`` is filled by the template box; no template can set it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from ..core.hookspecs import hookimpl

_DECIMALS_LIMIT = 6
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_UNITS = {"id": ("hari", "jam", "menit", "detik"), "en": ("d", "h", "min", "s")}
_AGO = {"id": ("{} lalu", "{} lagi", "baru saja"), "en": ("{} ago", "in {}", "just now")}
_AND = {"id": "dan", "en": "and"}
# The smaller the number the worse: BPBD DKI Jakarta's four stages.
_STAGES = {
    "id": {4: "normal", 3: "waspada", 2: "kritis", 1: "bencana"},
    "en": {4: "normal", 3: "alert", 2: "critical", 1: "disaster"},
}
_JUST_NOW_S = 5.0


def number(value: float, decimals: int = 0, *, language: str = "id") -> str:
    """Write a number: ``1.234,5`` in Indonesian, ``1,234.5`` in English."""
    places = max(0, min(int(decimals), _DECIMALS_LIMIT))
    return format_decimal(
        round(float(value), places), format="#,##0" + "." * bool(places) + "0" * places, locale=language
    )


def percent(value: float, decimals: int = 0, *, language: str = "id") -> str:
    """Write a fraction, such as a confidence, as per cent: 0.87 is ``87%``."""
    return f"{number(float(value) * 100, decimals, language=language)}%"


def stage(value: float | str, *, language: str = "id") -> str:
    """Write a flood stage with its name: 2 is ``Siaga 2 (kritis)``."""
    level = int(value)
    return f"Siaga {level} ({_STAGES[language][level]})"


def listed(items: Iterable[Any], *, language: str = "id") -> str:
    """Write a list as one says it: ``kali, sekolah dan pasar``."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {_AND[language]} {words[-1]}"


def clock_time(value: date | str, *, language: str = "id", zone: tzinfo | None = None) -> str:
    """Write a time of day: ``19.05 WIB`` in Indonesian, ``19:05 WIB`` in English."""
    at = _moment(value, zone)
    return " ".join(filter(None, (at.strftime("%H.%M" if language == "id" else "%H:%M"), at.tzname() or "")))


def day(value: date | str, *, language: str = "id", zone: tzinfo | None = None) -> str:
    """Write a date: ``22 November 2026``."""
    return format_date(_moment(value, zone), "d MMMM y", locale=language)


def day_and_time(value: date | str, *, language: str = "id", zone: tzinfo | None = None) -> str:
    """Write date and time: ``22 November 2026 19.05 WIB``."""
    return f"{day(value, language=language, zone=zone)} {clock_time(value, language=language, zone=zone)}"


def weekday(value: date | str, *, language: str = "id", zone: tzinfo | None = None) -> str:
    """Write the day of the week: ``Minggu``."""
    return format_date(_moment(value, zone), "EEEE", locale=language)


def duration(seconds: float | timedelta, *, language: str = "id") -> str:
    """Write a duration in its two largest units: ``2 jam 5 menit``."""
    left = max(0, round(seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)))
    parts: list[str] = []
    for size, unit in zip((_DAY_S, _HOUR_S, _MINUTE_S, 1), _UNITS.get(language, _UNITS["id"]), strict=True):
        count, left = divmod(left, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def ago(
    value: date | str, *, language: str = "id", zone: tzinfo | None = None, now: Callable[[], datetime] | None = None
) -> str:
    """Write how long ago a time was, or how far ahead it is: ``5 menit lalu``, ``2 jam lagi``."""
    at = _moment(value, zone)
    passed_s = ((now() if now else datetime.now(at.tzinfo)) - at).total_seconds()
    past, future, just_now = _AGO[language]
    if abs(passed_s) < _JUST_NOW_S:
        return just_now
    return (past if passed_s > 0 else future).format(duration(abs(passed_s), language=language))


@hookimpl
def offer_template_functions() -> Mapping[str, Callable[..., Any]]:
    """Offer the filters by the names that templates use."""
    return {
        "angka": number,
        "persen": percent,
        "siaga": stage,
        "daftar": listed,
        "jam": clock_time,
        "tanggal": day,
        "tanggal_jam": day_and_time,
        "hari": weekday,
        "lama": duration,
        "lalu": ago,
    }


def _moment(value: date | str, zone: tzinfo | None) -> datetime:
    """Return a time as the site's clocks show it; one without a zone is theirs already."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    if zone is None:
        return value
    return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
