"""Small voluptuous validators for what operators write: durations, times, polygons, sizes, templates, switches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from math import isfinite
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import voluptuous as vol

from .polygons import area_of, edges_of
from .texts import Texts
from .types import Json, Point, Polygon


class Wrong(vol.Invalid):
    """Refuse a value with a text of the catalogue, so that ``checks`` can say it in the site's language."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        super().__init__(Texts("en")(key, **values))

    def say(self, texts: Texts) -> str:
        """Return the reason in one language."""
        return texts(self.key, **self.values)


class Each:
    """Check every item of a list by a schema and report all mistakes (voluptuous stops at the first deep one)."""

    def __init__(self, schema: Json, *, at_least: int = 0) -> None:
        self.schema = schema
        self.at_least = at_least
        self._check = vol.Schema(schema)

    def __call__(self, value: Json) -> list[Any]:
        """Return the checked list, of the class it came in."""
        if not isinstance(value, list):
            raise vol.SequenceTypeInvalid("expected a list")
        if len(value) < self.at_least:
            raise Wrong("check.too_few", count=self.at_least)
        checked, errors = [], []
        for number, item in enumerate(value):
            try:
                checked.append(self._check(item))
            except vol.MultipleInvalid as err:
                err.prepend([number])
                errors += err.errors
        if errors:
            raise vol.MultipleInvalid(errors)
        return type(value)(checked)

    def __repr__(self) -> str:
        return f"Each({self.schema!r})"


class OneOrMany(Each):
    """Check a list as ``Each`` does; a single item stands for a list of one."""

    def __call__(self, value: Json) -> list[Any]:
        """Return the checked list."""
        # One item alone is checked at its own place: there is no [0] in what the operator wrote.
        return super().__call__(value) if isinstance(value, list) else [self._check(value)]


# --- durations and times ----------------------------------------------------------------------

_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT_WORDS = {
    "ms": "ms", "milliseconds": "ms", "milidetik": "ms",
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "detik": "s", "dtk": "s",
    "m": "min", "min": "min", "minute": "min", "minutes": "min", "menit": "min",
    "h": "h", "hour": "h", "hours": "h", "jam": "h",
    "d": "d", "day": "d", "days": "d", "hari": "d",
}  # fmt: skip
_MAX_DURATION_S = 10 * 366 * 86400.0


def duration(value: Json) -> float:
    """Return seconds of ``10``, ``"1:30"`` (hours:minutes, as Home Assistant), ``"15 min"``, ``{minutes: 15}``."""
    seconds = _duration(value)
    if not isfinite(seconds) or not 0 <= seconds <= _MAX_DURATION_S:
        raise Wrong("check.duration")
    return seconds


def _duration(value: Json) -> float:
    if isinstance(value, bool):
        raise Wrong("check.duration")
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, dict):
        return sum(_duration_part(unit, count) for unit, count in value.items()) if value else _no_duration()
    if isinstance(value, str):
        text = value.strip().lower()
        if clock := re.fullmatch(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", text):
            hours, minutes, seconds = (int(part or 0) for part in clock.groups())
            return hours * 3600.0 + minutes * 60.0 + seconds
        if counted := re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]*)", text):
            return _duration_part(counted[2] or "s", float(counted[1]))
    return _no_duration()


def _duration_part(unit: object, count: object) -> float:
    word = _UNIT_WORDS.get(str(unit).lower())
    if word is None or isinstance(count, bool) or not isinstance(count, (int, float)) or not isfinite(count):
        return _no_duration()
    return count * _UNITS_S[word]


def _no_duration() -> float:
    raise Wrong("check.duration")


def time_of_day(value: Json) -> time:
    """Return ``"19:00"`` or ``"19:00:30"`` as a time without zone; 24:00 is not a time, write 00:00."""
    found = re.fullmatch(r"([01]?\d|2[0-3])[:.]([0-5]\d)(?::([0-5]\d))?", value.strip()) if _is_text(value) else None
    if not found:
        raise Wrong("check.time_of_day")
    hour, minute, second = (int(part or 0) for part in found.groups())
    return time(hour, minute, second)


