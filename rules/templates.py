"""Templates of rules: compiled once, rendered to plain values, each failure in the operator's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from datetime import time as time_of_day
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, nodes
from jinja2.environment import Template
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from ..core.clock import Clock
from ..core.errors import TemplateFailed
from ..core.rule_contracts import States
from ..core.settings import SiteSettings
from ..core.texts import Texts
from ..core.types import Json
from .faults import FAULTS, safe_function
from .sandbox import SOURCE_LIMIT, TIME_LIMIT_S, RuleEnvironment, bounded_range, join_output
from .sandbox_filters import OwnLimit
from .template_states import NO_STATES, state_functions
from .template_times import time_functions

# What a filter (Jinja2's own assert things), a stranger's function, or a template's arithmetic may raise.
_FAULTS = (TemplateError, *FAULTS)
_TRUE_WORDS = frozenset(("true", "yes", "on", "enable", "1", "ya", "benar"))
_SHOWN = 200  # characters of a source in an error
_VALUES_LIMIT = 8  # names kept for a trace
# What was compiled, for every box of one language, zone and set of functions: who reads a file to check it, and the
# engine that then runs it, need not both compile a thousand templates, nor again those that have not changed.
_CODES: dict[object, dict[str, tuple[CodeType, tuple[str, ...]]]] = {}
_CODES_KEPT = 20_000


class Compiled:
    """Hold one template ready to run, and the dotted names that it looks at."""

    def __init__(self, template: Template, names: tuple[str, ...]) -> None:
        self.template = template
        self.names = names


class TemplateBox:
    """Compile and render every template of the rules of one site."""

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        site: SiteSettings,
        clock: Clock,
        texts: Texts,
        limit_s: float = TIME_LIMIT_S,
        states: States | None = None,
    ) -> None:
        self._texts = texts
        self._clock = clock
        self.zone = ZoneInfo(site.timezone)
        filled = {"language": texts.language, "zone": self.zone, "now": self._now}
        bound = {name: _filled(safe_function(function), filled) for name, function in functions.items()}
        self._environment = RuleEnvironment(bound, _undefined(texts), limit_s)
        for name, function in time_functions(self._now, self.zone).items():
            self._environment.give(name, function)
        for name, function in state_functions(states or NO_STATES, self.zone).items():
            self._environment.give(name, function)
        self._environment.give("range", bounded_range)
        self._environment.give("min", min)
        self._environment.give("max", max)
        self._held: dict[str, Compiled] = {}
        self._codes = _CODES.setdefault((texts.language, site.timezone, frozenset(functions.items())), {})

    def names(self) -> tuple[str, ...]:
        """Return the names of the functions that templates may call."""
        return tuple(self._environment.globals)

    def compile(self, source: str) -> Compiled:
        """Return the template of ``source``, compiled at the first asking; TemplateFailed."""
        held = self._held.get(source)
        if held is None:
            held = self._held[source] = self._compile(source)
        return held

    def keep_only(self, sources: Iterable[str]) -> None:
        """Let go of all other templates; one that is asked for again is compiled again."""
        wanted = set(sources)
        self._held = {source: held for source, held in self._held.items() if source in wanted}

    def render(self, source: str, variables: Mapping[str, Any]) -> Json:
        """Return what a template makes of the variables, as a plain value; TemplateFailed."""
        held = self.compile(source)
        environment = self._environment
        environment.meter.start()
        try:
            context = held.template.new_context(dict(variables))
            return plain(join_output(held.template.root_render_func(context)))
        except OwnLimit as err:
            raise self._failed(source, self._texts(err.key, **err.values)) from err
        except _FAULTS as err:
            raise self._failed(source, str(err) or type(err).__name__) from err

    def looked_at(self, source: str, variables: Mapping[str, Any]) -> dict[str, Json]:
        """Return the values behind the names that a template looks at, for the trace."""
        return {name: plain(value) for name in self.compile(source).names for value in _look(variables, name)}

    def _now(self) -> datetime:
        return self._clock.now().astimezone(self.zone)

    def _compile(self, source: str) -> Compiled:
        if len(source) > SOURCE_LIMIT:
            raise self._failed(source, self._texts("rules.template.source_too_long", limit=SOURCE_LIMIT))
        environment = self._environment
        environment.meter.start()
        try:
            code, names = self._code(source.strip())
            template = Template.from_code(environment, code, environment.make_globals(None))
        except OwnLimit as err:
            raise self._failed(source, self._texts(err.key, **err.values)) from err
        except TemplateSyntaxError as err:
            raise self._failed(source, self._texts("rules.template.syntax", why=err.message)) from err
        # ValueError: a number of more than 4,300 digits.
        except (TemplateError, SyntaxError, RecursionError, MemoryError, ValueError) as err:
            raise self._failed(source, self._texts("rules.template.syntax", why=type(err).__name__)) from err
        return Compiled(template, names)

    def _code(self, source: str) -> tuple[CodeType, tuple[str, ...]]:
        known = self._codes.get(source)
        if known is None:
            tree = self._environment.parse(source)
            names = _names(tree)
            known = (self._environment.compile(tree), names)
            if len(self._codes) >= _CODES_KEPT:
                self._codes.clear()
            self._codes[source] = known
        return known

    def _failed(self, source: str, why: str) -> TemplateFailed:
        shown = source if len(source) <= _SHOWN else source[:_SHOWN] + "..."
        return TemplateFailed(self._texts("rules.template.failed", template=shown, why=why))


def is_template(value: object) -> bool:
    """Say whether a value of the YAML is a template."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


