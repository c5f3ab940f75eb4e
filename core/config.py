"""A configuration file to checked settings; every mistake at once as ``file:line: path: what (did you mean ...)``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import voluptuous as vol

from . import config_schemas as schemas
from .checks import check, did_you_mean, hide_secrets, problem_at
from .config_cameras import CameraReader
from .config_people import PeopleReader
from .contracts import Kind
from .errors import Problem
from .plugin_manager import PluginManager
from .secrets import secret_names
from .settings import (
    CameraSettings,
    LinkSettings,
    MediaSettings,
    NotifierSettings,
    PlaceSettings,
    Settings,
    SiteSettings,
    StorageSettings,
    WebSettings,
)
from .texts import LANGUAGES, Texts
from .types import Json
from .validators import Wrong, slug
from .yaml_lines import Gap, LineDict, LineList, Place, join_path, load_yaml, place_of, plain, without


class LoadedSettings(NamedTuple):
    """Hold the settings, None where the hub cannot start on them, and every mistake.

    A mistake inside one camera, place, notifier or contact leaves just that one out of ``settings``. One in
    ``site``, ``web``, ``storage``, ``media``, in the top level's keys or in the file's YAML makes them None.
    ``is_whole`` is False when a file, or a piece of one, could not be read. ``folders`` hold what was read.
    ``disabled`` names the plugins that are switched off.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    is_whole: bool = True
    folders: tuple[Path, ...] = ()
    disabled: tuple[str, ...] = ()


class Peek(NamedTuple):
    """Hold what must be known before plugins are loaded and anything is checked."""

    language: str
    disabled: tuple[str, ...]


def peek(file: Path) -> Peek:
    """Return a configuration's language and switched-off plugins, whatever else is wrong with it."""
    value = load_yaml(file, find_secret=lambda name: "", texts=Texts("id"), environ={}).value
    site = value.get("site") if isinstance(value, dict) else None
    plugins = value.get("plugins") if isinstance(value, dict) else None
    language = site.get("language") if isinstance(site, dict) else _language_in_words(file)
    disabled = plugins.get("disabled") if isinstance(plugins, dict) else ()
    names = tuple(str(name) for name in disabled) if isinstance(disabled, list) else ()
    return Peek(language if language in LANGUAGES else "id", names)


def load_settings(file: Path, plugins: PluginManager) -> LoadedSettings:
    """Read and check a configuration. Never raises for what stands in the file."""
    folder = file.parent
    peeked = peek(file)
    texts = Texts(peeked.language)
    loaded = load_yaml(
        file,
        find_secret=lambda name: plugins.find_secret(name, folder),
        texts=texts,
        secret_names=lambda: secret_names(folder),
    )
    reader = _Reader(file, loaded.value, plugins, texts)
    reader.problems += loaded.problems
    settings = reader.read()
    told = hide_secrets(reader.problems, loaded.value)
    problems = sorted(dict.fromkeys(told), key=lambda one: (one.file != file.name, one.file, one.line, one.path))
    node = loaded.value if isinstance(loaded.value, dict) else {}
    is_whole = loaded.is_whole and not any(isinstance(node.get(name), Gap) for name in ("rules", "scripts"))
    folders = dict.fromkeys(path if path.is_dir() else path.parent for path in loaded.files)
    return LoadedSettings(settings, tuple(problems), is_whole, tuple(folders), peeked.disabled)


def _language_in_words(file: Path) -> str:
    # The file may be no YAML at all; its mistakes are still to be told in the right language.
    try:
        found = re.search(r"\blanguage:\s*[\"']?(id|en)\b", file.read_text("utf-8", errors="replace"))
    except OSError:
        return "id"
    return found[1] if found else "id"


