"""Reads the cameras of a configuration: their kind's options, zones, presets and detectors, every name checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import voluptuous as vol

from . import config_schemas as schemas
from .camera_kinds import CameraKind
from .contracts import Detector, Kind
from .ground import Ground
from .ptz.options import preset_zones, ptz_settings
from .settings import BandwidthSettings, CameraSettings, DetectSettings, PrivacySettings, RecordSettings
from .tasks import Crash, fenced_call
from .types import Json
from .yaml_lines import LineDict, LineList, Place, place_of, plain, without

CheckName = Callable[[Json, str, str, Json, str], None]
FindKind = Callable[[Json, str, Place, str, Mapping[str, Kind[Any]]], Kind[Any] | None]


class Check(Protocol):
    """Check a piece of YAML by a schema; None with the mistakes kept."""

    def __call__(
        self, schema: vol.Schema, node: Json, path: str, at: Place, *, also_known: Sequence[str] = ()
    ) -> dict[str, Any] | None:
        """Return what the schema makes of it."""
        ...


class CameraReader:
    """Read cameras. ``check``, ``check_name`` and ``find_kind`` are the configuration's own."""

    def __init__(self, *, check: Check, check_name: CheckName, find_kind: FindKind) -> None:
        self.places: Json = None
        self.cameras: Mapping[str, Kind[Any]] = {}
        self.detectors: Mapping[str, Kind[Detector]] = {}
        self._check = check
        self._check_name = check_name
        self._kind = find_kind

    def camera(self, key: str, node: Json, path: str, at: Place) -> CameraSettings | None:
        """Read one camera."""
        common_keys = [str(name) for name in schemas.CAMERA.schema]
        kind = self._kind(node, path, at, "camera", self.cameras)
        others = [name for name in node if name not in common_keys] if isinstance(node, LineDict) else []
        common = self._check(schemas.CAMERA, without(node, others) if others else node, path, at)
        options = None
        if kind and isinstance(node, LineDict):
            options = self._check(kind.schema, without(node, common_keys), path, at, also_known=common_keys)
        detect = self._detect(node, path)
        self._check_name(node, "place", path, self.places, "config.no_such_place")
        if kind is None or common is None or options is None:
            return None
        presets = _presets(kind, common, options)
        self._check_presets(node, path, presets)
        return CameraSettings(
            id=key,
            type=kind.name,
            name=common.get("name", key),
            place=common.get("place"),
            groups=tuple(common["groups"]),
            purpose=common["purpose"],
            zones=common["zones"],
            detect=detect,
            record=_record(common["record"]),
            bandwidth=BandwidthSettings(mode=common["bandwidth"]["mode"], every_s=common["bandwidth"]["every"]),
            options=options,
            presets=presets,
            preset_zones=preset_zones(common.get("presets")),
            ptz=ptz_settings(common.get("ptz")),
            ground=Ground(**common["ground"]) if "ground" in common else None,
            privacy=PrivacySettings(
                masks=tuple(common["privacy"]["masks"]), hides_faces=common["privacy"]["faces"] == "blur"
            ),
            written=plain(without(node, common_keys)),
        )

    def _detect(self, camera: Json, path: str) -> tuple[DetectSettings, ...]:
        nodes = camera.get("detect") if isinstance(camera, LineDict) else None
        found = []
        for number, node in enumerate(nodes if isinstance(nodes, LineList) else ()):
            here, at = f"{path}.detect[{number}]", place_of(nodes, number)
            if not isinstance(node, LineDict):
                continue  # told by the camera's own schema
            kind = self._kind(node, here, at, "detector", self.detectors)
            own = ["type", "preset"]
            bound = self._bound(node, here, at)
            options = self._check(kind.schema, without(node, own), here, at, also_known=own) if kind else None
            zones = _zone_names(camera, bound)
            self._check_name(node, "zone", here, zones, "config.no_such_zone")
            self._check_name(node, "zones", here, zones, "config.no_such_zone")
            if kind and options is not None:
                found.append(DetectSettings(type=kind.name, options=options, preset=bound))
        return tuple(found)

    def _bound(self, node: LineDict, path: str, at: Place) -> str | None:
        """Return the preset at which a detector looks; it knows the zones of that one only."""
        if "preset" not in node:
            return None
        checked = self._check(schemas.BOUND, without(node, [name for name in node if name != "preset"]), path, at)
        return checked["preset"] if checked else None

    def _check_presets(self, camera: Json, path: str, presets: Iterable[str] | None) -> None:
        """Tell of a preset that is named somewhere in the camera and that it surely has not."""
        if presets is None:
            return
        known = dict.fromkeys(presets)
        self._check_name(camera.get("ground"), "preset", f"{path}.ground", known, "config.no_such_preset")
        ptz = camera.get("ptz")
        self._check_name(ptz, "home", f"{path}.ptz", known, "config.no_such_preset")
        patrol = ptz.get("patrol") if isinstance(ptz, LineDict) else None
        self._check_name(patrol, "presets", f"{path}.ptz.patrol", known, "config.no_such_preset")
        stops = patrol.get("presets") if isinstance(patrol, LineDict) else None
        for number, stop in enumerate(stops if isinstance(stops, LineList) else ()):
            here = f"{path}.ptz.patrol.presets[{number}]"
            self._check_name(stop, "preset", here, known, "config.no_such_preset")
        for number, detect in enumerate(camera.get("detect") or ()):
            self._check_name(detect, "preset", f"{path}.detect[{number}]", known, "config.no_such_preset")


def _zone_names(camera: LineDict, bound: Json) -> Json:
    zones, presets = camera.get("zones"), camera.get("presets")
    if not isinstance(presets, LineDict):
        return zones
    names = dict.fromkeys(zones if isinstance(zones, LineDict) else ())
    for preset, its in presets.items():
        own = its.get("zones") if isinstance(its, LineDict) and bound in (None, preset) else None
        names.update(dict.fromkeys(own if isinstance(own, LineDict) else ()))
    return names


def _presets(kind: Kind[Any], common: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "presets" in common:
        return tuple(common["presets"])
    tell = kind.presets if isinstance(kind, CameraKind) else None
    told = fenced_call(lambda: tuple(tell(options))) if tell is not None else None
    return None if isinstance(told, Crash) else told


def _record(told: dict[str, Any]) -> RecordSettings:
    return RecordSettings(mode=told["mode"], fill_gaps=told["fill_gaps"], fill_longest_s=told["fill_longest"])
