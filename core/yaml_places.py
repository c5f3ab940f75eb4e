"""What a YAML file turns into: dicts and lists that know file and line of every key and item.

Mappings and lists are subclasses of dict and list that carry places; scalars are plain values, because msgspec
refuses subclasses of str and int. A value that could not be had (a missing secret, a broken include, a key given
twice) is a ``Gap``: it carries the problem, so that nobody reports a second one for the same spot.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .errors import Problem
from .types import Json
from .yaml_pieces import Piece


class Place(NamedTuple):
    """Say where a key or an item stands. ``is_secret``: its value came by !secret or !env, never show it."""

    file: str
    line: int
    is_secret: bool = False


NOWHERE = Place("", 0)


class LineDict(dict[Any, Any]):
    """Be a plain dict that knows where it starts and where each of its keys stands."""

    def __init__(self, *args: Json, **kwargs: Json) -> None:
        super().__init__(*args, **kwargs)
        self.place = NOWHERE
        self.places: dict[Any, Place] = {}


class LineList(list[Any]):
    """Be a plain list that knows where it starts and where each of its items stands."""

    def __init__(self, *args: Json) -> None:
        super().__init__(*args)
        self.place = NOWHERE
        self.places: dict[Any, Place] = {}


class Gap(str):
    """Stand where no value could be had, and say why."""

    problem: Problem

    def __new__(cls, problem: Problem) -> Gap:
        """Return an empty string with a problem."""
        gap = super().__new__(cls, "")
        gap.problem = problem
        return gap


class Input(str):
    """Stand for ``!input name`` of a blueprint until the rule that uses it gives the value."""


def where(value: object) -> tuple[str, int]:
    """Return file and line where a mapping or list begins; ("", 0) for anything else."""
    if isinstance(value, (LineDict, LineList)):
        return value.place.file, value.place.line
    return "", 0


def place_of(container: object, key: object) -> Place:
    """Return where a key of a mapping (or an item of a list) stands, else where the container begins."""
    if not isinstance(container, (LineDict, LineList)):
        return NOWHERE
    try:
        return container.places.get(key, container.place)
    except TypeError:  # an unhashable key
        return container.place


def line_of(container: object, key: object) -> int:
    """Return the line of a key of a mapping or of an item of a list; 0 where it is not known."""
    return place_of(container, key).line


def join_path(path: str, key: object) -> str:
    """Extend ``cameras.kali`` to ``cameras.kali.zones``, or ``detect`` to ``detect[2]``."""
    if isinstance(key, int) and not isinstance(key, bool):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def plain(value: Json) -> Json:
    """Return the same values in ordinary dicts and lists, to be kept in settings."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def without(node: LineDict, keys: Iterable[object]) -> LineDict:
    """Return a mapping less some keys, its places kept."""
    left_out = set(keys)
    rest = LineDict({key: item for key, item in node.items() if key not in left_out})
    rest.place, rest.places = node.place, node.places
    return rest


def carry_places(source: Json, result: Json) -> None:
    """Give the checked copy of a node (voluptuous makes new containers) the places of the original."""
    if isinstance(source, LineDict) and isinstance(result, LineDict):
        if source is not result:
            result.place, result.places = source.place, source.places
        for key, item in result.items():
            if key in source:
                carry_places(source[key], item)
    elif isinstance(source, LineList) and isinstance(result, LineList) and len(source) == len(result):
        if source is not result:
            result.place, result.places = source.place, source.places
        for before, after in zip(source, result, strict=True):
            carry_places(before, after)


def with_gaps(value: Json, file: str, gaps: Iterable[tuple[Piece, Gap]]) -> Json:
    """Return what could be read of a file with a gap for each piece that could not; items go to a list's end."""
    for piece, gap in gaps:
        place = Place(file, piece.first + 1)
        if value is None:
            value = LineDict() if piece.key else LineList()
            value.place = place
        holder, key = value, piece.key
        if piece.is_item and key and isinstance(value, LineDict):
            holder, key = value.get(key), ""
            if holder is None:
                holder = value[piece.key] = LineList()
                holder.place = value.places[piece.key] = place
        if isinstance(holder, LineDict) and key:
            holder[key], holder.places[key] = gap, place
        elif isinstance(holder, LineList):
            holder.places[len(holder)] = place
            holder.append(gap)
    return value


def gaps_in(node: object) -> list[Problem]:
    """Return the problems of every gap in a node, in their order."""
    if isinstance(node, Gap):
        return [node.problem]
    if isinstance(node, dict):
        return [problem for item in node.values() for problem in gaps_in(item)]
    if isinstance(node, list):
        return [problem for item in node for problem in gaps_in(item)]
    return []


def secrets_in(node: object) -> set[str]:
    """Return the values in a node that came by !secret or !env, so that a message can hide them."""
    found: set[str] = set()
    if isinstance(node, (LineDict, LineList)):
        pairs = node.items() if isinstance(node, LineDict) else enumerate(node)
        for key, item in pairs:
            if isinstance(item, str) and place_of(node, key).is_secret:
                found.add(item)
            else:
                found |= secrets_in(item)
    return found
