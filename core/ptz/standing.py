"""Where a camera stands: nowhere known, on its way, or at a preset; and by what it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from ..device_contracts import PtzPosition
from ..types import Struct

Where = Literal["unknown", "moving", "standing"]
# A gear's play and a camera's rounding are below a hundredth of the range; a zone drawn at the border of the
# picture is off by about as much as the camera is.
SAME_TURN, SAME_ZOOM = 0.02, 0.03


class Standing(Struct):
    """Say where a camera is; ``preset`` is "" unless it stands at one."""

    where: Where
    since: datetime
    preset: str = ""


def is_same(one: PtzPosition, other: PtzPosition) -> bool:
    """Say whether two positions show the same picture."""
    # The range of a dome that turns without end closes where it begins.
    pan = abs(one.pan - other.pan)
    turns = max(min(pan, 2.0 - pan), abs(one.tilt - other.tilt))
    return turns <= SAME_TURN and abs(one.zoom - other.zoom) <= SAME_ZOOM


def preset_at(position: PtzPosition, known: Mapping[str, PtzPosition]) -> str:
    """Return the one preset whose remembered position this is, "" where none is, or more than one.

    A camera that says the same wherever it looks would be known again everywhere: a single preset proves nothing.
    """
    found = [name for name, place in known.items() if is_same(place, position)]
    return found[0] if len(found) == 1 and len(known) > 1 else ""
