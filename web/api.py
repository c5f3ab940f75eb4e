"""The same reads as the pages, as JSON under ``/api/v1``, with the same session."""

from __future__ import annotations

import msgspec
from aiohttp import web

from ..core.types import Json
from .camera_states import ROLES, CameraView
from .discretion import is_discreet, without_numbers
from .pages_cameras import states_of
from .pages_events import MOST_NOTICES, clips_of
from .pages_rules import TRACES
from .parts import parts_of, visitor_of
from .ptz_panel import panel_now

MOST_EVENTS = 200


def answer(request: web.Request, content: Json) -> web.Response:
    """Return structs, lists and dicts of them as JSON; a viewer gets no whole number of a person."""
    if is_discreet(visitor_of(request).account):
        content = without_numbers(content)
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")


async def list_cameras(request: web.Request) -> web.StreamResponse:
    """Answer with every camera, its state, its streams and its newest readings."""
    return answer(request, {"cameras": [_camera(request, view) for view in states_of(request).all()]})


async def list_events(request: web.Request) -> web.StreamResponse:
    """Answer with events, newest first; ``before`` is the ``seq`` to go on from."""
    query = request.query
    before, limit = query.get("before", ""), query.get("limit", "50")
    if (before and not _is_number(before)) or not _is_number(limit):
        raise web.HTTPBadRequest()
    words = parts_of(request).words(visitor_of(request))
    found = await parts_of(request).hub.events.find(
        kind=query.get("kind") or None,
        camera=query.get("camera") or None,
        before_seq=int(before) if before else None,
        limit=max(1, min(int(limit), MOST_EVENTS)),
    )
    events = [{"seq": item.seq, "event": item.event, "words": words.card(item.event)} for item in found]
    return answer(request, {"events": events})


async def show_event(request: web.Request) -> web.StreamResponse:
    """Answer with one event, the runs it began, its clips and its notices."""
    parts = parts_of(request)
    event = await parts.hub.events.get(request.match_info["event"])
    if event is None:
        raise web.HTTPNotFound()
    traces = await parts.engine.traces_of_event(event.id)
    told = {
        "event": event,
        "words": parts.words(visitor_of(request)).card(event),
        "traces": list(traces),
        "clips": await clips_of(request, event, traces),
        "notices": list(await parts.hub.outbox.find(event_id=event.id, limit=MOST_NOTICES)),
    }
    return answer(request, told)


async def list_rules(request: web.Request) -> web.StreamResponse:
    """Answer with every rule and its state."""
    return answer(request, {"rules": list(await parts_of(request).engine.rules())})


async def show_rule(request: web.Request) -> web.StreamResponse:
    """Answer with one rule, its newest runs, and why it did not run."""
    engine, rule_id = parts_of(request).engine, request.match_info["rule"]
    rule = next((rule for rule in await engine.rules() if rule.id == rule_id), None)
    if rule is None:
        raise web.HTTPNotFound()
    traces, misses = await engine.traces(rule_id, TRACES), engine.near_misses(rule_id)
    return answer(request, {"rule": rule, "traces": list(traces), "near_misses": list(misses)})


async def show_health(request: web.Request) -> web.StreamResponse:
    """Answer with the health of every part."""
    hub = parts_of(request).hub
    problems = [str(problem) for problem in hub.problems]
    return answer(request, {"parts": hub.health.all(), "processes": list(hub.media.processes()), "problems": problems})


def _camera(request: web.Request, view: CameraView) -> Json:
    hub = parts_of(request).hub
    settings = hub.settings.cameras.get(view.id)
    reports = (hub.media.stream(view.id, role) for role in ROLES)
    return {
        "id": view.id,
        "name": view.name,
        "place": settings.place if settings else None,
        "state": view.state,
        "reason": view.reason,
        "streams": [report for report in reports if report is not None],
        "readings": [reading for (camera, _, _), reading in hub.readings.items() if camera == view.id],
        "ptz": panel_now(request, view.id),
        "words": view,
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
