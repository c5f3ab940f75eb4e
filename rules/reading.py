"""What every part of a rule is read with: places, names that must exist, templates, and the list of what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec
import voluptuous as vol

from ..core.checks import check, did_you_mean
from ..core.errors import Problem, TemplateFailed
from ..core.settings import Settings
from ..core.texts import Texts
from ..core.types import Json
from ..core.yaml_lines import Gap, LineDict, LineList, join_path, place_of
from .rule import Words
from .steps import Script
from .templates import TemplateBox, is_template, is_true
from .triggers import fits


class Spot(NamedTuple):
    """Point at a value in the YAML: the container it stands in, its key there, and the path to say."""

    container: Any
    key: Any
    path: str

    @property
    def value(self) -> Any:  # noqa: ANN401
        """Return what stands there."""
        return self.container[self.key]

    def inside(self, key: Any) -> Spot:  # noqa: ANN401
        """Point at a value inside the one that stands here."""
        return Spot(self.value, key, join_path(self.path, key))


class ScriptShelf(Protocol):
    """Hold the scripts that rules share."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the id of every script, wrong ones too."""
        ...

    def take(self, name: str, reading: Reading, spot: Spot) -> Script | None:
        """Return a script, read at the first asking; what is wrong with the call is kept in ``reading``."""
        ...


class Reading:
    """Collect every mistake and every template of one rule; ``scripts`` are those it calls, with what they call."""

    def __init__(
        self, words: Words, settings: Settings, texts: Texts, box: TemplateBox, shelf: ScriptShelf | None = None
    ) -> None:
        self.words = words
        self.settings = settings
        self.texts = texts
        self.problems: list[Problem] = []
        self.templates: dict[str, None] = {}
        self.scripts: dict[str, Script] = {}
        self.incidents: list[Spot] = []
        self._box = box
        self._shelf = shelf

    def another(self) -> Reading:
        """Return an empty reading of the same site, for a file of its own."""
        return Reading(self.words, self.settings, self.texts, self._box, self._shelf)

    def beside(self) -> Reading:
        """Return a reading of the same site whose mistakes are kept apart."""
        return Reading(self.words, self.settings, self.texts, self._box, self._shelf)

    def add(self, problems: Iterable[Problem]) -> None:
        """Keep problems, each once."""
        self.problems += [problem for problem in problems if problem not in self.problems]

    def wrong(
        self, spot: Spot, key: str, /, *, near: object = None, known: Iterable[str] = (), **values: object
    ) -> None:
        """Keep one problem, with the nearest of the known names."""
        place = place_of(spot.container, spot.key)
        what = self.texts(key, **values)
        if near is not None:
            names = list(known)
            what += did_you_mean(near, names, self.texts) or self._listed(names)
        self.add([Problem(file=place.file, line=place.line, path=spot.path, what=what)])

    def checked(self, schema: vol.Schema, spot: Spot, node: Any = None) -> Any:  # noqa: ANN401
        """Return what the schema makes of a value, or None with its problems kept."""
        at = place_of(spot.container, spot.key)
        value, problems = check(schema, spot.value if node is None else node, spot.path, self.texts, at=at)
        self.add(problems)
        return value

    def items(self, spot: Spot) -> Iterator[Spot]:
        """Point at each item of a list; a single item stands for a list of one."""
        value = spot.value
        if isinstance(value, list):
            for number in range(len(value)):
                yield Spot(value, number, f"{spot.path}[{number}]")
        elif value is not None and not isinstance(value, Gap):
            yield Spot(spot.container, spot.key, f"{spot.path}[0]")

    def head(self, spot: Spot, checked: dict[str, Any]) -> dict[str, Any]:
        """Return what every step has, of its checked keys."""
        return {
            "path": spot.path,
            "alias": checked.get("alias", ""),
            "is_enabled": self.is_on(spot, checked),
            "goes_on": checked.get("continue_on_error", True),
        }

    def is_on(self, spot: Spot, checked: dict[str, Any]) -> bool:
        """Say whether a step or condition is switched on; a template is decided here, and knows no event yet."""
        enabled = checked.get("enabled", True)
        if not is_template(enabled):
            return bool(enabled)
        try:
            return is_true(self._box.render(enabled, {}))
        except TemplateFailed as err:
            place = place_of(spot.value, "enabled")
            path = join_path(spot.path, "enabled")
            self.add([Problem(file=place.file, line=place.line, path=path, what=str(err))])
            return False

    def script(self, name: str, spot: Spot) -> Script | None:
        """Return a script by its id, or None with what is wrong kept."""
        if self._shelf is None:
            self.wrong(spot, "rules.check.no_script", name=name)
            return None
        return self._shelf.take(name, self, spot)

    def script_names(self) -> tuple[str, ...]:
        """Return the id of every script."""
        return self._shelf.names if self._shelf is not None else ()

    def compile(self, spot: Spot) -> None:
        """Compile every template that stands at a spot or below it."""
        value = spot.value
        if isinstance(value, dict | list):
            for key in value if isinstance(value, dict) else range(len(value)):
                self.compile(spot.inside(key))
        elif is_template(value):
            self.compile_text(value, spot)

    def compile_text(self, source: str, spot: Spot) -> None:
        """Compile one template, which stands at ``spot``."""
        try:
            self._box.compile(source)
        except TemplateFailed as err:
            place = place_of(spot.container, spot.key)
            self.add([Problem(file=place.file, line=place.line, path=spot.path, what=str(err))])
        self.templates[source] = None

    def note_incidents(self, spot: Spot) -> None:
        """Remember keys of incidents that somebody looks at; who opens them is known when every rule was read."""
        is_list = isinstance(spot.value, list)
        self.incidents += [spot.inside(number) for number in range(len(spot.value))] if is_list else [spot]

    def names(self, spot: Spot, sort: str, cameras: Iterable[str] = ()) -> None:
        """Check that what a spot names exists; ``sort`` is camera, zone, contact or kind."""
        value = spot.value
        spots = [spot.inside(n) for n in range(len(value))] if isinstance(value, list) else [spot]
        known = self._known(sort, tuple(cameras))
        if known is None:
            return
        for one in spots:
            name = one.value
            if isinstance(name, str) and not is_template(name) and not self._exists(name, sort, known):
                self.wrong(one, f"rules.check.no_{sort}", near=name, known=known, name=name)

    def _known(self, sort: str, cameras: tuple[str, ...]) -> tuple[str, ...] | None:
        settings = self.settings
        if sort == "zone":
            looked = [settings.cameras[name] for name in cameras if name in settings.cameras]
            looked = looked if cameras else list(settings.cameras.values())
            # A camera that does not exist is told at its own place; its zones cannot be known.
            return tuple(zone for camera in looked for zone in camera.zone_names) if looked or not cameras else None
        known: dict[str, Iterable[str]] = {
            "camera": settings.names("cameras"),
            "contact": settings.names("contacts"),
            "team": settings.names("teams"),
            "rota": settings.names("rotas"),
            "group": dict.fromkeys(group for camera in settings.cameras.values() for group in camera.groups),
            "place": settings.names("places"),
            "kind": (*self.words.event_kinds, *_own_labels(settings)),
        }
        names = known.get(sort)
        return None if names is None else tuple(names)

    @staticmethod
    def _exists(name: str, sort: str, known: tuple[str, ...]) -> bool:
        if sort == "kind" and name.endswith("*"):
            return name == "*" or any(fits(name, kind) for kind in known)
        return name in known

    def _listed(self, names: list[str]) -> str:
        return self.texts("rules.check.known", names=", ".join(names[:12])) if names else ""


