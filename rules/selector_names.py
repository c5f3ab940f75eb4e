"""Reads inputs of a blueprint that name something of the site: cameras, zones, presets, people, places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.types import Json
from ..core.yaml_lines import Gap, LineDict, LineList, place_of
from .reading import Reading, Spot, as_node
from .triggers import fits

Options = Mapping[str, Any]
PEOPLE = ("contact", "team", "rota")
AREAS = ("group", "place")


def read_names(sort: str) -> Callable[[Reading, Spot, Options], Json]:
    """Return what reads one name of a sort, or several."""

    def read(reading: Reading, spot: Spot, options: Options) -> Json:
        return _named(reading, spot, options, sort, _known(reading, sort))

    return read


def read_cameras(reading: Reading, spot: Spot, options: Options) -> Json:
    """Read a camera, or several: by name, or all of a group or a place, ``{group: sekolah}``."""
    if not isinstance(spot.value, dict) or not options.get("multiple"):
        return _named(reading, spot, options, "camera", _known(reading, "camera"))
    before = len(reading.problems)
    found: dict[str, None] = {}
    for key in spot.value:
        here = spot.inside(key)
        if key not in ("camera", *AREAS):
            reading.wrong(here, "check.unknown_key", near=key, known=("camera", *AREAS))
            continue
        names = _listed(_named(reading, here, options, key, _known(reading, key)))
        found.update(dict.fromkeys(names if key == "camera" else _cameras_in(reading, key, names)))
    if not found and len(reading.problems) == before:
        reading.wrong(spot, "blueprints.check.some", sort=reading.texts("blueprints.sort.camera"))
    return as_node(list(found), spot)


def _cameras_in(reading: Reading, area: str, names: Iterable[str]) -> list[str]:
    cameras = reading.settings.cameras.values()
    return [one.id for one in cameras if set(names) & set(one.groups if area == "group" else [one.place])]


def read_zones(reading: Reading, spot: Spot, options: Options) -> Json:
    """Read a zone of the cameras that another input names, of any camera where none does."""
    cameras = reading.settings.cameras
    wanted = _listed(options["cameras"])
    looked = [cameras[name] for name in wanted if name in cameras] if wanted else list(cameras.values())
    known = dict.fromkeys(zone for camera in looked for zone in camera.zone_names)
    return _named(reading, spot, options, "zone", known, "blueprints.check.no_zone")


def read_preset(reading: Reading, spot: Spot, options: Options) -> Json:
    """Read the name of a preset; which ones a camera has is checked where the rule turns it."""
    return _named(reading, spot, options, "preset", None)


def read_kinds(reading: Reading, spot: Spot, options: Options) -> Json:
    """Read a kind of event; ``fire.*`` stands for several."""
    return _named(reading, spot, options, "kind", reading.words.event_kinds)


def read_recipients(reading: Reading, spot: Spot, options: Options) -> Json:
    """Read who is told, as the ``target`` of ``notify``: names are sorted into contacts, teams and rotas."""
    value = spot.value
    found = as_node({}, spot)
    if isinstance(value, dict):
        for key in value:
            if key not in PEOPLE:
                reading.wrong(spot.inside(key), "check.unknown_key", near=key, known=PEOPLE)
            else:
                names = _named(reading, spot.inside(key), {"multiple": True}, key, _known(reading, key))
                _put(found, key, names, spot.inside(key))
    elif isinstance(value, str | list):
        for one in reading.items(spot):
            if sort := _sort_of(reading, one):
                _put(found, sort, [one.value], one)
    else:
        reading.wrong(spot, "blueprints.check.recipients")
        return None
    if not found and not reading.problems:
        reading.wrong(spot, "blueprints.check.some", sort=reading.texts("blueprints.sort.recipient"))
    return found


def _put(found: LineDict, sort: str, names: Json, at: Spot) -> None:
    held = found.setdefault(sort, as_node([], at))
    found.places.setdefault(sort, place_of(at.container, at.key))
    for name in names or ():
        held.places[len(held)] = place_of(at.container, at.key)
        held.append(name)


def _sort_of(reading: Reading, spot: Spot) -> str:
    name = spot.value
    if isinstance(name, Gap):
        reading.add([name.problem])
        return ""
    known = {sort: _known(reading, sort) for sort in PEOPLE}
    sorts = [sort for sort in PEOPLE if isinstance(name, str) and name in known[sort]]
    if not sorts and not isinstance(name, str):
        reading.wrong(spot, "blueprints.check.recipients")
    elif not sorts:
        everybody = [one for names in known.values() for one in names]
        sort = reading.texts("blueprints.sort.recipient")
        reading.wrong(spot, "blueprints.check.no_name", near=name, known=everybody, name=name, sort=sort)
    elif len(sorts) > 1:
        said = " / ".join(reading.texts(f"blueprints.sort.{sort}") for sort in sorts)
        reading.wrong(spot, "blueprints.check.two_meanings", name=name, sorts=said, sort=sorts[0])
    return sorts[0] if len(sorts) == 1 else ""


def _named(
    reading: Reading,
    spot: Spot,
    options: Options,
    sort: str,
    known: Iterable[str] | None,
    unknown: str = "blueprints.check.no_name",
) -> Json:
    """Return a name, or a list of names with ``multiple``; ``known`` None takes any name."""
    said = reading.texts(f"blueprints.sort.{sort}")
    value, is_many = spot.value, bool(options.get("multiple"))
    if isinstance(value, list) and not is_many:
        reading.wrong(spot, "blueprints.check.one_name", sort=said)
        return None
    found: LineList = as_node([], spot)
    for one in reading.items(spot):
        name = one.value
        if isinstance(name, Gap):
            reading.add([name.problem])
        elif not isinstance(name, str) or not name:
            reading.wrong(one, "blueprints.check.names", sort=said)
        elif known is not None and not _is_one(name, sort, known):
            reading.wrong(one, unknown, near=name, known=known, name=name, sort=said)
        found.places[len(found)] = place_of(one.container, one.key)
        found.append(name)
    if not found:
        reading.wrong(spot, "blueprints.check.some", sort=said)
        return None
    return found if is_many else found[0]


def _is_one(name: str, sort: str, known: Iterable[str]) -> bool:
    if sort == "kind" and name.endswith("*"):
        return any(fits(name, kind) for kind in known)
    return name in known


def _known(reading: Reading, sort: str) -> tuple[str, ...]:
    if sort == "group":
        return tuple(dict.fromkeys(group for camera in reading.settings.cameras.values() for group in camera.groups))
    return reading.settings.names(f"{sort}s")


def _listed(value: Json) -> list[str]:
    return [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str) and name]
