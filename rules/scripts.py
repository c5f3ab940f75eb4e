"""Reads the scripts that rules share: each once, the first time that it is called or looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.errors import Problem
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.validators import Wrong, slug
from ..core.yaml_lines import Gap, LineDict, place_of, plain
from ..core.yaml_places import secrets_in
from .parse_steps import check_names, read_steps
from .reading import Reading, Spot, digest_of
from .rule import RuleProblem, Words
from .step_schemas import FIELD, SCRIPT
from .steps import Field, Script
from .templates import TemplateBox

SECTION = "scripts"
# Python's stack holds some more; nobody follows a call through so many scripts.
DEPTH_LIMIT = 5


def read_scripts(words: Words, settings: Settings, texts: Texts, box: TemplateBox) -> Scripts:
    """Return the scripts of the configuration, right ones and wrong ones."""
    scripts = Scripts(words, settings, texts, box)
    scripts.read_all()
    return scripts


class Scripts:
    """Hold scripts by their id; ``problems`` say what is wrong with the others."""

    def __init__(self, words: Words, settings: Settings, texts: Texts, box: TemplateBox) -> None:
        self.problems: list[RuleProblem] = []
        self._words = words
        self._settings = settings
        self._texts = texts
        self._box = box
        self._nodes: LineDict = settings.scripts if isinstance(settings.scripts, LineDict) else LineDict()
        self._read: dict[str, Script | None] = {}
        self._calls: dict[str, dict[str, Script]] = {}
        self._depths: dict[str, int] = {}
        self._under_way: list[str] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Return the id of every script, wrong ones too."""
        return tuple(str(name) for name in self._nodes)

    @property
    def right(self) -> tuple[Script, ...]:
        """Return the scripts that can be called."""
        return tuple(script for script in self._read.values() if script is not None)

    def read_all(self) -> None:
        """Read every script, so that what is wrong is told also where no rule calls it."""
        for name in self._nodes:
            self._script(name)

    def take(self, name: str, reading: Reading, spot: Spot) -> Script | None:
        """Return a script; what is wrong with calling it is kept in ``reading``."""
        if name not in self._nodes:
            known = [f"script.{one}" for one in self.names]
            reading.wrong(spot, "rules.check.no_script", near=f"script.{name}", known=known, name=name)
            return None
        if name in self._under_way:
            chain = [*self._under_way[self._under_way.index(name) :], name]
            reading.wrong(spot, "rules.check.script_circle", chain=" → ".join(chain))
            return None
        # The first bound holds while a chain is read, the second where its end was read before.
        is_deep = len(self._under_way) >= DEPTH_LIMIT
        script = None if is_deep else self._script(name)
        if is_deep or (self._under_way and self._depths[name] >= DEPTH_LIMIT):
            way = " → ".join((*self._under_way, name))
            reading.wrong(spot, "rules.check.script_deep", limit=DEPTH_LIMIT, chain=way)
            return None
        if script is None:
            place = place_of(self._nodes, name)
            reading.wrong(spot, "rules.check.script_wrong", name=name, file=place.file, line=place.line)
            return None
        reading.scripts |= {name: script, **self._calls[name]}
        return script

    def _script(self, name: Any) -> Script | None:  # noqa: ANN401
        if name in self._read:
            return self._read[name]
        spot = Spot(self._nodes, name, f"{SECTION}.{name}")
        reading = Reading(self._words, self._settings, self._texts, self._box, self)
        self._under_way.append(name)
        try:
            script = _read_script(reading, spot)
        finally:
            self._under_way.pop()
        if reading.problems:
            script = None
            self.problems += _told(spot, reading.problems)
        self._read[name], self._calls[name] = script, reading.scripts
        self._depths[name] = 1 + max((self._depths[called] for called in reading.scripts), default=0)
        return script


def fingerprint_of(parts: Iterable[Any], scripts: Mapping[str, Script]) -> str:
    """Return a text that changes when what steps do changes, the scripts that they call included."""
    called = [[name, scripts[name].fingerprint] for name in sorted(scripts)]
    source = [*(plain(part) for part in parts), *([called] if called else [])]
    return digest_of(source)


def _read_script(reading: Reading, spot: Spot) -> Script | None:
    try:
        slug(spot.key)
    except Wrong as err:
        reading.add([_problem(spot, err.say(reading.texts))])
    node = spot.value
    shape = reading.checked(SCRIPT, spot)
    if isinstance(node, Gap) or not isinstance(node, dict):
        return None
    fields = _read_fields(reading, spot.inside("fields")) if isinstance(node.get("fields"), dict) else ()
    if isinstance(node.get("variables"), dict):
        check_names(reading, spot.inside("variables"))
        reading.compile(spot.inside("variables"))
    steps = read_steps(reading, spot.inside("sequence")) if "sequence" in node else ()
    if "sequence" in node and not steps and not reading.problems:
        reading.wrong(spot.inside("sequence"), "rules.check.nothing", part="sequence")
    if shape is None:
        return None
    return Script(
        id=str(spot.key),
        path=f"{spot.path}.sequence",
        steps=steps,
        alias=shape.get("alias", ""),
        description=shape.get("description") or "",
        fields=fields,
        variables=plain(shape.get("variables") or {}),
        templates=tuple(reading.templates),
        secrets=tuple(secrets_in(node)),
        fingerprint=fingerprint_of((node.get("fields"), node.get("variables"), node.get("sequence")), reading.scripts),
    )


def _read_fields(reading: Reading, spot: Spot) -> tuple[Field, ...]:
    check_names(reading, spot)
    found = []
    for name, value in spot.value.items():
        here = spot.inside(name)
        shape = {} if value is None else reading.checked(FIELD, here)
        if shape is None:
            continue
        if "default" in shape:
            reading.compile(here.inside("default"))
        found.append(
            Field(
                name=str(name),
                is_required=shape.get("required", False),
                has_default="default" in shape,
                default=plain(shape.get("default")),
            )
        )
    return tuple(found)


def _problem(spot: Spot, what: str) -> Problem:
    place = place_of(spot.container, spot.key)
    return Problem(file=place.file, line=place.line, path=spot.path, what=what)


def _told(spot: Spot, found: list[Problem]) -> list[RuleProblem]:
    place, node = place_of(spot.container, spot.key), spot.value
    alias = node.get("alias") if isinstance(node, dict) else None
    return [
        RuleProblem(
            rule_id=f"script.{spot.key}",
            alias=alias if isinstance(alias, str) else str(spot.key),
            file=place.file,
            line=place.line,
            problem=problem,
        )
        for problem in found
    ]
