"""Where something happens: zones that an option names, and whether a sighting stands in one."""

from __future__ import annotations

from ....core import Scene, Sighting, Texts


def a_zone(name: str | None, scene: Scene) -> str | None:
    """Return a zone's name; ValueError in words where the camera has none of that name."""
    if name is not None and name not in scene.zones:
        known = ", ".join(sorted(scene.zones)) or "-"
        raise ValueError(Texts()("behaviour.error.zone", zone=name, known=known))
    return name


def is_inside(zone: str | None, sighting: Sighting) -> bool:
    """Say whether a sighting stands in a zone; None is the whole picture."""
    return zone is None or zone in sighting.zones
