"""The triggers ``camera``, ``incident`` and ``hub``: what the hub itself tells, in an operator's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from ..core.contracts import Kind
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Trigger
from ..core.texts import Texts
from ..core.types import Event
from ..core.validators import OneOrMany, duration, text
from .option_checks import AREA_KEYS

CAMERA_STATES = ("online", "offline", "auth_failed")
INCIDENT_CHANGES = ("opened", "acknowledged", "closed")


class ChangeTrigger:
    """Fire when a thing of the hub became one of some states, and hold it until it becomes another one."""

    is_lasting = False

    def __init__(self, room: str, states: Iterable[str], options: dict[str, Any], texts: Texts) -> None:
        kinds = {state: f"{room}.{state}" for state in states}
        wanted: list[str] = options.get("to", list(kinds))
        self.kinds: tuple[str, ...] = tuple(kinds[state] for state in wanted)
        self.breaking_kinds: tuple[str, ...] = tuple(kind for kind in kinds.values() if kind not in self.kinds)
        self.cameras: tuple[str, ...] = tuple(options.get("camera", ()))
        self.for_s: float = options.get("for", 0.0)
        self._texts = texts

    def miss(self, event: Event) -> str | None:
        """Return None when the event fires this trigger, else what does not fit."""
        if event.kind not in self.kinds:
            return self._wrong("to", event.kind.rpartition(".")[2], (kind.rpartition(".")[2] for kind in self.kinds))
        if self.cameras and event.camera not in self.cameras:
            return self._wrong("camera", event.camera, self.cameras)
        return None

    def breaks(self, began: Event, event: Event) -> bool:
        """Say whether the same thing became something else."""
        return event.kind in self.breaking_kinds and self.subject(began) == self.subject(event)

    def subject(self, event: Event) -> str:
        """Return which thing an event is about."""
        return event.camera or ""

    def _wrong(self, name: str, value: object, wanted: Iterable[str]) -> str:
        shown = "-" if value is None else value
        return self._texts("rules.miss.field", field=name, value=shown, wanted=", ".join(wanted))


class CameraTrigger(ChangeTrigger):
    """Fire when a camera goes or comes back; ``for`` counts while it stays so."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__("camera", CAMERA_STATES, options, texts)


class IncidentTrigger(ChangeTrigger):
    """Fire when an incident is opened, acknowledged or closed; with ``for``, when it stays so."""

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        super().__init__("incident", INCIDENT_CHANGES, options, texts)
        self._keys: list[str] = options.get("key", [])
        self._rules: list[str] = options.get("rule", [])

    def miss(self, event: Event) -> str | None:
        """Return None when the event fires this trigger, else what does not fit."""
        if (reason := super().miss(event)) is not None:
            return reason
        for name, wanted in (("key", self._keys), ("rule", self._rules)):
            value = event.data.get(name)
            if wanted and not any(_fits(pattern, value) for pattern in wanted):
                return self._wrong(name, value, wanted)
        return None

    def subject(self, event: Event) -> str:
        """Return which incident an event is about."""
        return str(event.data.get("incident"))


class HubTrigger:
    """Fire when Siaga has started."""

    cameras: tuple[str, ...] = ()

    def __init__(self, options: dict[str, Any], texts: Texts) -> None:
        self.kinds: tuple[str, ...] = (f"hub.{options['event']}",)
        self._texts = texts

    def miss(self, event: Event) -> str | None:
        """Return None when the event fires this trigger, else what does not fit."""
        if event.kind in self.kinds:
            return None
        return self._texts("rules.miss.field", field="event", value=event.kind, wanted=", ".join(self.kinds))


def _fits(pattern: str, value: object) -> bool:
    # Keys are often made of a word and the camera: banjir-*.
    text_of = str(value)
    return text_of.startswith(pattern[:-1]) if pattern.endswith("*") else text_of == pattern


CAMERA_TRIGGER = vol.Schema(
    {
        vol.Optional("camera", description="rules.trigger.camera"): OneOrMany(text, at_least=1),
        **AREA_KEYS,
        vol.Optional("to", description="rules.trigger.camera_to"): OneOrMany(vol.In(CAMERA_STATES), at_least=1),
        vol.Optional("for", description="rules.trigger.camera_for"): duration,
    }
)
INCIDENT_TRIGGER = vol.Schema(
    {
        vol.Optional("to", description="rules.trigger.incident_to"): OneOrMany(vol.In(INCIDENT_CHANGES), at_least=1),
        vol.Optional("key", description="rules.trigger.incident_key"): OneOrMany(text, at_least=1),
        vol.Optional("rule", description="rules.trigger.incident_rule"): OneOrMany(text, at_least=1),
        vol.Optional("camera", description="rules.trigger.incident_camera"): OneOrMany(text, at_least=1),
        **AREA_KEYS,
        vol.Optional("for", description="rules.trigger.incident_for"): duration,
    }
)
HUB_TRIGGER = vol.Schema({vol.Required("event", description="rules.trigger.hub_event"): vol.In(["start"])})


@hookimpl
def offer_triggers() -> Iterable[Kind[Trigger]]:
    """Offer the triggers of the hub's own parts."""
    camera = "Kamera putus, ditolak, atau tersambung lagi"
    incident = "Insiden dibuka, ditanggapi, atau ditutup"
    return (
        Kind("camera", CAMERA_TRIGGER, CameraTrigger, camera, "A camera goes or comes back"),
        Kind("incident", INCIDENT_TRIGGER, IncidentTrigger, incident, "An incident is opened, answered or closed"),
        Kind("hub", HUB_TRIGGER, HubTrigger, "Siaga mulai berjalan", "Siaga has started"),
    )
