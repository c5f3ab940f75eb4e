"""Voluptuous schemas as JSON Schema (draft 2020-12), for editors that complete and check while somebody types.

An editor's schema is kinder than ``siaga check``: what a function of a plugin takes it cannot know, and lets it be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import voluptuous as vol

from .texts import Texts
from .types import Json
from .validators import Each, OneOrMany

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Json]

TEMPLATE: Schema = {"type": "string", "pattern": r"\{[{%#]"}
_WORD: Schema = {"type": ["string", "number"]}
_NUMBER: Schema = {"type": "number"}
_SWITCH: Schema = {"type": ["boolean", "string"], "enum": [True, False, "on", "off", "yes", "no", "ya", "tidak"]}
_DURATION: Schema = {"type": ["string", "number", "object"]}
_POINT: Schema = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}


def _or_list(items: Schema) -> Schema:
    return {"anyOf": [items, {"type": "array", "items": items}]}


# By the function's module and name; what is not here may be anything.
_FUNCTIONS: dict[str, Schema] = {
    "validators.text": _WORD,
    "validators.optional_text": {"type": ["string", "number", "null"]},
    "validators.slug": {"type": ["string", "integer"], "pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$"},
    "validators.duration": _DURATION,
    "validators.time_of_day": {"type": "string", "pattern": r"^([01]?\d|2[0-3])[:.][0-5]\d(:[0-5]\d)?$"},
    "validators.time_zone": {"type": "string"},
    "validators.polygon": {"type": "array", "minItems": 3, "maxItems": 64, "items": _POINT},
    "validators.size": {"type": ["string", "integer"]},
    "validators.boolean": _SWITCH,
    "validators.web_address": {"type": ["string", "null"]},
    "validators.stream_url": {"type": "string"},
    "people_schemas.names": _or_list(_WORD),
    "triggers._texts_list": _or_list({"type": "string"}),
    "triggers._number": _NUMBER,
    "notify._texts": _or_list(_WORD),
    "step_schemas.switch": {"anyOf": [_SWITCH, TEMPLATE]},
    "step_schemas.variable_name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
}
_TYPES: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: _NUMBER,
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array"},
}
_COERCED: dict[Any, Schema] = {int: {"type": ["integer", "string"]}, float: {"type": ["number", "string"]}}


class Converter:
    """Turn schemas into JSON Schema in one language.

    ``inner`` are the schemas of keys whose own check is ``object``: they are checked elsewhere, by what stands inside.
    ``with_templates`` lets a template stand wherever a value may.
    """

    def __init__(
        self, texts: Texts, *, inner: Mapping[str, Schema] | None = None, with_templates: bool = False
    ) -> None:
        self._texts = texts
        self._inner = inner or {}
        self._with_templates = with_templates

    def of(self, check: Any) -> Schema:  # noqa: ANN401  whatever voluptuous can compile
        """Return what ``check`` takes; an empty schema where that cannot be said."""
        if isinstance(check, vol.Schema):
            return self.of(check.schema)
        for kind, convert in self._by_kind:
            if isinstance(check, kind):
                return convert(check)
        if check is None or isinstance(check, str | bool | int | float):
            return {"const": check}
        if isinstance(check, type):
            return dict(_TYPES.get(check, {}))
        name = f"{getattr(check, '__module__', '').rpartition('.')[2]}.{getattr(check, '__name__', '')}"
        return dict(_FUNCTIONS.get(name, {}))

    def properties(self, schema: Any) -> tuple[dict[str, Schema], list[str]]:  # noqa: ANN401
        """Return the properties of a mapping's schema and which of them must be there."""
        found: dict[str, Schema] = {}
        needed = []
        for key, check in mapping_of(schema).items():
            name = str(key)
            found[name] = self._property(name, key, check)
            if isinstance(key, vol.Required):
                needed.append(name)
        return found, needed

    def closed(self, *schemas: Any, extra: Mapping[str, Schema] | None = None) -> Schema:  # noqa: ANN401
        """Return an object of all the schemas' keys and no others."""
        properties: dict[str, Schema] = dict(extra or {})
        needed: list[str] = []
        for schema in schemas:
            more, must = self.properties(schema)
            properties |= more
            needed += must
        made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return made | ({"required": needed} if needed else {})

    def _property(self, name: str, key: Any, check: Any) -> Schema:  # noqa: ANN401
        made = dict(self._inner[name]) if name in self._inner and check is object else self.of(check)
        if self._with_templates and made and made != {"const": None}:
            made = {"anyOf": [made, TEMPLATE]}
        text = getattr(key, "description", None)
        if isinstance(text, str):
            made["description"] = self._texts(text) if self._texts.has(text) else text
        default = getattr(key, "default", vol.UNDEFINED)
        if not isinstance(default, vol.Undefined) and isinstance(value := default(), str | int | float | bool):
            made["default"] = value
        return made

    @property
    def _by_kind(self) -> tuple[tuple[Any, Callable[[Any], Schema]], ...]:
        return (
            (vol.In, lambda check: {"enum": list(check.container)}),
            (vol.All, self._all),
            (vol.Any, lambda check: {"anyOf": [self.of(one) for one in check.validators]}),
            (vol.Coerce, lambda check: dict(_COERCED.get(check.type, {}))),
            (OneOrMany, lambda check: _or_list(self.of(check.schema))),
            (Each, lambda check: {"type": "array", "items": self.of(check.schema), "minItems": check.at_least}),
            (list, lambda check: {"type": "array", "items": self.of(check[0]) if check else {}}),
            (dict, self._mapping),
        )

    def _all(self, check: vol.All) -> Schema:
        made: Schema = {}
        for one in check.validators:
            if isinstance(one, vol.Range) and made.get("type") in ("integer", "number"):
                made |= {"minimum": one.min} if one.min is not None else {}
                made |= {"maximum": one.max} if one.max is not None else {}
            elif isinstance(one, vol.Length) and made.get("type") == "array" and one.min is not None:
                made["minItems"] = one.min
            elif not made and not isinstance(one, vol.Range | vol.Length | vol.Match):
                made = self.of(one)
        return made

    def _mapping(self, check: dict[Any, Any]) -> Schema:
        if all(isinstance(key, vol.Marker | str) for key in check):
            return self.closed(check)
        (key, value), *_ = check.items()
        return {
            "type": "object",
            "propertyNames": self.of(key) | {"type": "string"},
            "additionalProperties": self.of(value),
        }


def mapping_of(schema: Any) -> dict[Any, Any]:  # noqa: ANN401
    """Return the mapping inside a schema; empty where it is none."""
    while not isinstance(schema, dict):
        if isinstance(schema, vol.Schema):
            schema = schema.schema
        elif isinstance(schema, vol.All):
            schema = next((one for one in schema.validators if isinstance(one, dict | vol.Schema | vol.All)), {})
        else:
            return {}
    return schema


def by_word(word: str, choices: Mapping[str, Schema], said: Mapping[str, str]) -> Schema:
    """Return an object whose key ``word`` says which of the choices it must be."""
    return {
        "type": "object",
        "required": [word],
        "properties": {
            word: {"enum": list(choices), "markdownEnumDescriptions": [said.get(one, "") for one in choices]}
        },
        "allOf": [
            {"if": {"properties": {word: {"const": one}}, "required": [word]}, "then": made}
            for one, made in choices.items()
        ],
    }
