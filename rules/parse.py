"""Reads rules from YAML that knows its lines: right ones become rules, wrong ones say all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import voluptuous as vol

from ..core.clock import SystemClock
from ..core.errors import Problem
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.validators import boolean, slug, text
from ..core.yaml_lines import Gap, LineDict, LineList, place_of, plain
from ..core.yaml_places import secrets_in
from .blueprint_use import USE, expand, explained, problems_of
from .blueprints import Blueprints
from .incident_keys import opened_keys, slips
from .parse_conditions import read_conditions
from .parse_cooldown import cooldown, read_cooldown_key
from .parse_steps import read_steps
from .parse_triggers import read_triggers
from .reading import Reading, Spot, digest_of
from .rule import LoadedRules, Rule, RuleProblem, Words
from .scripts import fingerprint_of, read_scripts
from .templates import TemplateBox
from .trial.read_tests import read_tests

MODES = ("single", "restart", "queued", "parallel")
_WHOLE = vol.All(int, vol.Range(min=1, max=1_000))
RULE = vol.Schema(
    {
        vol.Required("id", description="rules.option.id"): slug,
        vol.Optional("alias", description="rules.option.alias"): text,
        vol.Optional("description", description="rules.option.description"): vol.Any(None, text),
        vol.Optional("enabled", description="rules.option.enabled"): boolean,
        vol.Optional(USE, description="blueprints.use.use_blueprint"): object,
        vol.Required("triggers", description="rules.option.triggers"): object,
        vol.Optional("conditions", description="rules.option.conditions"): object,
        vol.Required("actions", description="rules.option.actions"): object,
        vol.Optional("variables", description="rules.option.variables"): vol.Any(None, dict),
        vol.Optional("mode", description="rules.option.mode"): vol.In(list(MODES)),
        vol.Optional("max", description="rules.option.max"): _WHOLE,
        vol.Optional("max_exceeded", description="rules.option.max_exceeded"): vol.In(["warning", "silent"]),
        vol.Optional("cooldown", description="rules.option.cooldown"): cooldown,
        vol.Optional("cooldown_key", description="rules.option.cooldown_key"): text,
        vol.Optional("tests", description="rules.option.tests"): object,
    }
)
# What a rule may write beside a blueprint: all of it, and nothing that the blueprint has is missing.
BESIDE_BLUEPRINT = vol.Schema(
    {
        vol.Optional(str(key), description=key.description) if str(key) in ("triggers", "actions") else key: check
        for key, check in RULE.schema.items()
    }
)


def load_rules(nodes: Iterable[Any], words: Words, settings: Settings, texts: Texts) -> LoadedRules:
    """Return the rules that are right, and every problem of the others; never raises for what is written.

    ``nodes`` are YAML values with places (``core.yaml_lines``). The same code serves the hub and ``siaga check``.
    """
    box = TemplateBox(words.template_functions, settings.site, SystemClock(), texts)
    items = nodes if isinstance(nodes, LineList) else LineList(nodes)
    scripts = read_scripts(words, settings, texts, box)
    rules: dict[str, Rule] = {}
    incidents: dict[str, tuple[int, list[Spot]]] = {}
    blueprints = Blueprints(Reading(words, settings, texts, box, scripts))
    problems: list[RuleProblem] = [*scripts.problems, *problems_of(blueprints)]
    for number in range(len(items)):
        reading = Reading(words, settings, texts, box, scripts)
        rule = _read_rule(reading, Spot(items, number, ""), blueprints)
        if rule is not None and (first := rules.get(rule.id)) is not None:
            spot = Spot(items[number], "id", "id")
            reading.wrong(spot, "rules.check.id_twice", id=rule.id, file=first.file, line=first.line)
        if reading.problems or rule is None:
            problems += _told(items, number, reading.problems)
        else:
            rules[rule.id] = rule
            incidents[rule.id] = (number, reading.incidents)
    # A rule that is wrong may be the one that opens it.
    opened = opened_keys(rules.values(), settings) if not problems else frozenset[str]()
    for rule_id, (number, named) in incidents.items():
        if found := list(slips(named, opened, texts)):
            del rules[rule_id]
            problems += _told(items, number, found)
    return LoadedRules(
        rules=tuple(rules.values()), problems=tuple(problems), template_functions=words.template_functions
    )


def _read_rule(reading: Reading, spot: Spot, blueprints: Blueprints) -> Rule | None:
    node = spot.value
    if not isinstance(node, LineDict) or USE not in node:
        return _read_written(reading, spot)
    reading.checked(BESIDE_BLUEPRINT, spot)
    expanded = expand(reading, spot, blueprints)
    if expanded is None:
        return None
    place = _place(node)
    rule = _read_written(reading, Spot([expanded.node], 0, ""))
    explained(reading, node, place_of(node, USE), expanded.blueprint)
    return None if rule is None else msgspec.structs.replace(rule, file=place[0], line=place[1])


def _read_written(reading: Reading, spot: Spot) -> Rule | None:
    node = spot.value
    if isinstance(node, Gap) or not isinstance(node, dict):
        reading.checked(RULE, spot)
        return None
    shape = reading.checked(RULE, spot)
    here = Spot([node], 0, "")
    triggers = read_triggers(reading, here.inside("triggers")) if "triggers" in node else ()
    conditions = read_conditions(reading, here.inside("conditions")) if "conditions" in node else ()
    steps = read_steps(reading, here.inside("actions")) if "actions" in node else ()
    cooldown_key = read_cooldown_key(reading, here)
    if isinstance(node.get("variables"), dict):
        reading.compile(here.inside("variables"))
    # A slip in a test is told by `siaga check`, and costs no alert.
    trying = reading.beside()
    tests = read_tests(trying, here.inside("tests")) if "tests" in node else ()
    for key, found in (("triggers", triggers), ("actions", steps)):
        if key in node and not found and not reading.problems:
            reading.wrong(here.inside(key), "rules.check.nothing", part=key)
    if shape is None or reading.problems:
        return None
    place, called = _place(node), tuple(reading.scripts.values())
    return Rule(
        id=shape["id"],
        alias=shape.get("alias", shape["id"]),
        description=shape.get("description") or "",
        file=place[0],
        line=place[1],
        is_enabled=shape.get("enabled", True),
        triggers=triggers,
        conditions=conditions,
        steps=steps,
        variables=plain(shape.get("variables") or {}),
        mode=shape.get("mode", "single"),
        max_runs=shape.get("max", 10),
        is_drop_logged=shape.get("max_exceeded", "warning") != "silent",
        cooldown_s=shape.get("cooldown", 0.0),
        cooldown_key=cooldown_key,
        tests=tests,
        test_problems=tuple(trying.problems),
        # Its tests are no part of what it does.
        edition=digest_of(
            [{key: node[key] for key in node if key != "tests"}, sorted(script.fingerprint for script in called)]
        ),
        # Only what a run does: a new alias or trigger must not cut runs off that are under way.
        fingerprint=fingerprint_of((node.get("actions"), node.get("variables")), reading.scripts),
        templates=tuple(dict.fromkeys((*reading.templates, *(one for script in called for one in script.templates)))),
        secrets=tuple({*secrets_in(node), *(one for script in called for one in script.secrets)}),
    )


def _place(node: Any) -> tuple[str, int]:  # noqa: ANN401
    # The first key's line is where the rule's "- id:" stands.
    first = next(iter(node), None)
    place = place_of(node, first)
    return place.file, place.line


def _told(items: LineList, number: int, found: list[Problem]) -> list[RuleProblem]:
    node = items[number]
    named = node if isinstance(node, dict) else {}
    rule_id = named.get("id") if isinstance(named.get("id"), str) else ""
    alias = named.get("alias") if isinstance(named.get("alias"), str) else ""
    file, line = _place(node) if isinstance(node, dict) else place_of(items, number)[:2]
    return [
        RuleProblem(
            rule_id=rule_id or f"{file}:{line}", alias=alias or rule_id or "", file=file, line=line, problem=problem
        )
        for problem in found
    ]
