"""The keys of each sort of step, with what they are for; the reference for operators is made from them."""

from __future__ import annotations

import re
from typing import Any

import voluptuous as vol

from ..core.validators import Wrong, boolean, text
from .templates import is_template

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def switch(value: Any) -> bool | str:  # noqa: ANN401
    """Return true or false, or a template of it."""
    return value if isinstance(value, str) and is_template(value) else boolean(value)


def variable_name(value: Any) -> str:  # noqa: ANN401
    """Return the name of a variable, as templates can say it."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise Wrong("rules.check.variable_name")
    return value


COMMON: dict[Any, Any] = {
    vol.Optional("alias", description="rules.step.alias"): text,
    vol.Optional("enabled", description="rules.step.enabled"): switch,
    vol.Optional("continue_on_error", description="rules.step.continue_on_error"): boolean,
}
_RESPONSE = vol.Optional("response_variable", description="rules.step.response_variable")
_TIMEOUT = {
    vol.Optional("timeout", description="rules.step.timeout"): object,
    vol.Optional("continue_on_timeout", description="rules.step.continue_on_timeout"): boolean,
}
ACTION = vol.Schema(
    {
        **COMMON,
        vol.Required("action", description="rules.step.action"): text,
        vol.Optional("target", description="rules.step.target"): vol.Any(None, dict),
        vol.Optional("data", description="rules.step.data"): vol.Any(None, dict),
        _RESPONSE: variable_name,
    }
)
DELAY = vol.Schema({**COMMON, vol.Required("delay", description="rules.step.delay"): object})
CHOOSE = vol.Schema(
    {
        **COMMON,
        vol.Required("choose", description="rules.step.choose"): object,
        vol.Optional("default", description="rules.step.default"): object,
    }
)
OPTION = vol.Schema(
    {
        vol.Optional("alias", description="rules.step.alias"): text,
        vol.Required("conditions", description="rules.step.option_conditions"): object,
        vol.Required("sequence", description="rules.step.option_sequence"): object,
    }
)
IF = vol.Schema(
    {
        **COMMON,
        vol.Required("if", description="rules.step.if"): object,
        vol.Required("then", description="rules.step.then"): object,
        vol.Optional("else", description="rules.step.else"): object,
    }
)
REPEAT = vol.Schema({**COMMON, vol.Required("repeat", description="rules.step.repeat"): object})
LOOP = vol.Schema(
    {
        vol.Optional("count", description="rules.step.count"): object,
        vol.Optional("for_each", description="rules.step.for_each"): object,
        vol.Optional("while", description="rules.step.while"): object,
        vol.Optional("until", description="rules.step.until"): object,
        vol.Required("sequence", description="rules.step.loop_sequence"): object,
    }
)
SEQUENCE = vol.Schema({**COMMON, vol.Required("sequence", description="rules.step.sequence"): object})
PARALLEL = vol.Schema({**COMMON, vol.Required("parallel", description="rules.step.parallel"): object})
WAIT_FOR_TRIGGER = vol.Schema(
    {**COMMON, vol.Required("wait_for_trigger", description="rules.step.wait_for_trigger"): object, **_TIMEOUT}
)
WAIT_TEMPLATE = vol.Schema(
    {**COMMON, vol.Required("wait_template", description="rules.step.wait_template"): text, **_TIMEOUT}
)
VARIABLES = vol.Schema({**COMMON, vol.Required("variables", description="rules.step.variables"): dict})
STOP = vol.Schema(
    {
        **COMMON,
        vol.Required("stop", description="rules.step.stop"): vol.Any(None, text),
        vol.Optional("error", description="rules.step.error"): boolean,
        _RESPONSE: variable_name,
    }
)
SCRIPT = vol.Schema(
    {
        vol.Optional("alias", description="rules.script.alias"): text,
        vol.Optional("description", description="rules.script.description"): vol.Any(None, text),
        vol.Optional("fields", description="rules.script.fields"): vol.Any(None, dict),
        vol.Optional("variables", description="rules.script.variables"): vol.Any(None, dict),
        vol.Required("sequence", description="rules.script.sequence"): object,
    }
)
FIELD = vol.Schema(
    {
        vol.Optional("name", description="rules.field.name"): text,
        vol.Optional("description", description="rules.field.description"): vol.Any(None, text),
        vol.Optional("required", description="rules.field.required"): boolean,
        vol.Optional("default", description="rules.field.default"): object,
        vol.Optional("example", description="rules.field.example"): object,
    }
)
