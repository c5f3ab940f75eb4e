"""What a bare word of YAML is: a number, true or false, or the word that it is."""

from __future__ import annotations

import math

_BASES = {"0x": 16, "0o": 8}
_SWITCHES = {"true": True, "false": False}


def typed(kind: str, text: str) -> int | float | bool | str:
    """Return a scalar of the kind ``int``, ``float`` or ``bool``; ValueError where it is none, LookupError for others.

    A float beyond all bounds (``1e999``) stays the word that it is.
    """
    if kind == "int":
        return int(text, _BASES.get(text.lstrip("-")[:2], 10))
    if kind == "float":
        number = float(text)
        return number if math.isfinite(number) else text
    if kind == "bool":
        if text.lower() not in _SWITCHES:
            raise ValueError(text)
        return _SWITCHES[text.lower()]
    raise LookupError(kind)
