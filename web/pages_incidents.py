"""The incidents, those that wait first, and one incident: what was seen, who was told, and two buttons to answer it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from ..core.alerts.report import ReportLine
from ..core.errors import ActionFailed
from ..core.types import Clip, Event, Incident, Json
from .discretion import is_discreet
from .incident_words import IncidentCard, IncidentWords
from .pages_events import clips_of
from .parts import parts_of, visitor_of

ON_A_PAGE = 30
# More than this at once is a flood of its own: the newest stand on the page.
MOST_OPEN = 50
NEWEST_EVENTS = 20
# Each event looked at for its clips is some questions to the journal.
WITH_CLIPS = 5
MOST_CLIPS = 6
MOST_NOTE = 500
# Where a form may send its reader back to.
BACK = ("/", "/incidents")


def incident_words(request: web.Request) -> IncidentWords:
    """Return what says incidents in the visitor's language."""
    parts, visitor = parts_of(request), visitor_of(request)
    return IncidentWords(parts.wording(visitor), parts.hub.settings, is_discreet=is_discreet(visitor.account))


async def waiting(request: web.Request) -> list[IncidentCard]:
    """Return the incidents that are not closed: those that nobody answered first, then those under way."""
    alerts, words = parts_of(request).hub.alerts, incident_words(request)
    found = [one for state in ("open", "acknowledged") for one in await alerts.incidents(state, MOST_OPEN)]
    return [words.card(incident) for incident in found]


async def show_incidents(request: web.Request) -> web.StreamResponse:
    """List the incidents: open, under way, and those that are over, a page at a time."""
    parts, words = parts_of(request), incident_words(request)
    before = request.query.get("before") or None
    over = await parts.hub.alerts.incidents("closed", ON_A_PAGE + 1, before)
    values = {
        "waiting": [] if before else await waiting(request),
        "over": [words.card(incident) for incident in over[:ON_A_PAGE]],
        "newest": "/incidents" if before else "",
        "older": f"/incidents?before={over[ON_A_PAGE - 1].id}" if len(over) > ON_A_PAGE else "",
    }
    return parts.page(request, "incidents.html", values)


async def show_incident(request: web.Request) -> web.StreamResponse:
    """Show one incident."""
    return await _incident_page(request, await known_incident(request), "", 200)


async def acknowledge(request: web.Request) -> web.StreamResponse:
    """Say that the visitor takes care of it, then go back to where the button stood."""
    form = await request.post()
    return await _answered(request, "acknowledge", "", str(form.get("next", "")))


async def close(request: web.Request) -> web.StreamResponse:
    """Close it with a note."""
    form = await request.post()
    return await _answered(request, "close", str(form.get("note", "")), "")


async def known_incident(request: web.Request) -> Incident:
    """Return the incident of the address; 404 where there is none."""
    incident = await parts_of(request).hub.alerts.incident(request.match_info["incident"])
    if incident is None:
        raise web.HTTPNotFound()
    return incident


async def change(request: web.Request, what: str, note: str, via: str) -> Incident:
    """Acknowledge or close, and write it into the audit. ActionFailed where somebody was faster; 403 for a viewer."""
    parts, account = parts_of(request), visitor_of(request).account
    incident = await known_incident(request)
    if account is None or not account.may_act:
        await parts.note(request, "incident.refused", incident.id, action=what)
        raise web.HTTPForbidden()
    note = " ".join(note.split())[:MOST_NOTE]
    alerts = parts.hub.alerts
    if what == "acknowledge":
        changed = await alerts.acknowledge(incident.id, account.name, via)
    else:
        changed = await alerts.close(incident.id, account.name, note)
    detail: dict[str, Json] = {"title": incident.title[:200], "via": via, **({"note": note} if note else {})}
    await parts.note(request, f"incident.{what}", incident.id, **detail)
    return changed


async def events_of(request: web.Request, incident: Incident) -> list[Event]:
    """Return the newest events of an incident, as the journal has them."""
    events = list(await parts_of(request).hub.alerts.events(incident.id, NEWEST_EVENTS))
    return list({event.id: event for event in events}.values())


async def _answered(request: web.Request, what: str, note: str, back: str) -> web.StreamResponse:
    try:
        changed = await change(request, what, note, "web")
    except ActionFailed as err:
        # Two people press at the same time: the second reads who was first.
        return await _incident_page(request, await known_incident(request), str(err), 409)
    raise web.HTTPSeeOther(back if back in BACK else f"/incidents/{changed.id}")


async def _incident_page(request: web.Request, incident: Incident, said: str, status: int) -> web.StreamResponse:
    parts, words = parts_of(request), incident_words(request)
    alerts = parts.hub.alerts
    report = await alerts.report(incident.id) or {}
    events = await events_of(request, incident)
    event_words = parts.words(visitor_of(request))
    told = words.told(await alerts.told(incident.id))
    lines = msgspec.convert(report.get("lines", []), list[ReportLine])
    values = {
        "incident": words.card(incident),
        "said": said,
        "told": told,
        "lines": words.lines(lines),
        "lines_version": f"{len(lines)}:{lines[-1].at.isoformat() if lines else ''}:{incident.state}",
        "events": [event_words.card(event) for event in events],
        "clips": await _clips(request, events),
        "names": {camera: settings.name for camera, settings in parts.hub.settings.cameras.items()},
        "day": parts.wording(visitor_of(request)).date(incident.opened_at),
    }
    return parts.page(request, "incident.html", values, status=status)


async def _clips(request: web.Request, events: Sequence[Event]) -> list[Clip]:
    engine = parts_of(request).engine
    found: dict[str, Clip] = {}
    for event in events[:WITH_CLIPS]:
        traces = await engine.traces_of_event(event.id)
        found |= {clip.id: clip for clip in await clips_of(request, event, traces)}
    return list(found.values())[:MOST_CLIPS]
