"""Finds in a voluptuous schema which keys and which values would have been right at a path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import voluptuous as vol
from voluptuous.validators import _WithSubValidators

from .validators import Each, OneOrMany

SchemaPart = Any  # anything that voluptuous can compile
Key = Any  # a key of a mapping, bare or in a marker, or an index
_MAX_DEEP = 40


def keys_at(schema: SchemaPart, path: Sequence[Any]) -> list[Any]:
    """Return the keys that a mapping at ``path`` may have."""
    keys = []
    for found in _at(schema, list(path)):
        if isinstance(found, dict):
            keys += [name for key in found if isinstance(name := _bare(key), (str, int))]
    return list(dict.fromkeys(keys))


def choices_at(schema: SchemaPart, path: Sequence[Any]) -> list[Any]:
    """Return the values that may stand at ``path`` where the schema lists them all, else nothing."""
    choices: list[Any] = []
    for found in _at(schema, list(path)):
        if isinstance(found, vol.In):
            choices += _values(found.container)
        elif isinstance(found, (str, int, float)):
            choices.append(found)
        elif found is not None:
            return []
    return list(dict.fromkeys(choices))


def others_at(schema: SchemaPart, path: Sequence[Any]) -> list[SchemaPart]:
    """Return what else than a listed value may stand at ``path``: types, functions, mappings."""
    return [part for part in _at(schema, list(path)) if part is not None and not isinstance(part, (str, int, float))]


def exclusive_keys(schema: SchemaPart, path: Sequence[Any], group: str) -> list[str]:
    """Return the keys of one group of exclusion or inclusion at ``path``."""
    names = []
    for found in _at(schema, list(path)):
        for key in found if isinstance(found, dict) else ():
            label = getattr(key, "group_of_exclusion", None) or getattr(key, "group_of_inclusion", None)
            if label is not None and str(label) == group:
                names.append(str(_bare(key)))
    return names


def _bare(key: Key) -> Key:
    return key.schema if isinstance(key, vol.Marker) else key


def _values(container: Any) -> list[Any]:  # noqa: ANN401  whatever a plugin gave to vol.In
    return list(container) if isinstance(container, Iterable) else []


def _at(schema: SchemaPart, path: list[Any], deep: int = 0) -> Iterator[Any]:
    """Yield every part of the schema that a value at ``path`` may be checked by, wrappers unpacked."""
    wrapped = _wrapped(schema)
    if deep > _MAX_DEEP:
        return
    if wrapped is not None:
        for part in wrapped:
            yield from _at(part, path, deep + 1)
    elif not path and isinstance(schema, OneOrMany):
        yield from _at(schema.schema, path, deep + 1)  # one item alone stands at the place of the list
    elif not path:
        yield schema
    else:
        for part in _inside(schema, path[0]):
            yield from _at(part, path[1:], deep + 1)


def _wrapped(schema: SchemaPart) -> list[Any] | None:
    if isinstance(schema, vol.Schema):
        return [schema.schema]
    return list(schema.validators) if isinstance(schema, _WithSubValidators) else None


def _inside(schema: SchemaPart, step: Key) -> list[Any]:
    if isinstance(schema, dict):
        exact = [value for key, value in schema.items() if _bare(key) == step]
        return exact or [value for key, value in schema.items() if not isinstance(_bare(key), (str, int))]
    if isinstance(schema, (list, tuple)):
        return list(schema)
    return [schema.schema] if isinstance(schema, Each) else []
