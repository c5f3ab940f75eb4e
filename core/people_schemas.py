"""The schemas of people in a configuration: contacts with their quiet hours and limits, teams, rotas, holidays."""

from __future__ import annotations

from datetime import date
from typing import Any

import voluptuous as vol

from .types import Json
from .validators import Each, Wrong, boolean, duration, text, time_of_day

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def names(value: Json) -> list[str]:
    """Return one name or a list of names as a list."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and item.strip() for item in items):
        raise Wrong("check.names")
    return items


def weekdays(value: Json) -> list[str]:
    """Return one day or a list of days as a list."""
    items = value if isinstance(value, list) else [value]
    if any(item not in WEEKDAYS for item in items):
        raise Wrong("rules.check.weekday", days=", ".join(WEEKDAYS))
    return items


def day(value: Json) -> date:
    """Return a date of ``2026-12-25``."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as err:
        raise Wrong("check.date") from err


def days(value: Json) -> list[date]:
    """Return one date or a list of dates as a list."""
    return [day(item) for item in (value if isinstance(value, list) else [value])]


def _whole(least: int, most: int) -> vol.All:
    return vol.All(_no_switch, int, vol.Range(min=least, max=most))


def _no_switch(value: Any) -> Any:  # noqa: ANN401
    # To Python, true is the number 1.
    if isinstance(value, bool):
        raise vol.TypeInvalid("expected int")
    return value


_WINDOW = {
    vol.Required("after", description="people.option.after"): time_of_day,
    vol.Required("before", description="people.option.before"): time_of_day,
    vol.Optional("weekday", default=list, description="people.option.weekday"): weekdays,
}
CONTACT = vol.Schema(
    {
        vol.Required("name", description="contact.option.name"): text,
        vol.Required("via", description="contact.option.via"): Each(
            {
                vol.Required("notifier", description="contact.option.notifier"): text,
                vol.Required("to", description="contact.option.to"): text,
            },
            at_least=1,
        ),
        vol.Optional("quiet_hours", default=list, description="contact.option.quiet_hours"): Each(
            {
                **_WINDOW,
                vol.Optional("except_from", default="high", description="contact.option.except_from"): vol.In(
                    ["low", "normal", "high"]
                ),
            }
        ),
        vol.Optional("limit", description="contact.option.limit"): {
            vol.Required("count", description="contact.option.limit_count"): _whole(1, 1000),
            vol.Required("per", description="contact.option.limit_per"): vol.All(
                duration, vol.Range(min=60, max=86_400)
            ),
        },
    }
)
TEAM = vol.Schema(
    {
        vol.Required("name", description="team.option.name"): text,
        vol.Required("members", description="team.option.members"): vol.All(names, vol.Length(min=1)),
    }
)
ROTA = vol.Schema(
    {
        vol.Required("name", description="rota.option.name"): text,
        vol.Required("shifts", description="rota.option.shifts"): Each(
            {
                **_WINDOW,
                vol.Optional("contact", default=list, description="rota.option.contact"): names,
                vol.Optional("team", default=list, description="rota.option.team"): names,
                vol.Optional("holiday", description="rota.option.holiday"): boolean,
                vol.Optional("dates", default=list, description="rota.option.dates"): days,
            },
            at_least=1,
        ),
        vol.Optional("otherwise", default=list, description="rota.option.otherwise"): names,
    }
)
