"""Finds blueprints by name, those of the site and those that Siaga brings, and reads each once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.clock import SystemClock
from ..core.errors import Problem
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.types import Json, Struct
from ..core.yaml_lines import Gap, Input, LineDict, LineList, join_path, load_blueprint, without
from .blueprint_inputs import HEAD, Asked, read_asked, spoken
from .reading import Reading, Spot
from .rule import Words
from .templates import TemplateBox

FOLDER = "blueprints"
BUILT_IN = Path(__file__).resolve().parent / FOLDER
_ENDINGS = (".yaml", ".yml")
# A library that one kelurahan keeps is a few dozen; a link in a circle must not be followed for ever.
_MAX_FILES = 500
_HEAD = "blueprint"
TESTS = "tests"
_NOT_HERE = ("id", "use_blueprint", "enabled")


class Blueprint(Struct):
    """Hold one blueprint that was found right, or what is wrong with it.

    ``body`` is the rule with its ``Input`` places; ``tests`` are its own, as YAML. Texts are by language.
    """

    name: str
    file: str
    is_built_in: bool
    files: tuple[str, ...] = ()
    label: dict[str, str] = {}
    description: dict[str, str] = {}
    inputs: tuple[Asked, ...] = ()
    body: Any = None
    tests: Any = None
    problems: tuple[Problem, ...] = ()


class Blueprints:
    """Look blueprints up; ``reading`` says of which site."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._paths: dict[str, tuple[Path, bool]] | None = None
        self._read: dict[str, Blueprint] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all, the site's own before the built-in ones."""
        return tuple(self._all())

    def all(self) -> tuple[Blueprint, ...]:
        """Return every blueprint, wrong ones too."""
        return tuple(self._blueprint(name) for name in self._all())

    def own(self) -> tuple[Blueprint, ...]:
        """Return those that stand in the site's folder."""
        return tuple(self._blueprint(name) for name, (_, is_built_in) in self._all().items() if not is_built_in)

    def find(self, name: str) -> Blueprint | None:
        """Return a blueprint by its name, with or without ``.yaml``; None when there is none."""
        plain_name = bare(name)
        return self._blueprint(plain_name) if plain_name in self._all() else None

    def _all(self) -> dict[str, tuple[Path, bool]]:
        if self._paths is None:
            own = {name: (path, False) for name, path in _files(Path(self._reading.settings.folder) / FOLDER)}
            built_in = {name: (path, True) for name, path in _files(BUILT_IN)}
            self._paths = {**own, **{name: found for name, found in built_in.items() if name not in own}}
        return self._paths

    def _blueprint(self, name: str) -> Blueprint:
        if name not in self._read:
            path, is_built_in = self._all()[name]
            root = BUILT_IN.parent.parent if is_built_in else Path(self._reading.settings.folder)
            self._read[name] = _read(self._reading.another(), name, path, root, is_built_in)
        return self._read[name]


def library(words: Words, settings: Settings, texts: Texts) -> Blueprints:
    """Return the blueprints that a site's rules may use."""
    box = TemplateBox(words.template_functions, settings.site, SystemClock(), texts)
    return Blueprints(Reading(words, settings, texts, box))


def bare(name: str) -> str:
    """Return the name of a blueprint without ``.yaml`` and ``./``."""
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name.removeprefix("./")


def is_outside(name: str) -> bool:
    """Say whether a name tries to leave the folder of blueprints."""
    return name.startswith(("/", "\\", "~")) or ".." in name.replace("\\", "/").split("/") or ":" in name


def folders_of(home: Path) -> tuple[Path, ...]:
    """Return the site's folder of blueprints and those below it, where a change changes rules."""
    found = [home / FOLDER]
    for above, folders, _ in os.walk(home / FOLDER):
        folders[:] = sorted(one for one in folders if one[0] not in "._")
        found += [Path(above, one) for one in folders]
    return tuple(found[:_MAX_FILES])


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one[0] not in "._")
        for name in sorted(names):
            path = Path(above, name)
            if path.suffix in _ENDINGS and name[0] not in "._" and len(found) < _MAX_FILES:
                found.append((bare(path.relative_to(folder).as_posix()), path))
    return iter(found)


def _read(reading: Reading, name: str, path: Path, root: Path, is_built_in: bool) -> Blueprint:
    loaded = load_blueprint(path, folder=root, texts=reading.texts)
    files = tuple(os.path.relpath(one, root) for one in loaded.files)
    file = os.path.relpath(path, root)
    reading.add(loaded.problems)
    node, shape = loaded.value, None
    asked: tuple[Asked, ...] = ()
    if isinstance(node, LineDict) and not isinstance(node.get(_HEAD), Gap):
        shape, asked = _read_head(reading, node)
    elif not isinstance(node, Gap) and not (isinstance(node, dict) and _HEAD in node):
        reading.add([Problem(file=file, line=1, path="", what=reading.texts("blueprints.check.no_head"))])
    is_right = shape is not None and not reading.problems
    return Blueprint(
        name=name,
        file=file,
        is_built_in=is_built_in,
        files=files,
        label=spoken(shape, "name") if shape else dict.fromkeys(("id", "en"), name),
        description=spoken(shape, "description") if shape else {},
        inputs=asked,
        body=without(node, (_HEAD, TESTS)) if is_right and isinstance(node, LineDict) else None,
        tests=node.get(TESTS) if isinstance(node, LineDict) else None,
        problems=tuple(reading.problems),
    )


def _read_head(reading: Reading, node: LineDict) -> tuple[dict[str, Any] | None, tuple[Asked, ...]]:
    if _HEAD not in node:
        first = next(iter(node), None)
        reading.wrong(Spot(node, first, ""), "blueprints.check.no_head")
        return None, ()
    head = Spot(node, _HEAD, _HEAD)
    shape = reading.checked(HEAD, head)
    asked: tuple[Asked, ...] = ()
    if isinstance(head.value, dict) and isinstance(head.value.get("input"), dict):
        asked = read_asked(reading, head.inside("input"))
    for key in _NOT_HERE:
        if key in node:
            reading.wrong(Spot(node, key, key), "blueprints.check.not_here")
    for key in (_HEAD, TESTS):
        for spot in inputs_in(Spot(node, key, key)) if key in node else ():
            reading.wrong(spot, "blueprints.check.no_input_here")
    if shape is not None:
        _check_used(reading, node, {one.name for one in asked})
    return shape, asked


def _check_used(reading: Reading, node: LineDict, asked: set[str]) -> None:
    for key in node:
        for spot in inputs_in(Spot(node, key, str(key))) if key not in (_HEAD, TESTS) else ():
            if spot.value not in asked:
                reading.wrong(spot, "blueprints.check.undeclared", near=spot.value, known=asked, name=spot.value)


def inputs_in(spot: Spot) -> Iterator[Spot]:
    """Point at every ``!input`` at a spot and below it."""
    value: Json = spot.value
    if isinstance(value, Input):
        yield spot
    elif isinstance(value, LineDict | LineList):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from inputs_in(Spot(value, key, join_path(spot.path, key)))