def is_true(value: Json) -> bool:
    """Read a result as yes or no, as Home Assistant does: a number but 0, ``true``, ``on``, ``yes``, ``1``."""
    if isinstance(value, str):
        return value.strip().lower() in _TRUE_WORDS
    if isinstance(value, int | float):
        return value != 0
    return False


def plain(value: Any) -> Json:  # noqa: ANN401
    """Return a value as JSON knows it; times as ISO 8601, other things as their text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if type(value) is dict:
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date | time_of_day):
        return value.isoformat()
    return str(value)


def _filled(function: Callable[..., Any], known: Mapping[str, Any]) -> Callable[..., Any]:
    """Give a function the site's language, zone or clock where it has a parameter of that name; no template can."""
    given = {name: value for name, value in known.items() if name in signature(function).parameters}

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return function(*args, **{**kwargs, **given})

    return call if given else function


def _undefined(texts: Texts) -> type[StrictUndefined]:
    class Missing(StrictUndefined):
        """Say in the site's language which name does not exist, and which might be meant."""

        __slots__ = ()

        @property
        def _undefined_message(self) -> str:
            name, owner = self._undefined_name, self._undefined_obj
            if self._undefined_hint:
                return texts("rules.template.forbidden", name=name)
            near = get_close_matches(str(name), [str(key) for key in owner], 1) if isinstance(owner, dict) else []
            if near:
                return texts("rules.template.no_name_near", name=name, near=near[0])
            return texts("rules.template.no_name", name=name)

    return Missing


def _names(tree: nodes.Template) -> tuple[str, ...]:
    found: dict[str, None] = {}
    inner: set[int] = set()
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        if id(node) in inner:
            continue
        parts: list[str] = []
        step: nodes.Node = node
        while isinstance(step, nodes.Getattr):
            parts.append(step.attr)
            step = step.node
            inner.add(id(step))
        if isinstance(step, nodes.Name) and step.ctx == "load":
            found[".".join((step.name, *reversed(parts)))] = None
    return tuple(found)[:_VALUES_LIMIT]


def _look(variables: Mapping[str, Any], dotted: str) -> tuple[Any, ...]:
    value: Any = variables
    for part in dotted.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return ()
        value = value[part]
    return (value,)
