"""Makes an ordinary rule of one that uses a blueprint, before it is read; every value keeps file and line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import voluptuous as vol

from ..core.checks import hide_secrets
from ..core.errors import Problem
from ..core.types import Json
from ..core.validators import text
from ..core.yaml_composer import MAX_NODES
from ..core.yaml_lines import Gap, Input, LineDict, LineList, Place, place_of
from ..core.yaml_places import gaps_in
from .blueprint_inputs import Given, read_given
from .blueprints import Blueprint, Blueprints, is_outside
from .reading import Reading, Spot
from .rule import RuleProblem

USE = "use_blueprint"
USE_BLUEPRINT = vol.Schema(
    {
        vol.Required("path", description="blueprints.use.path"): text,
        vol.Optional("input", description="blueprints.use.input"): vol.Any(None, dict),
    }
)


class Expanded:
    """Hold the rule that a blueprint makes, and the blueprint."""

    def __init__(self, node: LineDict, blueprint: Blueprint) -> None:
        self.node = node
        self.blueprint = blueprint


def expand(reading: Reading, spot: Spot, shelf: Blueprints) -> Expanded | None:
    """Return the rule at ``spot`` as if it had been written out, or None with what is wrong kept.

    As in Home Assistant, a key beside ``use_blueprint`` replaces the blueprint's; ``variables`` are joined.
    """
    node = spot.value
    use = Spot(node, USE, USE)
    reading.add(gaps_in(node))
    shape = reading.checked(USE_BLUEPRINT, use)
    if shape is None:
        return None
    blueprint = _found(reading, use.inside("path"), shape["path"], shelf)
    if blueprint is None:
        return None
    given = read_given(reading, use, blueprint.inputs, blueprint.name)
    if reading.problems:
        explained(reading, node, place_of(node, USE), blueprint)
        return None
    filler = _Filler(given)
    body = filler.filled(blueprint.body)
    if filler.count > MAX_NODES or not isinstance(body, LineDict):
        reading.wrong(use, "blueprints.check.too_big", limit=MAX_NODES)
        return None
    return Expanded(_joined(node, body, blueprint, reading.texts.language), blueprint)


def explained(reading: Reading, node: Any, spot: Place, blueprint: Blueprint) -> None:  # noqa: ANN401
    """Say with each problem of the expanded rule how it came there."""
    rule_id = node.get("id")
    rule = rule_id if isinstance(rule_id, str) and not isinstance(rule_id, Gap) else "?"
    name = blueprint.name
    by = reading.texts("blueprints.check.used_by", blueprint=name, rule=rule, file=spot.file, line=spot.line)
    through = reading.texts("blueprints.check.through", blueprint=name)
    told = []
    for problem in reading.problems:
        key = problem.path.partition(".")[0].partition("[")[0]
        end = by if problem.file in blueprint.files else "" if key in node else through
        told.append(msgspec.structs.replace(problem, what=problem.what + end))
    reading.problems[:] = hide_secrets(told, node)


def problems_of(shelf: Blueprints) -> list[RuleProblem]:
    """Return what is wrong with the site's own blueprints, used or not."""
    return [
        RuleProblem(
            rule_id=f"blueprint.{blueprint.name}",
            alias=next(iter(blueprint.label.values()), blueprint.name),
            file=blueprint.file,
            line=problem.line,
            problem=problem,
        )
        for blueprint in shelf.own()
        for problem in blueprint.problems
    ]


def _found(reading: Reading, spot: Spot, name: str, shelf: Blueprints) -> Blueprint | None:
    if is_outside(name):
        reading.wrong(spot, "blueprints.check.outside", name=name)
        return None
    blueprint = shelf.find(name)
    if blueprint is None:
        reading.wrong(spot, "blueprints.check.no_blueprint", near=name, known=shelf.names, name=name)
    elif blueprint.problems:
        first: Problem = blueprint.problems[0]
        where, what = (first.file, first.line), first.what
        reading.wrong(spot, "blueprints.check.wrong", name=blueprint.name, file=where[0], line=where[1], what=what)
        return None
    return blueprint


class _Filler:
    """Copy a blueprint's rule with each ``Input`` replaced, and count what that makes."""

    def __init__(self, given: Mapping[str, Given]) -> None:
        self._given = given
        self._sizes = {name: _size(one.value) for name, one in given.items()}
        self.count = 0

    def filled(self, node: Json) -> Json:
        """Return the copy; a list as an item of a list gives its items."""
        if isinstance(node, LineDict):
            made = LineDict()
            made.place, made.places = node.place, dict(node.places)
            for key, value in node.items():
                made[key], made.places[key] = self._value(value, place_of(node, key))
            return made
        if isinstance(node, LineList):
            return self._list(node)
        self.count += 1
        return node

    def _value(self, value: Json, at: Place) -> tuple[Json, Place]:
        if not isinstance(value, Input):
            return self.filled(value), at
        given = self._given[str(value)]
        self.count += self._sizes[str(value)]
        return given.value, given.at

    def _list(self, node: LineList) -> LineList:
        made = LineList()
        made.place = node.place
        for number, item in enumerate(node):
            value, at = self._value(item, place_of(node, number))
            if isinstance(item, Input) and isinstance(value, list):
                for inner, one in enumerate(value):
                    place = place_of(value, inner)
                    made.places[len(made)] = place if place.line else at
                    made.append(one)
            else:
                made.places[len(made)] = at
                made.append(value)
        return made


def _size(node: Json) -> int:
    if isinstance(node, dict):
        return 1 + sum(_size(value) for value in node.values())
    return 1 + sum(_size(value) for value in node) if isinstance(node, list) else 1


def _joined(node: LineDict, body: LineDict, blueprint: Blueprint, language: str) -> LineDict:
    """Return the blueprint's rule under the keys of the rule that uses it."""
    made = LineDict({"alias": blueprint.label[language]})
    if said := blueprint.description.get(language):
        made["description"] = said
    first = place_of(node, next(iter(node), None))
    made.place = body.place
    # A missing id is told at the rule, which must have one.
    made.places = {"id": first, "alias": first, "description": first, **body.places}
    made.update(body)
    for key, value in node.items():
        if key == USE:
            continue
        if key == "variables" and isinstance(value, LineDict) and isinstance(body.get(key), LineDict):
            made[key] = _variables(body[key], value)
        else:
            made[key] = value
        made.places[key] = place_of(node, key)
    return made


def _variables(base: LineDict, own: LineDict) -> LineDict:
    made = LineDict({**base, **own})
    made.place, made.places = own.place, {**base.places, **own.places}
    return made
