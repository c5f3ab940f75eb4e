"""What a schema must say of each option: its meaning, its type, a default that it would take itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import voluptuous as vol

from ..core.json_schema import mapping_of
from ..core.texts import Texts

_UNKNOWN = "no_such_option_of_anybody"


def option_faults(schema: vol.Schema) -> list[str]:
    """Return what the options of a schema lack, nested ones too."""
    return list(_faults(mapping_of(schema), ""))


def refusal_faults(schema: vol.Schema, right: dict[str, Any]) -> list[str]:
    """Return what the schema takes and should not, or refuses though it is right. ``right`` are working options."""
    try:
        schema(dict(right))
    except vol.Invalid as err:
        return [f"the schema refuses the options that your test gives: {err}"]
    faults = []
    if _takes(schema, right | {_UNKNOWN: 1}):
        faults.append("a misspelt option is taken: leave out extra=vol.ALLOW_EXTRA and keys like `str: object`")
    for key in mapping_of(schema):
        if isinstance(key, vol.Required) and isinstance(key.default, vol.Undefined):
            less = {name: value for name, value in right.items() if name != str(key)}
            if str(key) in right and _takes(schema, less):
                faults.append(f"`{key}` is vol.Required, and the schema takes options without it")
    return faults


def _takes(schema: vol.Schema, options: dict[str, Any]) -> bool:
    try:
        schema(options)
    except vol.Invalid:
        return False
    return True


def _faults(mapping: dict[Any, Any], above: str) -> Iterator[str]:
    for key, check in mapping.items():
        path = f"{above}{key}"
        if not isinstance(key, vol.Marker):
            yield f'`{path}` says nothing: write vol.Required("{key}", description="...") or vol.Optional(...)'
            continue
        words = key.description
        if not isinstance(words, str) or not words.strip():
            yield f'`{path}` has no description; the manual, `siaga check` and the editor show it: description="..."'
        elif "." in words and " " not in words and not Texts().has(words):
            yield f"`{path}`: the description {words!r} looks like a key of a catalogue and stands in none; write words"
        yield from _type_fault(path, check)
        yield from _default_fault(path, key, check)
        inside = check if isinstance(check, dict) else mapping_of(check) if isinstance(check, vol.Schema) else {}
        if all(isinstance(one, vol.Marker | str) for one in inside):
            yield from _faults(inside, f"{path}.")


def _type_fault(path: str, check: Any) -> Iterator[str]:  # noqa: ANN401  whatever voluptuous can compile
    if check is object:
        yield f"`{path}` takes anything: name its type (str, int, a function of siaga.core.validators)"
    elif inspect.isfunction(check) and not inspect.getdoc(check):
        yield f"`{path}` is checked by {check.__name__}, which has no docstring to say what it takes"


def _default_fault(path: str, key: vol.Marker, check: Any) -> Iterator[str]:  # noqa: ANN401
    default = getattr(key, "default", vol.UNDEFINED)
    if isinstance(default, vol.Undefined):
        return
    value = default()
    if value is None:
        return  # "not given", which need not be a value that an operator may write
    try:
        vol.Schema(check)(value)
    except vol.Invalid as err:
        yield f"`{path}`: its own check refuses the default {value!r}: {err}"
