"""Reads YAML with its lines, and !secret, !env, !include, !include_dir, !input; every mistake in plain words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .errors import Problem, SiagaError
from .log import hide
from .texts import Texts
from .types import Json
from .yaml_composer import MAX_NODES, YamlMistake, compose
from .yaml_includes import inside, yaml_files
from .yaml_places import (
    Gap,
    Input,
    LineDict,
    LineList,
    Place,
    join_path,
    line_of,
    place_of,
    plain,
    where,
    with_gaps,
    without,
)
from .yaml_scalars import typed

__all__ = [
    "Gap",
    "Input",
    "LineDict",
    "LineList",
    "LoadedYaml",
    "Place",
    "join_path",
    "line_of",
    "load_yaml",
    "place_of",
    "plain",
    "where",
    "without",
]

# A hub of 100 cameras with 300 rules is under 200 kB.
MAX_FILE_BYTES = 1_000_000
MAX_INCLUDES_DEEP = 8
MAX_FILES = 500
_STANDARD = "tag:yaml.org,2002:"
_OWN_TAGS = ("!secret", "!env", "!include", "!include_dir", "!input")


class LoadedYaml(NamedTuple):
    """Hold what was read, every mistake of the YAML itself, and the files and whole folders that were read.

    ``is_whole`` is False when a file, or a part of one, could not be read at all.
    """

    value: Any
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]
    is_whole: bool = True


def load_yaml(
    path: Path,
    *,
    find_secret: Callable[[str], str | None],
    texts: Texts,
    secret_names: Callable[[], Iterable[str]] = tuple,
    environ: Mapping[str, str] | None = None,
) -> LoadedYaml:
    """Read a YAML file and what it includes; never raises for what an operator can write.

    ``find_secret`` returns the value of ``!secret name`` or None; a SiagaError of it becomes the problem's
    text. ``secret_names`` is asked for near matches only. Files are named relative to ``path``'s folder.
    What cannot be read is a ``Gap``, the whole ``value`` too.
    """
    reader = _Reader(path.parent, find_secret, secret_names, os.environ if environ is None else environ, texts)
    value = reader.read_file(path, "", (), Place(path.name, 0))
    return LoadedYaml(value, tuple(reader.problems), tuple(reader.files), reader.is_whole)


def load_blueprint(path: Path, *, folder: Path, texts: Texts) -> LoadedYaml:
    """Read a blueprint as ``load_yaml`` does, its ``!input name`` as ``Input``; files are named from ``folder``.

    It is made to be given away, so it may hold nothing of this site: no ``!secret``, no ``!env``.
    """
    reader = _Reader(folder, lambda name: None, tuple, {}, texts, is_blueprint=True)
    value = reader.read_file(path, "", (), Place(reader.name_of(path), 0))
    return LoadedYaml(value, tuple(reader.problems), tuple(reader.files), reader.is_whole)


class _Reader:
    """Turn one file and its includes into values, collecting what is wrong."""

    def __init__(
        self,
        folder: Path,
        find_secret: Callable[[str], str | None],
        secret_names: Callable[[], Iterable[str]],
        environ: Mapping[str, str],
        texts: Texts,
        is_blueprint: bool = False,
    ) -> None:
        self.problems: list[Problem] = []
        self.files: list[Path] = []
        self.is_whole = True
        self.is_blueprint = is_blueprint
        self._folder = folder
        self._find_secret = find_secret
        self._secret_names = secret_names
        self._environ = environ
        self._texts = texts
        self._built = 0

    def read_file(self, path: Path, trail: str, chain: tuple[Path, ...], at: Place) -> Json:
        """Return what one file holds; a Gap where it cannot be read. ``at`` is who asks for it."""
        name = self.name_of(path)
        if path.resolve() in chain:
            return self._gap(at, trail, "yaml.include_circle", name=name)
        if len(chain) >= MAX_INCLUDES_DEEP or len(self.files) >= MAX_FILES:
            return self._gap(at, trail, "yaml.include_too_many", name=name)
        try:
            content = path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else None
        except OSError as err:
            key = "yaml.no_file" if isinstance(err, FileNotFoundError) else "yaml.unreadable_file"
            return self._gap(at, trail, key, name=name, why=err.strerror or "")
        self.files.append(path)
        if content is None:
            return self._gap(Place(name, 1), trail, "yaml.file_too_big", limit_kb=MAX_FILE_BYTES // 1000)
        found = compose(content)
        gaps = {mistake: self._mistake(name, trail, mistake) for mistake in found.mistakes}
        if gaps and not found.lost:
            return gaps[found.mistakes[0]]
        file = _File(self, path, name, (*chain, path.resolve()))
        value = None if found.node is None else file.build(found.node, trail)
        return value if not gaps else with_gaps(value, name, [(one.piece, gaps[one.mistake]) for one in found.lost])

    def _mistake(self, file: str, trail: str, found: YamlMistake) -> Gap:
        self.is_whole = False
        what = self._texts(found.key, **found.values)
        return self.gap(Problem(file=file, line=found.line, column=found.column, path=trail, what=what))

    def name_of(self, path: Path) -> str:
        """Return a file as the problems name it."""
        return os.path.relpath(path, self._folder) if path.is_relative_to(self._folder) else str(path)

    def _gap(self, at: Place, trail: str, key: str, **values: object) -> Gap:
        self.is_whole = False
        return self.gap(Problem(file=at.file, line=at.line, path=trail, what=self._texts(key, **values)))

    def gap(self, problem: Problem) -> Gap:
        """Remember a problem, return what stands in the value's place."""
        self.problems.append(problem)
        return Gap(problem)

    def say(self, key: str, **values: object) -> str:
        """Return a text in the reader's language."""
        return self._texts(key, **values)

    def near(self, name: str, known: Iterable[str]) -> str:
        """Return " (did you mean x?)", or nothing."""
        close = get_close_matches(name, list(known), n=3, cutoff=0.6)
        return self._texts("check.did_you_mean", names=", ".join(close)) if close else ""

    def secret(self, name: str) -> tuple[str | None, str]:
        """Return a secret's value, or None and why not."""
        try:
            value = self._find_secret(name)
            hide(value or "")
            return value, "" if value is not None else self.say("yaml.no_secret", name=name) + self.near(
                name, self._secret_names()
            )
        except SiagaError as err:
            return None, str(err)

    def environment(self, words: list[str]) -> tuple[str | None, str]:
        """Return a variable's value or its default, or None and why not."""
        name = words[0]
        if name in self._environ:
            hide(self._environ[name])
            return self._environ[name], ""
        if len(words) > 1:
            return words[1], ""
        return None, self.say("yaml.no_env", name=name) + self.near(name, self._environ)

    def count(self) -> bool:
        """Count one more value; False when aliases blew a small file up beyond all bounds."""
        self._built += 1
        return self._built <= MAX_NODES

    @property
    def folder(self) -> Path:
        """Return the folder that no include may leave."""
        return self._folder


