"""How times, numbers and sizes are said to people, in their language and the site's time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from ..core.clock import Clock
from ..core.texts import Texts

_LOCALES = {"id": "id_ID", "en": "en_GB"}
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


class Wording:
    """Speak one language in one time zone."""

    def __init__(self, language: str, timezone: str, clock: Clock) -> None:
        self.texts = Texts(language)
        self.language = self.texts.language
        self._locale = _LOCALES[self.language]
        self._zone = ZoneInfo(timezone)
        self._clock = clock

    def time(self, at: datetime) -> str:
        """Say the time of day: ``19.05 WIB``, in English ``19:05 WIB``."""
        local = at.astimezone(self._zone)
        colon = "." if self.language == "id" else ":"
        return f"{local:%H}{colon}{local:%M} {local.tzname()}"

    def exact_time(self, at: datetime) -> str:
        """Say the time of day with seconds, for traces: ``19.05.07``."""
        local = at.astimezone(self._zone)
        return local.strftime("%H.%M.%S" if self.language == "id" else "%H:%M:%S")

    def date(self, at: datetime) -> str:
        """Say the day: ``22 November 2026``."""
        return format_date(at.astimezone(self._zone).date(), "d MMMM y", locale=self._locale)

    def moment(self, at: datetime) -> str:
        """Say the time, and the day where it is not today."""
        today = self._clock.now().astimezone(self._zone).date()
        if at.astimezone(self._zone).date() == today:
            return self.time(at)
        return f"{self.date(at)}, {self.time(at)}"

    def day_start(self, day: str) -> datetime | None:
        """Return when a local day begins; None where the text is no day."""
        try:
            return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=self._zone)
        except ValueError:
            return None

    def number(self, value: float, digits: int = 1) -> str:
        """Say a number with the language's decimal sign, without needless zeros."""
        return str(format_decimal(round(value, digits), locale=self._locale))

    def size(self, count: float) -> str:
        """Say a number of bytes."""
        for unit, name in _SIZES:
            if count >= unit:
                return f"{self.number(count / unit)} {name}"
        return f"{self.number(count, 0)} B"

    def duration(self, seconds: float) -> str:
        """Say how long, in the largest unit that fits."""
        for unit_s, key in ((86400, "days"), (3600, "hours"), (60, "minutes")):
            if seconds >= unit_s:
                return self.texts(f"web.duration.{key}", count=int(seconds // unit_s))
        return self.texts("web.duration.seconds", count=max(0, int(seconds)))
