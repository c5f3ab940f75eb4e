"""The keys ``presets`` and ``ptz`` of a camera: their schemas, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from ..types import Polygon
from ..validators import Each, boolean, duration, polygon, slug, text
from .settings import PatrolSettings, PatrolStop, PtzSettings


def _seconds(least: float, most: float) -> vol.All:
    return vol.All(duration, vol.Range(min=least, max=most))


# A head that never rests wears out in months, and its eyes never see a scene at rest.
_DWELL = _seconds(5, 24 * 3600)
# An empty preset may be written as nothing at all: ``jalan:``.
_PRESET = {vol.Optional("zones", default=dict, description="camera.option.preset_zones"): {slug: polygon}}
PRESETS = vol.Any({text: vol.Any(_PRESET, None)}, Each(text))
_STOP = {
    vol.Required("preset", description="ptz.option.stop_preset"): text,
    vol.Optional("dwell", description="ptz.option.stop_dwell"): _DWELL,
}
_PATROL = {
    vol.Required("presets", description="ptz.option.patrol_presets"): Each(vol.Any(text, _STOP), at_least=2),
    vol.Optional("dwell", default="20 s", description="ptz.option.dwell"): _DWELL,
    vol.Optional("pause", default="2 min", description="ptz.option.pause"): _seconds(0, 24 * 3600),
    vol.Optional("wait_for_incident", default=False, description="ptz.option.wait_for_incident"): boolean,
}
PTZ = {
    vol.Optional("home", description="ptz.option.home"): text,
    vol.Optional("return_after", default="60 s", description="ptz.option.return_after"): _seconds(1, 24 * 3600),
    vol.Optional("patrol", description="ptz.option.patrol"): _PATROL,
    vol.Optional("settle", default="3 s", description="ptz.option.settle"): _seconds(0, 60),
    vol.Optional("lease", default="30 s", description="ptz.option.lease"): _seconds(1, 3600),
}


def preset_zones(presets: Any) -> dict[str, dict[str, Polygon]]:  # noqa: ANN401  what PRESETS made
    """Return the zones of each preset that has its own."""
    if not isinstance(presets, Mapping):
        return {}
    return {name: its["zones"] for name, its in presets.items() if its and its.get("zones")}


def ptz_settings(checked: Mapping[str, Any] | None) -> PtzSettings:
    """Return what PTZ made of the key ``ptz``; what is usual where there is none."""
    if not checked:
        return PtzSettings()
    return PtzSettings(
        home=checked.get("home", ""),
        return_after_s=checked["return_after"],
        patrol=_patrol(checked.get("patrol")),
        settle_s=checked["settle"],
        lease_s=checked["lease"],
    )


def _patrol(checked: Mapping[str, Any] | None) -> PatrolSettings | None:
    if checked is None:
        return None
    stops = [stop if isinstance(stop, Mapping) else {"preset": stop} for stop in checked["presets"]]
    return PatrolSettings(
        stops=tuple(PatrolStop(preset=stop["preset"], dwell_s=stop.get("dwell", checked["dwell"])) for stop in stops),
        pause_s=checked["pause"],
        waits_for_incident=checked["wait_for_incident"],
    )
