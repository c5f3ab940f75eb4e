"""The types that an input of a blueprint may have, in Home Assistant's shape: ``selector: {camera: {}}``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import voluptuous as vol

from ..core.errors import Problem
from ..core.types import Json, Struct
from ..core.validators import Wrong, boolean, duration, text, time_of_day
from ..core.yaml_lines import Gap, LineDict, LineList, place_of
from .reading import Reading, Spot, as_node
from .selector_names import read_cameras, read_kinds, read_names, read_preset, read_recipients, read_zones

Options = Mapping[str, Any]
# Returns what takes the input's place; what is wrong with it is kept in the reading.
Read = Callable[[Reading, Spot, Options], Json]


class Selector(Struct):
    """Hold one type: what its options are, and how a value of it is read."""

    name: str
    schema: vol.Schema
    read: Read


class Selection(Struct):
    """Hold the type of one input: a selector with its options."""

    selector: Selector
    options: dict[str, Any] = {}

    def read(self, reading: Reading, spot: Spot, given: Options) -> Json:
        """Return the value at a spot as it goes into the rule; ``given`` are the inputs before it, by name."""
        if isinstance(spot.value, Gap):
            reading.add([spot.value.problem])
            return None
        camera = self.options.get("camera")
        return self.selector.read(reading, spot, {**self.options, "cameras": given.get(camera) if camera else None})


def read_selection(reading: Reading, spot: Spot) -> Selection | None:
    """Read ``selector: {camera: {multiple: true}}`` of a blueprint's input."""
    node = spot.value
    if isinstance(node, Gap) or not isinstance(node, dict) or len(node) != 1:
        if not isinstance(node, Gap):
            reading.wrong(spot, "blueprints.check.one_selector")
        return None
    (name,) = node
    selector = SELECTORS.get(name) if isinstance(name, str) else None
    if selector is None:
        reading.wrong(spot.inside(name), "blueprints.check.no_selector", near=name, known=SELECTORS, name=name)
        return None
    options = LineDict() if node[name] is None else node[name]
    checked = reading.checked(selector.schema, spot.inside(name), options)
    return None if checked is None else Selection(selector=selector, options=dict(checked))


def _anything(reading: Reading, spot: Spot, options: Options) -> Json:
    return spot.value


def _number(reading: Reading, spot: Spot, options: Options) -> Json:
    value = spot.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        reading.wrong(spot, "blueprints.check.number")
        return None
    return _bounded(reading, spot, value, options, str(options.get("unit") or options.get("unit_of_measurement") or ""))


def _bounded(reading: Reading, spot: Spot, value: float, options: Options, unit: str) -> float | None:
    least, most = options.get("min"), options.get("max")
    if least is not None and value < least:
        reading.wrong(spot, "blueprints.check.below", limit=f"{least:g} {unit}".strip())
        return None
    if most is not None and value > most:
        reading.wrong(spot, "blueprints.check.above", limit=f"{most:g} {unit}".strip())
        return None
    return value


def _duration(reading: Reading, spot: Spot, options: Options) -> Json:
    value = _valid(reading, spot, duration)
    if value is None:
        return None
    seconds = _bounded(reading, spot, value, options, "s")
    return int(seconds) if seconds is not None and seconds.is_integer() else seconds


def _time(reading: Reading, spot: Spot, options: Options) -> Json:
    value = _valid(reading, spot, time_of_day)
    return None if value is None else value.isoformat("seconds" if value.second else "minutes")


def _boolean(reading: Reading, spot: Spot, options: Options) -> Json:
    return _valid(reading, spot, boolean)


def _stage(reading: Reading, spot: Spot, options: Options) -> Json:
    return _each(reading, spot, options, "stage", _one_stage)


def _one_stage(value: Json) -> int:
    if isinstance(value, bool) or str(value) not in ("1", "2", "3", "4"):
        raise Wrong("blueprints.check.stage")
    return int(value)


def _text(reading: Reading, spot: Spot, options: Options) -> Json:
    return _each(reading, spot, options, "text", _one_text)


