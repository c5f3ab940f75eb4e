"""What a blueprint asks for: its inputs as declared, and the values that a rule gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import voluptuous as vol

from ..core.types import Json, Struct
from ..core.validators import Wrong, boolean, text
from ..core.yaml_lines import Gap, LineDict, Place, place_of
from .reading import Reading, Spot
from .selectors import ANYTHING, Selection, read_selection


def said(value: Json) -> dict[str, str]:
    """Return a text by language, of a text or of ``{id: ..., en: ...}``."""
    if isinstance(value, dict):
        if not value or any(key not in ("id", "en") for key in value):
            raise Wrong("blueprints.check.said")
        spoken = {key: text(one) for key, one in value.items()}
        return {"id": spoken.get("id") or spoken["en"], "en": spoken.get("en") or spoken["id"]}
    return dict.fromkeys(("id", "en"), text(value))


SAID: dict[Any, Any] = {
    vol.Optional("name", description="blueprints.head.name"): said,
    vol.Optional("name_en", description="blueprints.head.name_en"): text,
    vol.Optional("description", description="blueprints.head.description"): vol.Any(None, said),
    vol.Optional("description_en", description="blueprints.head.description_en"): text,
}
INPUT = vol.Schema(
    {
        **SAID,
        vol.Optional("default", description="blueprints.input.default"): object,
        vol.Optional("selector", description="blueprints.input.selector"): vol.Any(None, dict),
    }
)
SECTION = vol.Schema(
    {
        **SAID,
        vol.Optional("icon", description="blueprints.input.icon"): text,
        vol.Optional("collapsed", description="blueprints.input.collapsed"): boolean,
        vol.Required("input", description="blueprints.head.input"): vol.Any(None, dict),
    }
)
HEAD = vol.Schema(
    {
        **{key: check for key, check in SAID.items() if str(key) != "name"},
        vol.Required("name", description="blueprints.head.name"): said,
        vol.Optional("domain", description="blueprints.head.domain"): vol.In(["automation"]),
        vol.Optional("author", description="blueprints.head.author"): text,
        vol.Optional("source_url", description="blueprints.head.source_url"): text,
        vol.Optional("homeassistant", description="blueprints.head.homeassistant"): object,
        vol.Optional("input", description="blueprints.head.input"): vol.Any(None, dict),
    }
)


class Asked(Struct):
    """Hold one input of a blueprint. ``default`` is a YAML value; ``at`` is where that stands."""

    name: str
    label: dict[str, str]
    description: dict[str, str]
    selection: Selection
    section: dict[str, str] = {}
    has_default: bool = False
    default: Json = None
    at: Place = Place("", 0)


class Given(Struct):
    """Hold what takes an input's place in the rule, and where that was written."""

    value: Json
    at: Place


def spoken(shape: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the texts of ``name`` or ``description`` by language; nothing when there are none."""
    texts = dict(shape.get(key) or {})
    if english := shape.get(f"{key}_en"):
        texts = {"id": english, **texts, "en": english}
    return texts


def read_asked(reading: Reading, spot: Spot, section: dict[str, str] | None = None) -> tuple[Asked, ...]:
    """Read ``input:`` of a blueprint, with its sections."""
    found: list[Asked] = []
    node = spot.value
    if isinstance(node, Gap) or not isinstance(node, dict):
        return ()
    for name in node:
        here = spot.inside(name)
        value = here.value
        if section is None and isinstance(value, dict) and "input" in value:
            shape = reading.checked(SECTION, here)
            label = spoken(shape, "name") if shape else {}
            found += read_asked(reading, here.inside("input"), label or dict.fromkeys(("id", "en"), str(name)))
        elif not isinstance(name, str) or isinstance(name, Gap):
            reading.wrong(here, "rules.check.variable_name")
        else:
            one = _read_one(reading, here, section or {})
            found += [one] if one is not None else []
    return tuple(found)


def _read_one(reading: Reading, spot: Spot, section: dict[str, str]) -> Asked | None:
    node = LineDict() if spot.value is None else spot.value
    shape = reading.checked(INPUT, spot, node)
    if shape is None:
        return None
    selection: Selection | None = ANYTHING
    if shape.get("selector") is not None:
        selection = read_selection(reading, spot.inside("selector"))
    if selection is None:
        return None
    one = Asked(
        name=spot.key,
        label=spoken(shape, "name") or dict.fromkeys(("id", "en"), spot.key),
        description=spoken(shape, "description"),
        selection=selection,
        section=section,
        has_default="default" in node,
        default=node.get("default"),
        at=place_of(node, "default") if "default" in node else place_of(spot.container, spot.key),
    )
    # Of no camera in particular: which ones the rule names is not known yet.
    _default(reading, one, {})
    return one


def read_given(reading: Reading, spot: Spot, asked: Iterable[Asked], blueprint: str) -> dict[str, Given]:
    """Return the value of every input, of the rule or the default; what is wrong is kept in the reading.

    ``spot`` is where the rule writes ``use_blueprint``; its inputs stand below, or do not.
    """
    inputs = {one.name: one for one in asked}
    holder = spot.value
    node = holder.get("input")
    if not isinstance(node, dict):
        node = LineDict()
    above = Spot(holder, "input", f"{spot.path}.input")
    for name in node:
        if name not in inputs:
            here = above.inside(name)
            reading.wrong(here, "blueprints.check.no_input", near=name, known=inputs, name=name, blueprint=blueprint)
    found: dict[str, Given] = {}
    values: dict[str, Json] = {}
    for one in _cameras_first(inputs.values()):
        if one.name in node:
            found[one.name] = _taken(reading, above.inside(one.name), one, values)
        elif one.has_default:
            found[one.name] = Given(value=_default(reading, one, values), at=one.at)
        else:
            at = above if "input" in holder else spot
            missing = Spot(at.container, at.key, f"{spot.path}.input.{one.name}")
            label = one.label[reading.texts.language]
            reading.wrong(missing, "blueprints.check.input_missing", name=one.name, label=label, blueprint=blueprint)
            continue
        values[one.name] = found[one.name].value
    return found


def _taken(reading: Reading, spot: Spot, one: Asked, values: Mapping[str, Json]) -> Given:
    at = place_of(spot.container, spot.key)
    if one.has_default and type(spot.value) is type(one.default) and spot.value == one.default:
        return Given(value=_default(reading, one, values), at=at)
    return Given(value=one.selection.read(reading, spot, values), at=at)


def _default(reading: Reading, one: Asked, values: Mapping[str, Json]) -> Json:
    # Nothing is a good default of anything: the blueprint then does without.
    if one.default in (None, "", [], {}):
        return one.default
    holder = LineDict({"default": one.default})
    holder.places = {"default": one.at}
    return one.selection.read(reading, Spot(holder, "default", f"blueprint.input.{one.name}.default"), values)


def _cameras_first(inputs: Iterable[Asked]) -> list[Asked]:
    # A zone is looked for on the cameras of another input, wherever that stands.
    return sorted(inputs, key=lambda one: "camera" in one.selection.options)