class _Reader:
    """Check one configuration section by section."""

    def __init__(self, file: Path, node: Json, plugins: PluginManager, texts: Texts) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._node = node
        self._plugins = plugins
        self._texts = texts
        self._is_fatal = False
        self._off: set[str] = set()

    def read(self) -> Settings | None:
        """Return the settings, None when the hub cannot start on them."""
        if isinstance(self._node, Gap):
            return None
        if not isinstance(self._node, LineDict):
            key = "config.empty" if self._node is None else "check.needs_mapping"
            self.problems.append(Problem(file=self._file.name, line=1, path="", what=self._texts(key)))
            return None
        self._check_keys(self._node)
        site = self._site()
        web, storage, media = (self._part(name) for name in ("web", "storage", "media"))
        isolates = self._plugins_part()
        places = self._items("places", self._place)
        notifiers = self._items("notifiers", self._notifier)
        links = self._items("links", self._link)
        cameras = self._items("cameras", self._camera_reader().camera)
        people = PeopleReader(self._node, self._texts, self.problems, check=self._check, check_name=self._check_name)
        people.good_notifiers = frozenset(notifiers)
        contacts = self._items("contacts", people.contact)
        teams, rotas = self._items("teams", people.team), self._items("rotas", people.rota)
        rules = self._rules()
        if self._is_fatal or site is None or web is None or storage is None or media is None:
            return None
        return Settings(
            file=str(self._file),
            folder=str(self._file.absolute().parent),
            site=site,
            web=WebSettings(**web),
            storage=StorageSettings(
                path=storage["path"], keep_days=storage["keep_days"], min_free_bytes=storage["min_free"]
            ),
            media=MediaSettings(
                eyes=media["eyes"],
                ring_s=media["ring"],
                ring_bytes=media["ring_size"],
                detect_budget=media["detect_budget"],
            ),
            places=places,
            cameras={key: _placed(camera, places) for key, camera in cameras.items()},
            notifiers=notifiers,
            links=links,
            contacts=contacts,
            teams=teams,
            rotas=rotas,
            holidays=people.holidays(),
            rules=rules,
            scripts=self._scripts(),
            off=frozenset(self._off),
            isolates_plugins=isolates,
        )

    # --- the parts without which nothing starts -------------------------------------------------

    def _check_keys(self, node: LineDict) -> None:
        for key in node:
            if str(key) in schemas.SECTIONS or str(key).startswith(schemas.FREE_KEY_START):
                continue
            self._is_fatal = True
            what = self._texts("check.unknown_key") + did_you_mean(key, schemas.SECTIONS, self._texts)
            self.problems.append(problem_at(node, key, "", what))

    def _site(self) -> SiteSettings | None:
        if "site" not in self._node:
            self.problems.append(Problem(file=self._file.name, line=1, path="site", what=self._texts("config.no_site")))
            return None
        site = self._part("site")
        if site is None:
            return None
        return SiteSettings(**{"id": _slug_of(site["name"]), **site})

    def _part(self, name: str) -> dict[str, Any] | None:
        schema: vol.Schema = getattr(schemas, name.upper())
        node = self._node.get(name)
        value, problems = check(schema, LineDict() if node is None else node, name, self._texts, at=self._at(name))
        self.problems += problems
        return plain(value) if value is not None else None

    def _plugins_part(self) -> bool:
        part = self._part("plugins")
        known = [state.name for state in self._plugins.plugins]
        for number, name in enumerate(part["disabled"] if part else ()):
            if name not in known:
                what = self._texts("config.no_such_plugin", name=name) + did_you_mean(name, known, self._texts)
                self.problems.append(problem_at(self._node["plugins"]["disabled"], number, "plugins.disabled", what))
        return part is None or bool(part["isolated"])

    # --- the parts of which one item may be wrong -----------------------------------------------

    def _items(self, section: str, read: Any) -> dict[str, Any]:  # noqa: ANN401  one of the readers below
        node = self._node.get(section)
        if node is None:
            return {}
        if not isinstance(node, LineDict):
            # All cameras gone by one wrong line is no start; a known mistake (a gap) is told already.
            self._is_fatal = True
            if not isinstance(node, Gap):
                self.problems.append(problem_at(self._node, section, "", self._texts("check.needs_mapping")))
            return {}
        items = {}
        for key, item in node.items():
            path = join_path(section, str(key))
            before = len(self.problems)
            self._check_id(node, key, section)
            value = read(str(key), item, path, place_of(node, key))
            if value is not None and len(self.problems) == before:
                items[str(key)] = value
            else:
                self._off.add(f"{section}.{key}")
        return items

    def _check_id(self, node: LineDict, key: Json, section: str) -> None:
        try:
            slug(str(key) if isinstance(key, int) else key)
        except Wrong as err:
            self.problems.append(problem_at(node, key, section, err.say(self._texts)))

    def _place(self, key: str, node: Json, path: str, at: Place) -> PlaceSettings | None:
        value = self._check(schemas.PLACE, node, path, at)
        return PlaceSettings(id=key, **value) if value else None

    def _notifier(self, key: str, node: Json, path: str, at: Place) -> NotifierSettings | None:
        typed = self._typed(node, path, at, "notifier", self._plugins.notifiers)
        return NotifierSettings(id=key, type=typed[0], options=typed[1]) if typed else None

    def _link(self, key: str, node: Json, path: str, at: Place) -> LinkSettings | None:
        typed = self._typed(node, path, at, "link", self._plugins.links)
        return LinkSettings(id=key, type=typed[0], options=typed[1]) if typed else None

    def _typed(
        self, node: Json, path: str, at: Place, group: str, kinds: Mapping[str, Kind[Any]]
    ) -> tuple[str, dict[str, Any]] | None:
        kind = self._kind(node, path, at, group, kinds)
        if kind is None:
            return None
        options = self._check(kind.schema, without(node, ["type"]), path, at, also_known=["type"])
        return (kind.name, options) if options is not None else None

    def _camera_reader(self) -> CameraReader:
        reader = CameraReader(check=self._check, check_name=self._check_name, find_kind=self._kind)
        reader.places, reader.cameras = self._node.get("places"), self._plugins.cameras
        reader.detectors = self._plugins.detectors
        return reader

    def _rules(self) -> tuple[LineDict, ...]:
        nodes = self._node.get("rules")
        if nodes is None or isinstance(nodes, Gap):
            return ()
        if not isinstance(nodes, LineList):
            self.problems.append(problem_at(self._node, "rules", "", self._texts("config.rules_list")))
            return ()
        for number, node in enumerate(nodes):
            if not isinstance(node, (LineDict, Gap)):
                self.problems.append(problem_at(nodes, number, "rules", self._texts("config.rule_mapping")))
        return tuple(node for node in nodes if isinstance(node, LineDict))

    def _scripts(self) -> LineDict | None:
        nodes = self._node.get("scripts")
        if nodes is None or isinstance(nodes, Gap):
            return None
        if not isinstance(nodes, LineDict):
            self.problems.append(problem_at(self._node, "scripts", "", self._texts("check.needs_mapping")))
            return None
        return nodes

    # --- small checks ---------------------------------------------------------------------------

    def _check(
        self, schema: vol.Schema, node: Json, path: str, at: Place, *, also_known: Sequence[str] = ()
    ) -> dict[str, Any] | None:
        value, problems = check(schema, node, path, self._texts, at=at, also_known=also_known)
        self.problems += problems
        return plain(value) if value is not None else None

    def _kind(self, node: Json, path: str, at: Place, group: str, kinds: Mapping[str, Kind[Any]]) -> Kind[Any] | None:
        # Only the type is looked at, so that a gap elsewhere does not hide what else is wrong.
        only = without(node, [key for key in node if key != "type"]) if isinstance(node, LineDict) else node
        typed = self._check(schemas.TYPED, only, path, at)
        if typed is None:
            return None
        name = typed["type"]
        if name not in kinds:
            self.problems.append(problem_at(node, "type", path, self._no_kind(name, group, kinds)))
        return kinds.get(name)

    def _no_kind(self, name: str, group: str, kinds: Mapping[str, Kind[Any]]) -> str:
        words = self._texts(f"config.group_{group}")
        if off := self._plugins.off_plugin_for(f"{group}s", name):
            return self._texts("config.type_off", group=words, type=name, plugin=off.name, reason=off.reason)
        known = self._texts("config.known_types", names=", ".join(kinds)) if kinds else ""
        near = did_you_mean(name, kinds, self._texts)
        return self._texts("config.unknown_type", group=words, type=name) + (near or known)

    def _check_name(self, node: Json, key: str, path: str, known: Json, text: str) -> None:
        """Check that what stands at ``key`` (a name or a list of names) exists in another part."""
        names = node.get(key) if isinstance(node, LineDict) else None
        if isinstance(known, Gap) or isinstance(names, Gap):
            return
        there = [str(name) for name in known] if isinstance(known, dict) else []
        holder, pairs = (names, enumerate(names)) if isinstance(names, LineList) else (node, [(key, names)])
        for step, name in pairs:
            if isinstance(name, str) and not isinstance(name, Gap) and name not in there:
                what = self._texts(text, name=name) + did_you_mean(name, there, self._texts)
                self.problems.append(problem_at(holder, step, path if holder is node else f"{path}.{key}", what))

    def _at(self, name: str) -> Place:
        return place_of(self._node, name)


def _placed(camera: CameraSettings, places: Mapping[str, PlaceSettings]) -> CameraSettings:
    # A mistake in a place is the place's; its cameras go on without it.
    if camera.place is None or camera.place in places:
        return camera
    return msgspec.structs.replace(camera, place=None)


def _slug_of(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:64].strip("-") or "siaga"