def _one_text(value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong("blueprints.check.text")
    return str(value)


def _select(reading: Reading, spot: Spot, options: Options) -> Json:
    known = [one["value"] if isinstance(one, dict) else one for one in options["options"]]

    def one(value: Json) -> Json:
        if value in known or (options.get("custom_value") and isinstance(value, str)):
            return value
        raise Wrong("blueprints.check.one_of", names=", ".join(str(name) for name in known))

    return _each(reading, spot, options, "select", one)


def _each(reading: Reading, spot: Spot, options: Options, sort: str, valid: Callable[[Json], Json]) -> Json:
    """Read one value, or with ``multiple`` a list of them."""
    if not options.get("multiple"):
        return _valid(reading, spot, valid)
    found = as_node([], spot)
    for one in reading.items(spot):
        found.places[len(found)] = place_of(one.container, one.key)
        found.append(_valid(reading, one, valid))
    if not found:
        reading.wrong(spot, "blueprints.check.some", sort=reading.texts(f"blueprints.sort.{sort}"))
    return found


def _valid(reading: Reading, spot: Spot, valid: Callable[[Json], Any]) -> Any:  # noqa: ANN401
    try:
        return valid(spot.value)
    except Wrong as err:
        place = place_of(spot.container, spot.key)
        what = err.say(reading.texts)
        reading.add([Problem(file=place.file, line=place.line, path=spot.path, what=what)])
        return None


def _limit(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("blueprints.check.number")
    return float(value)


def _choices(value: Json) -> LineList | list[Any]:
    if not isinstance(value, list) or not value:
        raise vol.SequenceTypeInvalid("expected a list")
    return [_OPTION(one) if isinstance(one, dict) else _one_text(one) for one in value]


_OPTION = vol.Schema(
    {
        vol.Required("value", description="blueprints.option.value"): _one_text,
        vol.Optional("label", description="blueprints.option.label"): _one_text,
    }
)
_MULTIPLE: dict[Any, Any] = {vol.Optional("multiple", description="blueprints.option.multiple"): boolean}
_OF_CAMERA: dict[Any, Any] = {vol.Optional("camera", description="blueprints.option.camera"): text}
_BOUNDS: dict[Any, Any] = {
    vol.Optional("min", description="blueprints.option.min"): _limit,
    vol.Optional("max", description="blueprints.option.max"): _limit,
}
_SPANS: dict[Any, Any] = {
    vol.Optional("min", description="blueprints.option.min"): duration,
    vol.Optional("max", description="blueprints.option.max"): duration,
}
_ON_FORMS: dict[Any, Any] = {
    vol.Optional("step", description="blueprints.option.step"): vol.Any(_limit, "any"),
    vol.Optional("unit", description="blueprints.option.unit"): text,
    vol.Optional("unit_of_measurement", description="blueprints.option.unit"): text,
    vol.Optional("mode", description="blueprints.option.mode"): text,
}
_SELECT: dict[Any, Any] = {
    vol.Required("options", description="blueprints.option.options"): _choices,
    vol.Optional("custom_value", description="blueprints.option.custom_value"): boolean,
    vol.Optional("mode", description="blueprints.option.mode"): text,
}


def _make() -> Iterable[Selector]:
    for sort in ("contact", "team", "rota", "place", "group", "notifier"):
        yield Selector(name=sort, schema=vol.Schema(_MULTIPLE), read=read_names(sort))
    yield Selector(name="camera", schema=vol.Schema(_MULTIPLE), read=read_cameras)
    yield Selector(name="zone", schema=vol.Schema({**_MULTIPLE, **_OF_CAMERA}), read=read_zones)
    yield Selector(name="preset", schema=vol.Schema(_OF_CAMERA), read=read_preset)
    yield Selector(name="recipient", schema=vol.Schema({}), read=read_recipients)
    yield Selector(name="kind", schema=vol.Schema(_MULTIPLE), read=read_kinds)
    yield Selector(name="stage", schema=vol.Schema(_MULTIPLE), read=_stage)
    yield Selector(name="number", schema=vol.Schema({**_BOUNDS, **_ON_FORMS}), read=_number)
    yield Selector(name="duration", schema=vol.Schema(_SPANS), read=_duration)
    yield Selector(name="time", schema=vol.Schema({}), read=_time)
    yield Selector(name="boolean", schema=vol.Schema({}), read=_boolean)
    multiline: dict[Any, Any] = {vol.Optional("multiline", description="blueprints.option.multiline"): boolean}
    yield Selector(name="text", schema=vol.Schema({**_MULTIPLE, **multiline}), read=_text)
    yield Selector(name="template", schema=vol.Schema({}), read=_text)
    yield Selector(name="select", schema=vol.Schema({**_SELECT, **_MULTIPLE}), read=_select)
    for name in ("object", "trigger", "condition", "action"):
        yield Selector(name=name, schema=vol.Schema({}), read=_anything)


SELECTORS: Mapping[str, Selector] = {selector.name: selector for selector in _make()}
ANYTHING = Selection(selector=SELECTORS["object"])
