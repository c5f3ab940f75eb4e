"""Makes cameras of the groups and places that a trigger or condition names, while it is read."""

from __future__ import annotations

from typing import Any

from ..core.settings import Settings
from ..core.yaml_lines import LineDict, join_path
from .reading import Reading, Spot

AREAS = ("group", "place")
# No camera at all would mean any; no camera can have this name.
_NO_CAMERA = "-"


def with_cameras(reading: Reading, node: LineDict, path: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with a group's and a place's cameras among ``camera``; one that holds none is a mistake."""
    named = [(sort, name) for sort in AREAS for name in options.get(sort, ())]
    if not named:
        return options
    cameras = dict.fromkeys(options.get("camera", ()))
    for sort, name in named:
        found = _cameras_in(reading.settings, sort, name)
        # A camera that is switched off for a mistake of its own may be the one that belongs there.
        if not found and not reading.settings.off and name in reading.settings.places:
            reading.wrong(Spot(node, sort, join_path(path, sort)), "rules.check.empty_area", name=name)
        cameras |= dict.fromkeys(found)
    rest = {key: value for key, value in options.items() if key not in AREAS}
    return {**rest, "camera": list(cameras) or [_NO_CAMERA]}


def _cameras_in(settings: Settings, sort: str, name: str) -> list[str]:
    cameras = settings.cameras.values()
    return [one.id for one in cameras if (name in one.groups if sort == "group" else name == one.place)]