class _File:
    """Build the values of one file's nodes."""

    def __init__(self, reader: _Reader, path: Path, name: str, chain: tuple[Path, ...]) -> None:
        self._reader = reader
        self._path = path
        self._name = name
        self._chain = chain
        self._open: set[int] = set()

    def build(self, node: yaml.Node, trail: str) -> Json:
        """Return the value of a node, or a Gap."""
        if not self._reader.count():
            return self._bomb(node, trail)
        if id(node) in self._open:
            return self._gap(node, trail, "yaml.alias_circle")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node, trail)
            if node.tag in _OWN_TAGS:
                return self._gap(node, trail, "yaml.tag_needs_word", tag=node.tag)
            if isinstance(node, yaml.MappingNode) and node.tag == _STANDARD + "map":
                return self._mapping(node, trail)
            if isinstance(node, yaml.SequenceNode) and node.tag == _STANDARD + "seq":
                return self._sequence(node, trail)
            return self._unknown_tag(node, trail)
        finally:
            self._open.discard(id(node))

    def _bomb(self, node: yaml.Node, trail: str) -> Gap:
        what = self._reader.say("yaml.too_many_values", limit=MAX_NODES)
        problem = Problem(file=self._name, line=_line(node), path="", what=what)
        told = any(known.what == what for known in self._reader.problems)
        return Gap(problem) if told else self._reader.gap(problem)

    def _mapping(self, node: yaml.MappingNode, trail: str) -> LineDict:
        result = LineDict()
        result.place = Place(self._name, _line(node))
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _STANDARD + "merge":
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            key = self._key(key_node, trail)
            if isinstance(key, Gap):
                result[len(result)] = key  # no place to stand at; only the gap must be found again
                continue
            here = join_path(trail, str(key))
            if key in result:
                first = line_of(result, key)
                result[key] = self._gap(key_node, here, "yaml.key_twice", name=key, first=first)
                continue
            result.places[key] = self._place(key_node, value_node)
            result[key] = self.build(value_node, here)
        for merge_node in merged:
            self._merge(result, merge_node, trail)
        return result

    def _merge(self, result: LineDict, node: yaml.Node, trail: str) -> None:
        base = self.build(node, trail)
        if not isinstance(base, LineDict):
            self._gap(node, trail, "yaml.merge_needs_mapping")
            return
        for key, value in base.items():
            if key not in result:
                result[key] = value
                result.places[key] = place_of(base, key)

    def _key(self, node: yaml.Node, trail: str) -> Json:
        if isinstance(node, yaml.MappingNode):
            # {{ name }} without quotes is read as a mapping in a mapping: the mistake everybody makes once.
            return self._gap(node, trail, "yaml.template_needs_quotes")
        if not isinstance(node, yaml.ScalarNode) or node.tag in _OWN_TAGS:
            return self._gap(node, trail, "yaml.key_is_no_word")
        key = self._scalar(node, trail)
        return self._gap(node, trail, "yaml.key_is_no_word") if key is None else key

    def _sequence(self, node: yaml.SequenceNode, trail: str) -> LineList:
        result = LineList()
        result.place = Place(self._name, _line(node))
        for number, item in enumerate(node.value):
            result.places[number] = self._place(item, item)
            result.append(self.build(item, join_path(trail, number)))
        return result

    def _scalar(self, node: yaml.ScalarNode, trail: str) -> Json:
        if node.tag == _STANDARD + "str":
            return node.value
        if node.tag == _STANDARD + "null":
            return None
        if node.tag.startswith(_STANDARD):
            return self._typed(node, trail)
        if node.tag == "!input":
            return self._input(node, trail)
        if node.tag in ("!secret", "!env"):
            return self._asked(node, trail)
        if node.tag == "!include":
            path = self._inside(node, trail)
            return path if isinstance(path, Gap) else self._reader.read_file(path, trail, self._chain, self._at(node))
        if node.tag == "!include_dir":
            return self._include_dir(node, trail)
        return self._unknown_tag(node, trail)

    def _typed(self, node: yaml.ScalarNode, trail: str) -> Json:
        kind = node.tag.removeprefix(_STANDARD)
        try:
            return typed(kind, node.value)
        except ValueError:
            return self._gap(node, trail, "yaml.not_of_tag", tag=kind)
        except LookupError:
            return self._unknown_tag(node, trail)

    def _input(self, node: yaml.ScalarNode, trail: str) -> Input | Gap:
        words = node.value.split()
        if not self._reader.is_blueprint:
            return self._gap(node, trail, "blueprints.yaml.input_outside")
        return Input(words[0]) if len(words) == 1 else self._gap(node, trail, "yaml.tag_needs_word", tag=node.tag)

    def _asked(self, node: yaml.ScalarNode, trail: str) -> str | Gap:
        if self._reader.is_blueprint:
            return self._gap(node, trail, "blueprints.yaml.no_secrets", tag=node.tag)
        words = node.value.split(None, 1)
        if not words or (node.tag == "!secret" and len(words) > 1):
            return self._gap(node, trail, "yaml.tag_needs_word", tag=node.tag)
        ask = self._reader.environment(words) if node.tag == "!env" else self._reader.secret(words[0])
        value, why = ask
        if value is not None:
            return value
        return self._reader.gap(Problem(file=self._name, line=_line(node), path=trail, what=why))

    def _inside(self, node: yaml.ScalarNode, trail: str) -> Path | Gap:
        if not node.value.strip() or "\0" in node.value:
            return self._gap(node, trail, "yaml.tag_needs_word", tag=node.tag)
        path = inside(self._reader.folder, self._path.parent, node.value)
        return path or self._gap(node, trail, "yaml.include_outside", name=node.value)

    def _include_dir(self, node: yaml.ScalarNode, trail: str) -> Json:
        folder = self._inside(node, trail)
        if isinstance(folder, Gap):
            return folder
        if not folder.is_dir():
            return self._gap(node, trail, "yaml.no_folder", name=node.value)
        result = LineList()
        result.place = self._at(node)
        self._reader.files.append(folder)
        for file in yaml_files(folder):
            value = self._reader.read_file(file, join_path(trail, len(result)), self._chain, self._at(node))
            items = value if isinstance(value, LineList) else [value]
            for number, item in enumerate(items):
                if item is not None:
                    at = place_of(value, number)
                    result.places[len(result)] = at if at.line else Place(self._reader.name_of(file), 1)
                    result.append(item)
        return result

    def _unknown_tag(self, node: yaml.Node, trail: str) -> Gap:
        tag = node.tag.replace(_STANDARD, "!!")
        near = self._reader.near(tag, _OWN_TAGS) or self._reader.say("yaml.tag_hint")
        what = self._reader.say("yaml.unknown_tag", tag=tag) + near
        return self._reader.gap(Problem(file=self._name, line=_line(node), path=trail, what=what))

    def _place(self, node: yaml.Node, value: yaml.Node) -> Place:
        return Place(self._name, _line(node), value.tag in ("!secret", "!env"))

    def _at(self, node: yaml.Node) -> Place:
        return Place(self._name, _line(node))

    def _gap(self, node: yaml.Node, trail: str, key: str, **values: object) -> Gap:
        what = self._reader.say(key, **values)
        return self._reader.gap(Problem(file=self._name, line=_line(node), path=trail, what=what))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
