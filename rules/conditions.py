"""The conditions that Siaga brings: template, time of day, and, or, not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Condition, Moment, Verdict
from ..core.validators import Wrong, time_of_day
from .option_checks import WEEKDAYS, weekdays
from .templates import is_true


class TemplateCondition:
    """Hold when a template gives true."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._template: str = options["value_template"]

    def decide(self, moment: Moment) -> Verdict:
        """Render; the engine adds the values that the template looked at."""
        result = moment.render(self._template)
        return Verdict(is_true=is_true(result), values={"result": result})


class TimeCondition:
    """Hold in a window of the site's local day, as Home Assistant reads it.

    ``after`` is inside the window, ``before`` is not; an ``after`` that is later than ``before``
    spans midnight. ``weekday`` is the day of the moment itself, also after midnight.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._after: time | None = options.get("after")
        self._before: time | None = options.get("before")
        self._weekdays = frozenset(options.get("weekday", WEEKDAYS))

    def decide(self, moment: Moment) -> Verdict:
        """Compare the local time of the site."""
        now = moment.clock.now().astimezone(ZoneInfo(moment.settings.site.timezone))
        holds = WEEKDAYS[now.weekday()] in self._weekdays and self._in_window(now.time())
        return Verdict(is_true=holds, values={"now": now.strftime("%H:%M:%S"), "weekday": WEEKDAYS[now.weekday()]})

    def _in_window(self, now: time) -> bool:
        after, before = self._after, self._before
        if after is None or before is None:
            return (after is None or now >= after) and (before is None or now < before)
        if after < before:
            return after <= now < before
        return now >= after or now < before


class AllCondition:
    """Hold when every inner condition holds; stops at the first that does not."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._inner: tuple[Condition, ...] = options["conditions"]

    def decide(self, moment: Moment) -> Verdict:
        """Decide the inner conditions in order."""
        return _first(self._inner, moment, until=False)


class AnyCondition:
    """Hold when one inner condition holds."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._inner: tuple[Condition, ...] = options["conditions"]

    def decide(self, moment: Moment) -> Verdict:
        """Decide the inner conditions in order."""
        return _first(self._inner, moment, until=True)


class NoneCondition:
    """Hold when no inner condition holds."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._inner: tuple[Condition, ...] = options["conditions"]

    def decide(self, moment: Moment) -> Verdict:
        """Decide the inner conditions in order."""
        found = _first(self._inner, moment, until=True)
        return Verdict(is_true=not found.is_true, values=found.values)


def _first(conditions: Iterable[Condition], moment: Moment, *, until: bool) -> Verdict:
    """Decide in order until one answers ``until``; the answer is then ``until``, else its opposite."""
    inner = []
    for condition in conditions:
        verdict = condition.decide(moment)
        inner.append({"is_true": verdict.is_true, **verdict.values})
        if verdict.is_true is until:
            return Verdict(is_true=until, values={"conditions": inner})
    return Verdict(is_true=not until, values={"conditions": inner})


def _template(value: Any) -> str:  # noqa: ANN401
    # A bare true or false is a template of one word; Home Assistant takes it as well.
    # Its syntax is checked by the engine's own sandbox, with everything else that may not be in it.
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or not value.strip():
        raise Wrong("check.template_text")
    return value


def _not_empty(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise Wrong("rules.check.empty_window")
    return value


TEMPLATE_CONDITION = vol.Schema(
    {vol.Required("value_template", description="rules.condition.value_template"): _template}
)
TIME_CONDITION = vol.Schema(
    vol.All(
        {
            vol.Optional("after", description="rules.condition.after"): time_of_day,
            vol.Optional("before", description="rules.condition.before"): time_of_day,
            vol.Optional("weekday", description="rules.condition.weekday"): weekdays,
        },
        _not_empty,
    )
)
# The parser makes the inner conditions and hands them over in their place.
GROUP_CONDITION = vol.Schema(
    {vol.Required("conditions", description="rules.condition.conditions"): vol.All(list, vol.Length(min=1))}
)


@hookimpl
def offer_conditions() -> Iterable[Kind[Condition]]:
    """Offer the built-in conditions."""
    return (
        Kind("template", TEMPLATE_CONDITION, TemplateCondition, "Templat yang bernilai benar", "A true template"),
        Kind("time", TIME_CONDITION, TimeCondition, "Jam dan hari setempat", "Local time and weekday"),
        Kind("and", GROUP_CONDITION, AllCondition, "Semua syarat terpenuhi", "All conditions hold"),
        Kind("or", GROUP_CONDITION, AnyCondition, "Salah satu syarat terpenuhi", "One condition holds"),
        Kind("not", GROUP_CONDITION, NoneCondition, "Tidak satu pun syarat terpenuhi", "No condition holds"),
    )
