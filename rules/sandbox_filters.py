"""Jinja2's filters whose own versions can be made to work for ever, written again with bounds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

_TEXT_LIMIT = 20_000  # as sandbox.WEIGHT_LIMIT
_PRECISION_LIMIT = 10
_WIDE = re.compile(r"%[^a-zA-Z%]*(?:\d{3}|\*)")


class OwnLimit(ArithmeticError):
    """Stop a filter that would make too much; ``key`` names the text for the operator."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        super().__init__(key)


def join(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    """Join the texts of items."""
    parts: list[str] = []
    total = 0
    for item in items:
        part = str(item[attribute] if attribute is not None else item)
        total += len(part) + len(separator)
        if total > _TEXT_LIMIT:
            raise OwnLimit("rules.template.too_big")
        parts.append(part)
    return separator.join(parts)


def replace(text: Any, old: str, new: str, count: int = -1) -> str:  # noqa: ANN401
    """Replace each ``old`` by ``new``."""
    text = str(text)
    found = text.count(old)
    if found * len(new) > _TEXT_LIMIT:
        raise OwnLimit("rules.template.too_big")
    return str(text).replace(old, new, count)


def rounded(value: Any, precision: int = 0, method: str = "common") -> float | int:  # noqa: ANN401
    """Round; without a precision to a whole number, so that a message reads ``212``, not ``212.0``."""
    if not -_PRECISION_LIMIT <= precision <= _PRECISION_LIMIT:
        raise OwnLimit("rules.template.too_big")
    number = float(value)
    if method in ("ceil", "floor"):
        scale = 10.0**precision
        number = (math.ceil if method == "ceil" else math.floor)(number * scale) / scale
    elif method != "common":
        raise ValueError(method)
    else:
        # Halves away from zero, as people round, not to the even neighbour.
        scale = 10.0**precision
        number = math.copysign(math.floor(abs(number) * scale + 0.5), number) / scale
    return int(number) if precision <= 0 else round(number, precision)


def printf(text: str, *args: Any) -> str:  # noqa: ANN401
    """Fill ``%s`` and ``%.1f``; widths of three digits are refused."""
    if _WIDE.search(text):
        raise OwnLimit("rules.template.too_big")
    return text % args


def to_json(value: Any) -> str:  # noqa: ANN401
    """Write a value as JSON."""
    return json.dumps(value, default=str, ensure_ascii=False)


OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "join": join,
    "replace": replace,
    "round": rounded,
    "format": printf,
    "to_json": to_json,
    "tojson": to_json,
}
