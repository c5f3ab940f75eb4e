"""The language of rules, scripts and the configuration as JSON Schema, with the words that plugins offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core import config_schemas, people_schemas
from ..core.contracts import Kind
from ..core.json_schema import DRAFT, TEMPLATE, Converter, Schema, by_word, mapping_of
from ..core.plugin_manager import PluginManager
from ..core.settings import Settings
from ..core.texts import Texts
from . import step_schemas
from .blueprint_use import USE, USE_BLUEPRINT
from .calling import AREAS
from .parse import BESIDE_BLUEPRINT, RULE
from .parse_actions import SCRIPT_PREFIX
from .parse_conditions import GROUPS
from .parse_triggers import TRIGGER_HEAD
from .trial.read_tests import TEST

STEPS = {
    "action": step_schemas.ACTION,
    "delay": step_schemas.DELAY,
    "choose": step_schemas.CHOOSE,
    "if": step_schemas.IF,
    "repeat": step_schemas.REPEAT,
    "parallel": step_schemas.PARALLEL,
    "sequence": step_schemas.SEQUENCE,
    "wait_for_trigger": step_schemas.WAIT_FOR_TRIGGER,
    "wait_template": step_schemas.WAIT_TEMPLATE,
    "variables": step_schemas.VARIABLES,
    "stop": step_schemas.STOP,
}
# What stands under a key whose own schema leaves it open, because the reader checks what is inside.
_DEFS_BY_KEY = {
    "triggers": ("triggers", "wait_for_trigger"),
    "conditions": ("conditions", "if", "while", "until"),
    "steps": ("actions", "sequence", "then", "else", "default"),
    "branches": ("parallel",),
    "options": ("choose",),
    "loop": ("repeat",),
    "time": ("delay", "timeout"),
    "tests": ("tests",),
}
_INNER: dict[str, Schema] = {key: {"$ref": f"#/$defs/{name}"} for name, keys in _DEFS_BY_KEY.items() for key in keys}
_SECTIONS: dict[str, Any] = {
    "places": config_schemas.PLACE,
    "contacts": people_schemas.CONTACT,
    "teams": people_schemas.TEAM,
    "rotas": people_schemas.ROTA,
}
# What an editor sees where !include stands: the name of the file.
_INCLUDED: Schema = {"type": "string"}


def editor_schemas(plugins: PluginManager, texts: Texts, settings: Settings | None) -> dict[str, Schema]:
    """Return the schema of each sort of file by its name: rules, scripts, config."""
    made = EditorSchemas(plugins, texts, settings)
    return {"rules": made.rules(), "scripts": made.scripts(), "config": made.config()}


def editor_settings() -> Schema:
    """Return the settings of VS Code's YAML extension that put the schemas to use."""
    return {
        "yaml.schemas": {
            "schema/config.json": "config.yaml",
            "schema/rules.json": ["rules/**/*.yaml", "aturan/**/*.yaml"],
            "schema/scripts.json": ["scripts.yaml", "scripts/**/*.yaml", "skrip/**/*.yaml"],
        },
        "yaml.customTags": ["!secret scalar", "!env scalar", "!include scalar", "!include_dir scalar", "!input scalar"],
        "[yaml]": {"editor.insertSpaces": True, "editor.tabSize": 2},
    }


