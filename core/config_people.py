"""Reads the people of a configuration: contacts, teams, rotas, holidays; every name among them is checked."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import date
from typing import Any

import voluptuous as vol

from . import people_schemas as schemas
from .checks import problem_at
from .errors import Problem
from .settings import Address, ContactSettings, QuietHours, RateLimit, RotaSettings, Shift, TeamSettings
from .texts import Texts
from .types import Json
from .validators import Wrong
from .yaml_lines import Gap, LineDict, LineList, Place

Check = Callable[[vol.Schema, Json, str, Place], dict[str, Any] | None]
CheckName = Callable[[Json, str, str, Json, str], None]


class PeopleReader:
    """Read who is told. ``check`` and ``check_name`` are the configuration's own; mistakes go into ``problems``."""

    def __init__(
        self, node: LineDict, texts: Texts, problems: list[Problem], *, check: Check, check_name: CheckName
    ) -> None:
        self.good_notifiers: Container[str] = ()
        self._node = node
        self._texts = texts
        self._problems = problems
        self._check = check
        self._check_name = check_name

    def contact(self, key: str, node: Json, path: str, at: Place) -> ContactSettings | None:
        """Read one contact."""
        value = self._check(schemas.CONTACT, node, path, at)
        addresses = node.get("via") if isinstance(node, LineDict) else None
        for number, address in enumerate(addresses if isinstance(addresses, LineList) else ()):
            here = f"{path}.via[{number}]"
            self._check_name(address, "notifier", here, self._node.get("notifiers"), "config.no_such_notifier")
        if value is None:
            return None
        via = tuple(Address(**address) for address in value["via"] if address["notifier"] in self.good_notifiers)
        if not via and value["via"][0]["notifier"] in (self._node.get("notifiers") or ()):
            what = self._texts("config.notifier_off", name=value["via"][0]["notifier"])
            self._problems.append(problem_at(node, "via", path, what))
        limit = value.get("limit")
        return ContactSettings(
            id=key,
            name=value["name"],
            via=via,
            quiet_hours=tuple(
                QuietHours(**{**window, "weekday": tuple(window["weekday"])}) for window in value["quiet_hours"]
            ),
            limit=RateLimit(count=limit["count"], per_s=limit["per"]) if limit else None,
        )

    def team(self, key: str, node: Json, path: str, at: Place) -> TeamSettings | None:
        """Read one team."""
        value = self._check(schemas.TEAM, node, path, at)
        self._check_name(node, "members", path, self._known("contacts"), "rules.check.no_contact")
        return TeamSettings(id=key, name=value["name"], members=tuple(value["members"])) if value else None

    def rota(self, key: str, node: Json, path: str, at: Place) -> RotaSettings | None:
        """Read one rota."""
        value = self._check(schemas.ROTA, node, path, at)
        shifts = node.get("shifts") if isinstance(node, LineDict) else None
        for number, shift in enumerate(shifts if isinstance(shifts, LineList) else ()):
            here = f"{path}.shifts[{number}]"
            self._check_name(shift, "contact", here, self._known("contacts"), "rules.check.no_contact")
            self._check_name(shift, "team", here, self._known("teams"), "rules.check.no_team")
            if isinstance(shift, LineDict) and not ("contact" in shift or "team" in shift):
                self._problems.append(problem_at(shifts, number, f"{path}.shifts", self._texts("config.empty_shift")))
        self._check_name(node, "otherwise", path, self._known("contacts"), "rules.check.no_contact")
        if value is None:
            return None
        return RotaSettings(
            id=key,
            name=value["name"],
            shifts=tuple(_shift(one) for one in value["shifts"]),
            otherwise=tuple(value["otherwise"]),
        )

    def holidays(self) -> dict[date, str]:
        """Read the holidays: ``2026-12-25: Natal``; a wrong one is told and left out."""
        node = self._node.get("holidays")
        if node is None or isinstance(node, Gap):
            return {}
        if not isinstance(node, LineDict):
            self._problems.append(problem_at(self._node, "holidays", "", self._texts("check.needs_mapping")))
            return {}
        found: dict[date, str] = {}
        for key, name in node.items():
            try:
                found[schemas.day(key)] = "" if name is None else str(name)
            except Wrong as err:
                self._problems.append(problem_at(node, key, "holidays", err.say(self._texts)))
        return found

    def _known(self, section: str) -> Json:
        # Without the section every name in it is wrong, which says more than silence.
        return self._node.get(section)


def _shift(value: dict[str, Any]) -> Shift:
    return Shift(
        after=value["after"],
        before=value["before"],
        contacts=tuple(value["contact"]),
        teams=tuple(value["team"]),
        weekday=tuple(value["weekday"]),
        holiday=value.get("holiday"),
        dates=tuple(value["dates"]),
    )
