"""Incidents as JSON under ``/api/v1/incidents``: to read them, to acknowledge and to close them."""

from __future__ import annotations

from aiohttp import web

from ..core.errors import ActionFailed
from ..core.types import Json
from .api import answer
from .pages_incidents import change, events_of, incident_words, known_incident
from .parts import parts_of, visitor_of
from .sessions import csrf_of

STATES = ("open", "acknowledged", "closed")
MOST_INCIDENTS = 200


async def list_incidents(request: web.Request) -> web.StreamResponse:
    """Answer with incidents, newest first; ``before`` is the id to go on from. ``csrf`` is what a POST must send."""
    state, limit = request.query.get("state"), request.query.get("limit", "50")
    if (state and state not in STATES) or not (limit.isascii() and limit.isdigit() and len(limit) < 9):
        raise web.HTTPBadRequest()
    words = incident_words(request)
    found = await parts_of(request).hub.alerts.incidents(
        state or None, max(1, min(int(limit), MOST_INCIDENTS)), request.query.get("before") or None
    )
    told = [{"incident": incident, "words": words.card(incident)} for incident in found]
    return answer(request, {"incidents": told, "csrf": csrf_of(visitor_of(request).token)})


async def show_incident(request: web.Request) -> web.StreamResponse:
    """Answer with one incident, its events, who was told, and what happened in the order of time."""
    incident = await known_incident(request)
    alerts = parts_of(request).hub.alerts
    report = await alerts.report(incident.id) or {}
    content: dict[str, Json] = {
        "incident": incident,
        "words": incident_words(request).card(incident),
        "events": await events_of(request, incident),
        "told": list(await alerts.told(incident.id)),
        "lines": report.get("lines", []),
    }
    return answer(request, content)


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """Acknowledge; 409 with the reason where somebody was faster or it is closed."""
    return await _changed(request, "acknowledge", "")


async def close(request: web.Request) -> web.StreamResponse:
    """Close, with ``{"note": ...}`` if there is one; 409 where it is closed already."""
    note = ""
    if request.can_read_body and request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError as err:
            raise web.HTTPBadRequest() from err
        note = str(body.get("note", "")) if isinstance(body, dict) else ""
    return await _changed(request, "close", note)


async def _changed(request: web.Request, what: str, note: str) -> web.StreamResponse:
    try:
        changed = await change(request, what, note, "api")
    except ActionFailed as err:
        refused = answer(request, {"error": str(err), "incident": await known_incident(request)})
        refused.set_status(409)
        return refused
    return answer(request, {"incident": changed})