class EditorSchemas:
    """Make the schemas; with settings they know the names of this site's cameras, contacts and places."""

    def __init__(self, plugins: PluginManager, texts: Texts, settings: Settings | None = None) -> None:
        self._plugins = plugins
        self._texts = texts
        self._settings = settings
        self._shape = Converter(texts, inner=_INNER)
        self._data = Converter(texts, with_templates=True)

    def rules(self) -> Schema:
        """Return the schema of a file of rules: a list of them, or one."""
        rule = {"$ref": "#/$defs/rule"}
        return self._document("Siaga: aturan", {"anyOf": [{"type": "array", "items": rule}, rule]})

    def scripts(self) -> Schema:
        """Return the schema of a file of scripts, by their ids."""
        return self._document("Siaga: skrip", _of_each({"$ref": "#/$defs/script"}))

    def config(self) -> Schema:
        """Return the schema of ``config.yaml``."""
        plugins, shape = self._plugins, self._shape
        own = ("site", "web", "storage", "media", "plugins")
        rule = {"$ref": "#/$defs/rule"}
        sections: dict[str, Schema] = {
            **{name: shape.closed(getattr(config_schemas, name.upper())) for name in own},
            **{name: _of_each(shape.closed(schema)) for name, schema in _SECTIONS.items()},
            "cameras": _of_each(self._typed(plugins.cameras, self._camera_part())),
            "notifiers": _of_each(self._typed(plugins.notifiers, {})),
            "links": _of_each(self._typed(plugins.links, {})),
            "holidays": {"type": "object"},
            "rules": {"type": "array", "items": rule},
            "scripts": _of_each({"$ref": "#/$defs/script"}),
        }
        body: Schema = {
            "type": "object",
            "required": ["site"],
            "properties": {name: {"anyOf": [made, _INCLUDED, {"type": "null"}]} for name, made in sections.items()},
            "patternProperties": {f"^{config_schemas.FREE_KEY_START}": {}},
            "additionalProperties": False,
        }
        return self._document("Siaga: config.yaml", body)

    # --- the parts ------------------------------------------------------------------------------

    def _document(self, title: str, body: Schema) -> Schema:
        return {"$schema": DRAFT, "title": title, **body, "$defs": self._defs()}

    def _defs(self) -> dict[str, Schema]:
        step = {"$ref": "#/$defs/step"}
        condition = {"$ref": "#/$defs/condition"}
        trigger = {"$ref": "#/$defs/trigger"}
        option = self._shape.closed(step_schemas.OPTION)
        return {
            "rule": {
                "if": {"required": [USE]},
                "then": self._shape.closed(BESIDE_BLUEPRINT, extra={USE: self._shape.closed(USE_BLUEPRINT)}),
                "else": self._shape.closed(RULE),
            },
            "script": self._shape.closed(step_schemas.SCRIPT),
            "triggers": _one_or_list(trigger),
            "conditions": _one_or_list(condition),
            "steps": _one_or_list(step),
            "branches": _one_or_list(_one_or_list(step)),
            "time": {"type": ["string", "number", "object"]},
            "options": _one_or_list(option),
            "tests": _one_or_list(self._shape.closed(TEST)),
            "loop": self._shape.closed(step_schemas.LOOP),
            "trigger": self._trigger(),
            "condition": self._condition(),
            "step": self._step(),
        }

    def _trigger(self) -> Schema:
        head = self._shape.properties(TRIGGER_HEAD)[0]
        choices = {
            name: self._shape.closed(kind.schema, extra=head) | {} for name, kind in self._plugins.triggers.items()
        }
        for made in choices.values():
            self._name(made, ("camera", "group", "place"))
        return by_word("trigger", choices, self._said(self._plugins.triggers))

    def _condition(self) -> Schema:
        inner = {"$ref": "#/$defs/conditions"}
        head: dict[str, Schema] = {
            "condition": {"type": "string"},
            "alias": {"type": "string"},
            "enabled": self._shape.of(step_schemas.switch),
            "continue_on_error": {},
        }
        choices = {}
        for name, kind in self._plugins.conditions.items():
            choices[name] = self._shape.closed(kind.schema, extra=head)
            properties = choices[name]["properties"]
            if isinstance(properties, dict) and "conditions" in properties:
                properties["conditions"] = inner
        short: list[Schema] = [
            {
                "type": "object",
                "required": [group],
                "properties": {group: inner, "alias": {}, "enabled": {}, "continue_on_error": {}},
                "additionalProperties": False,
            }
            for group in GROUPS
        ]
        long = by_word("condition", choices, self._said(self._plugins.conditions))
        return {
            "if": {"type": "string"},
            "then": {},
            "else": {"if": {"required": ["condition"]}, "then": long, "else": {"anyOf": short}},
        }

    def _step(self) -> Schema:
        head = {word: {"description": self._word(word, schema)} for word, schema in STEPS.items()}
        made: Schema = {"$ref": "#/$defs/condition"}
        for word, schema in reversed(STEPS.items()):
            body = self._action() if word == "action" else self._shape.closed(schema)
            made = {"if": {"required": [word]}, "then": body, "else": made}
        return {"if": {"type": "string"}, "then": {}, "else": {"properties": head, **made}}

    def _action(self) -> Schema:
        shape = self._shape.closed(step_schemas.ACTION)
        kinds = self._plugins.actions
        names = [*kinds, *(f"notify.{one}" for one in self._names("notifiers"))]
        known: Schema = {"enum": names, "markdownEnumDescriptions": [self._said(kinds).get(name, "") for name in names]}
        properties = shape["properties"]
        assert isinstance(properties, dict)
        properties["action"] = {"anyOf": [known, {"type": "string", "pattern": rf"^{SCRIPT_PREFIX}.|^notify\."}]}
        shape["allOf"] = [
            {
                "if": {"properties": {"action": {"const": name}}, "required": ["action"]},
                "then": {"properties": {"data": self._action_data(kind), "target": self._target(kind)}},
            }
            for name, kind in kinds.items()
        ]
        return shape

    def _action_data(self, kind: Kind[Any]) -> Schema:
        if not isinstance(mapping_of(kind.schema), dict) or not mapping_of(kind.schema):
            return {}
        made = self._data.closed(kind.schema)
        return {"anyOf": [made, {"type": "null"}]} if "required" not in made else made

    def _target(self, kind: Kind[Any]) -> Schema:
        action = kind.make()
        names = tuple(action.targets)
        names += tuple(AREAS) if "camera" in names else ()
        known: dict[str, Schema] = {name: {} for name in names}
        made: Schema = {"type": ["object", "null"], "properties": known, "additionalProperties": False}
        self._name(made, names)
        return made

    def _typed(self, kinds: Mapping[str, Kind[Any]], common: dict[str, Schema]) -> Schema:
        head = {"type": self._shape.of(str), **common}
        choices = {name: self._shape.closed(kind.schema, extra=head) for name, kind in kinds.items()}
        return by_word("type", choices, self._said(kinds))

    def _camera_part(self) -> dict[str, Schema]:
        common = self._shape.properties(config_schemas.CAMERA)[0]
        common["detect"] = {"type": "array", "items": self._typed(self._plugins.detectors, {})}
        return common

    # --- words and names ------------------------------------------------------------------------

    def _said(self, kinds: Mapping[str, Kind[Any]]) -> dict[str, str]:
        is_english = self._texts.language == "en"
        return {name: kind.summary_en if is_english else kind.summary for name, kind in kinds.items()}

    def _word(self, word: str, schema: Any) -> str:  # noqa: ANN401
        text = next((key.description for key in mapping_of(schema) if str(key) == word), "")
        return self._texts(text) if isinstance(text, str) and self._texts.has(text) else ""

    def _names(self, sort: str) -> tuple[str, ...]:
        settings = self._settings
        if settings is None:
            return ()
        if sort == "groups":
            return tuple(dict.fromkeys(group for camera in settings.cameras.values() for group in camera.groups))
        return settings.names(sort) if sort in ("cameras", "places", "contacts", "teams", "rotas", "notifiers") else ()

    def _name(self, made: Schema, keys: Iterable[str]) -> None:
        """Let the keys of a mapping take the names that this site has, or a template."""
        properties = made["properties"]
        for key in keys:
            known = self._names(f"{key}s")
            if known and isinstance(properties, dict) and key in properties:
                one: Schema = {"anyOf": [{"enum": list(known)}, TEMPLATE]}
                told = properties[key]
                said = {"description": told["description"]} if isinstance(told, dict) and "description" in told else {}
                properties[key] = {"anyOf": [one, {"type": "array", "items": one}], **said}


def _of_each(item: Schema) -> Schema:
    return {"type": "object", "additionalProperties": {"anyOf": [item, _INCLUDED]}}


def _one_or_list(item: Schema) -> Schema:
    return {"if": {"type": "array"}, "then": {"items": item}, "else": item}
