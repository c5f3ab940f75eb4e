"""The actions on incidents: open one, say that somebody takes care of it, close it."""

from __future__ import annotations

from collections.abc import Iterable

import voluptuous as vol

from ..core.contracts import Kind
from ..core.errors import ActionFailed
from ..core.hookspecs import hookimpl
from ..core.rule_contracts import Action, Hub
from ..core.types import ActionCall, ActionResult, Alert, Incident, Json
from ..core.validators import optional_text, text
from .notify import incident_key, picture_of


class OpenIncident:
    """Open an incident, or count one more event of an open one; nobody is told."""

    targets: tuple[str, ...] = ()

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Open it under its key; ``response_variable`` holds its id."""
        data = call.data
        alert = Alert(
            key=call.key,
            text=data["title"],
            title=data["title"],
            priority=data["priority"],
            incident=_key(call, hub),
            image=picture_of(call),
            event=call.event,
            run_id=call.run_id,
            rule_id=call.rule_id,
            step=call.key.removeprefix(f"{call.run_id}:"),
        )
        return ActionResult(data=_shown(await hub.open_incident(alert)))


class AcknowledgeIncident:
    """Say for people that somebody takes care: a door that was closed again, a patrol that arrived."""

    targets: tuple[str, ...] = ()

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Acknowledge it; ActionFailed where it is answered already, or none is open."""
        who = call.data["by"] or hub.texts("alerts.a_rule", rule=call.rule_id)
        return ActionResult(data=_shown(await hub.acknowledge(_key(call, hub), who, "rule")))


class CloseIncident:
    """Close an incident when what it is about is over."""

    targets: tuple[str, ...] = ()

    async def run(self, call: ActionCall, hub: Hub) -> ActionResult:
        """Close it; ActionFailed where none is open."""
        who = call.data["by"] or hub.texts("alerts.a_rule", rule=call.rule_id)
        return ActionResult(data=_shown(await hub.close_incident(_key(call, hub), who, call.data["note"])))


def _key(call: ActionCall, hub: Hub) -> str:
    key = incident_key(call, has_escalation=True)
    if not key:
        raise ActionFailed(hub.texts("alerts.no_key", action=call.action))
    return key


def _shown(incident: Incident) -> dict[str, Json]:
    return {"incident": incident.id, "key": incident.key, "state": incident.state, "events": incident.events}


_KEY = vol.Optional("incident", description="rules.action.incident_key")
_BY = vol.Optional("by", default="", description="rules.action.incident_by")
INCIDENT_OPEN = vol.Schema(
    {
        vol.Required("title", description="rules.action.incident_title"): text,
        _KEY: text,
        vol.Optional("priority", default="normal", description="rules.action.priority"): vol.In(
            ["low", "normal", "high"]
        ),
        vol.Optional("snapshot", description="rules.action.snapshot"): vol.Any(None, str),
    }
)
INCIDENT_ACK = vol.Schema({_KEY: text, _BY: optional_text})
INCIDENT_CLOSE = vol.Schema(
    {
        _KEY: text,
        _BY: optional_text,
        vol.Optional("note", default="", description="rules.action.incident_note"): optional_text,
    }
)


@hookimpl
def offer_actions() -> Iterable[Kind[Action]]:
    """Offer the actions on incidents."""
    return (
        Kind("incident.open", INCIDENT_OPEN, OpenIncident, "Buka insiden", "Open an incident"),
        Kind("incident.ack", INCIDENT_ACK, AcknowledgeIncident, "Tanggapi insiden", "Acknowledge an incident"),
        Kind("incident.close", INCIDENT_CLOSE, CloseIncident, "Tutup insiden", "Close an incident"),
    )