def _own_labels(settings: Settings) -> Iterator[str]:
    """Yield the kinds of event of things that a net of the operator's own names."""
    for camera in settings.cameras.values():
        for detect in camera.detect:
            if detect.type == "objects" and detect.options.get("model_labels"):
                yield from (f"object.{label.replace(' ', '_')}" for label in detect.options.get("labels", ()))


def has_template(value: Json) -> bool:
    """Say whether a template stands in a value or below it."""
    if isinstance(value, dict):
        return any(has_template(item) for item in value.values())
    if isinstance(value, list):
        return any(has_template(item) for item in value)
    return is_template(value)


def digest_of(value: Any) -> str:  # noqa: ANN401
    """Return a short text that changes when what is written changes, wherever it stands."""
    return hashlib.sha256(msgspec.json.encode(_by_text(value), order="sorted", enc_hook=str)).hexdigest()[:16]


def as_node(value: Any, near: Spot) -> Any:  # noqa: ANN401
    """Return a mapping or list that knows its place, for one that was made here."""
    place = place_of(near.container, near.key)
    made = LineDict(value) if isinstance(value, dict) else LineList(value)
    made.place = place
    return made


def _by_text(value: Json) -> Json:
    # YAML takes a number for a key as well; a digest sorts words.
    if isinstance(value, dict):
        return {str(key): _by_text(item) for key, item in value.items()}
    return [_by_text(item) for item in value] if isinstance(value, list) else value