def time_zone(value: Json) -> str:
    """Return the name of a time zone that this machine knows."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError, AttributeError) as err:
        raise Wrong("check.time_zone") from err
    return str(value)


# --- places in the picture --------------------------------------------------------------------

# A ten-thousandth of the picture is 8 x 4 pixels of VGA: nothing can stand in it.
_MIN_AREA = 1e-4


def point(value: Json) -> Point:
    """Return ``[x, y]``, fractions of the picture from the top left."""
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not all(_is_fraction(part) for part in value):
        raise Wrong("check.point")
    return (float(value[0]), float(value[1]))


def polygon(value: Json) -> Polygon:
    """Return three points or more that enclose an area and whose edges do not cross."""
    if not isinstance(value, (list, tuple)) or not 3 <= len(value) <= 64:
        raise Wrong("check.polygon")
    corners = tuple(_corner(number, corner) for number, corner in enumerate(value))
    if _crosses_itself(corners):
        raise Wrong("check.polygon_crosses")
    if area_of(corners) < _MIN_AREA:
        raise Wrong("check.polygon_flat")
    return corners


def _corner(number: int, value: Json) -> Point:
    try:
        return point(value)
    except Wrong as err:
        err.prepend([number])
        raise


def _crosses_itself(corners: Sequence[Point]) -> bool:
    edges = list(edges_of(corners))
    last = len(edges) - 1
    return any(
        _cross(*edges[i], *edges[j])
        for i in range(len(edges))
        for j in range(i + 2, len(edges))
        if not (i == 0 and j == last)
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _is_fraction(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


# --- words ------------------------------------------------------------------------------------

_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
          "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # fmt: skip


def size(value: Json) -> int:
    """Return bytes of ``"20 GB"`` (decimal), ``"2 GiB"`` (binary) or a plain number."""
    text = str(value).strip().lower() if _is_text(value) or (isinstance(value, int) and value is not True) else ""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,6})?)\s*([kmgt]?i?b)?", text)
    if not found:
        raise Wrong("check.size")
    return int(float(found[1]) * _SIZES[found[2] or ""])


def template(value: Json) -> str:
    """Return a Jinja2 template as it is, its syntax checked (what it asks for is known only when it runs)."""
    if not _is_text(value):
        raise Wrong("check.template_text")
    import jinja2  # here, because every eye imports this file through siaga.core and none renders a template

    try:
        jinja2.Environment(extensions=["jinja2.ext.loopcontrols"]).parse(value)  # parsed, never rendered
    except jinja2.TemplateSyntaxError as err:
        # Jinja2's own sentence stays: it names the word that it stumbled over, and there is no list to translate.
        raise Wrong("check.template", line=err.lineno, why=err.message or "") from err
    except RecursionError as err:
        raise Wrong("check.template", line=1, why="too deep") from err
    return str(value)


def slug(value: Json) -> str:
    """Return an id: small letters, digits, - and _, at most 64; it stands in paths, topics and addresses."""
    if not _is_text(value) or len(value) > 64 or not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", value):
        raise Wrong("check.slug")
    return str(value)


def phone(value: Json) -> str:
    """Return an international number (E.164), ``+62812...``, spaces, dots and dashes taken out."""
    digits = re.sub(r"[\s().-]", "", value) if _is_text(value) else ""
    if not re.fullmatch(r"\+[1-9]\d{7,14}", digits):
        raise Wrong("check.phone")
    return digits


def stream_url(value: Json) -> str:
    """Return an rtsp, rtsps, http or https address without a login (it has keys of its own: addresses are shown)."""
    if not _is_text(value):
        raise Wrong("check.stream_url")
    try:
        parts = urlsplit(value.strip())
        _ = parts.port
    except ValueError as err:
        raise Wrong("check.stream_url") from err
    if parts.scheme not in ("rtsp", "rtsps", "http", "https") or not parts.hostname:
        raise Wrong("check.stream_url")
    if parts.username is not None or parts.password is not None:
        raise Wrong("check.stream_url_login")
    return str(value.strip())


def number(value: Json) -> float:
    """Return a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise Wrong("rules.check.number")
    return float(value)


def boolean(value: Json) -> bool:
    """Return true or false of ``true``, ``false``, and of the words on, off, yes, no, ya, tidak."""
    if isinstance(value, bool):
        return value
    words = {"on": True, "yes": True, "ya": True, "true": True, "off": False, "no": False, "tidak": False}
    if _is_text(value) and value.lower() in (*words, "false"):
        return words.get(value.lower(), False)
    raise Wrong("check.boolean")


def text(value: Json) -> str:
    """Return words that are not empty; a bare number is taken as it is written (``name: 112``)."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not str(value).strip():
        raise Wrong("check.text")
    return str(value).strip()


def optional_text(value: Json) -> str:
    """Return words, or nothing where the key stands alone."""
    return "" if value is None or value == "" else text(value)


def web_address(value: Json) -> str:
    """Return an http or https address without a slash at its end, or nothing."""
    if value is None or value == "":
        return ""
    found = re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value) if _is_text(value) else None
    if not found:
        raise Wrong("check.url")
    return str(value).rstrip("/")


def _is_text(value: object) -> bool:
    return isinstance(value, str)
