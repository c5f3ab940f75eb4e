"""Which detector is measured on what, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..core.plugin_manager import PluginManager
from . import brawl, fire, flood, people, plates, quiet
from .footage import pictures_of
from .report import Report

Case = Callable[[Path, PluginManager], list[Report]]


def _on_stills(
    measure: Callable[[Path, Mapping[str, Any]], list[Report]], data: Path, plugins: PluginManager
) -> list[Report]:
    return measure(data, plugins.detectors)


def _objects(data: Path, plugins: PluginManager) -> list[Report]:
    counted = people.measure(data, plugins.detectors)
    video = _video(data)
    if not video.is_file():
        return counted
    pictures = list(pictures_of(video, quiet.FPS))
    return [*counted, people.changes(pictures, plugins.detectors["objects"], "vtest, a square with walkers")]


def _crowd(data: Path, plugins: PluginManager) -> list[Report]:
    return [*people.crowd(data, plugins.detectors), *_quiet({"crowd": QUIET["crowd"]}, data, plugins)]


def _video(data: Path) -> Path:
    # Beside the footage, or in its folder of recordings.
    places = (data / quiet.VIDEO, data / "media" / quiet.VIDEO, data.parent / "media" / quiet.VIDEO)
    return next((place for place in places if place.is_file()), places[0])


def _quiet(detect: Mapping[str, dict[str, Any]], data: Path, plugins: PluginManager) -> list[Report]:
    return quiet.measure(_video(data), plugins.detectors, plugins.fence, detect)


def _brawl(data: Path, plugins: PluginManager) -> list[Report]:
    return brawl.measure(data, plugins.detectors, plugins.fence)


# What each is asked for in the hour in which nothing happens.
QUIET: Mapping[str, dict[str, Any]] = {
    "brawl": {},
    "crowd": {"above": 12},
    "fire": {},
    "left": {"zone": "alun", "what": ["left", "removed"]},
    "fallen": {},
    "running": {},
    "loitering": {"zone": "alun", "for": "2 min"},
    "tamper": {},
}
CASES: Mapping[str, Case] = {
    "flood": partial(_on_stills, flood.measure),
    "brawl": _brawl,
    "fire": partial(_on_stills, fire.measure),
    "objects": _objects,
    "crowd": _crowd,
    "crowds": partial(_on_stills, people.crowd),
    "plates": partial(_on_stills, plates.measure),
    **{name: partial(_quiet, {name: QUIET[name]}) for name in ("fallen", "left", "loitering", "running", "tamper")},
    "quiet": partial(_quiet, QUIET),
}
# Asked for without a name: the hour once, and not for each detector again.
ALL = ("flood", "brawl", "fire", "objects", "crowds", "plates", "quiet")


def measured(detector: str, data: Path, plugins: PluginManager) -> list[Report]:
    """Measure one detector. NoFootage where its data is not there; KeyError for one that has no case."""
    return CASES[detector](data, plugins)
