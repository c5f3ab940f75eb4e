"""The events, newest first, and one event with its picture, clip, notices and rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aiohttp import web

from ..core.types import Clip, Event, Struct, Trace
from .camera_states import camera_ids
from .discretion import is_discreet, masked
from .incident_words import IncidentCard, IncidentWords
from .pages_rules import trace_words
from .parts import parts_of, visitor_of
from .ports import NoticePort
from .trace_words import TraceView
from .wording import Wording

ON_A_PAGE = 30
# Groups that a reader looks for; the rest is under "all".
GROUPS = ("flood", "object", "zone", "crowd", "camera", "notice", "clip")
MOST_NOTICES = 50
# A clip that is not there by then was not recorded; a rule may ask for 10 minutes after its event.
STILL_RECORDING = timedelta(minutes=15)


class Filter(Struct):
    """Hold what the reader asked for; only what is known is taken over."""

    group: str = ""
    camera: str = ""
    day: str = ""
    before: int | None = None


class NoticeView(Struct):
    """Hold one notice in words."""

    who: str
    way: str
    state: str
    tone: str
    text: str
    time: str
    detail: str
    version: str


async def show_events(request: web.Request) -> web.StreamResponse:
    """List events, newest first, a page at a time."""
    parts, visitor = parts_of(request), visitor_of(request)
    wording, words = parts.wording(visitor), parts.words(visitor)
    asked = _filter(request, wording)
    since = wording.day_start(asked.day) if asked.day else None
    found = await parts.hub.events.find(
        kind=f"{asked.group}." if asked.group else None,
        camera=asked.camera or None,
        since=since,
        until=since + timedelta(days=1) if since else None,
        before_seq=asked.before,
        limit=ON_A_PAGE + 1,
    )
    shown = found[:ON_A_PAGE]
    here = request.rel_url.without_query_params("before")
    values = {
        "events": [words.card(item.event) for item in shown],
        "filter": asked,
        "groups": GROUPS,
        "cameras": [(camera, _name(request, camera)) for camera in camera_ids(parts.hub)],
        "newest": str(here) if asked.before else "",
        "older": str(here.update_query(before=str(shown[-1].seq))) if len(found) > ON_A_PAGE else "",
    }
    return parts.page(request, "events.html", values)


async def show_event(request: web.Request) -> web.StreamResponse:
    """Show one event: what was seen, what it led to, and who was told."""
    parts, visitor = parts_of(request), visitor_of(request)
    event = await parts.hub.events.get(request.match_info["event"])
    if event is None:
        raise web.HTTPNotFound()
    words = parts.words(visitor)
    traces = await parts.engine.traces_of_event(event.id)
    clips = await clips_of(request, event, traces)
    asked_of, asked = _asked(traces)
    missing = asked - {clip.id for clip in clips}
    removed = [clip for clip_id in sorted(missing) if (clip := await parts.hub.clips.get(clip_id)) is not None]
    notices = await parts.hub.outbox.find(event_id=event.id, limit=MOST_NOTICES)
    values = {
        "event": words.card(event),
        "incident": await _incident(request, event, notices),
        "facts": words.facts(event),
        "kind": words.title_of(event.kind),
        "traces": await _worded(request, traces),
        "clips": clips,
        # Clips that a run asked for and that are not in the index yet: they come by themselves.
        "recording": len(missing) - len(removed) if _is_fresh(request, event) else 0,
        # In the index, but their files went with the days that are kept.
        "removed": removed,
        "cameras": sorted({event.camera or "", *asked_of} - {""}),
        "notices": _told(request, notices),
        "names": {camera: _name(request, camera) for camera in camera_ids(parts.hub)},
    }
    return parts.page(request, "event.html", values)


async def clips_of(request: web.Request, event: Event, traces: Sequence[Trace]) -> list[Clip]:
    """Return the clips that the runs of an event asked for, then those of its camera that hold its moment."""
    index = parts_of(request).hub.clips
    asked = [clip for trace in traces for clip in await index.asked_by(f"{trace.run_id}:")]
    shown = await index.showing(event.camera, event.at) if event.camera else []
    # The event's own camera stands first: it saw what happened.
    first = sorted(asked, key=lambda clip: clip.camera != event.camera)
    return list({clip.id: clip for clip in [*first, *shown]}.values())


async def _incident(request: web.Request, event: Event, notices: Sequence[NoticePort]) -> IncidentCard | None:
    """Return the incident that an event is part of, by the messages about it or by its own word."""
    parts, visitor = parts_of(request), visitor_of(request)
    named = [record.notice.incident_id for record in notices if record.notice.incident_id]
    about = event.data.get("incident") if event.kind.startswith("incident.") else None
    incident_id = str(about) if about else named[0] if named else ""
    incident = await parts.hub.alerts.incident(incident_id) if incident_id else None
    words = IncidentWords(parts.wording(visitor), parts.hub.settings, is_discreet=is_discreet(visitor.account))
    return words.card(incident) if incident else None


async def _worded(request: web.Request, traces: Sequence[Trace]) -> list[TraceView]:
    said = trace_words(request)
    names = {rule.id: rule.alias or rule.id for rule in await parts_of(request).engine.rules()}
    return [said.trace(trace, names.get(trace.rule_id, trace.rule_id)) for trace in traces]


def _asked(traces: Sequence[Trace]) -> tuple[set[str], set[str]]:
    """Return the cameras and the ids of the clips that runs asked for, as their steps tell."""
    clips: dict[str, str] = {}
    for trace in traces:
        for step in trace.steps:
            made = step.values.get("clips")
            clips |= made if isinstance(made, dict) else {}
    return set(clips), set(clips.values())


def _is_fresh(request: web.Request, event: Event) -> bool:
    return parts_of(request).hub.clock.now() - event.at < STILL_RECORDING


def _told(request: web.Request, records: Sequence[NoticePort]) -> list[NoticeView]:
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    contacts = parts.hub.settings.contacts.values()
    names = {(way.notifier, way.to): contact.name for contact in contacts for way in contact.via}
    hides = is_discreet(visitor_of(request).account)
    told = []
    for record in records:
        notice, key, tone = record.notice, f"web.notice.{record.state}", _tone(record.state)
        told.append(
            NoticeView(
                who=names.get((notice.notifier, notice.to)) or (masked(notice.to) if hides else notice.to),
                way=notice.notifier,
                state=wording.texts(key) if wording.texts.has(key) else record.state,
                tone=tone,
                text=notice.text,
                time=wording.moment(record.updated_at),
                detail=record.last_error if tone != "good" else "",
                version=f"{notice.id}:{record.state}",
            )
        )
    return told


def _filter(request: web.Request, wording: Wording) -> Filter:
    query = request.query
    camera, day, before = query.get("camera", ""), query.get("day", ""), query.get("before", "")
    return Filter(
        group=query.get("group", "") if query.get("group", "") in GROUPS else "",
        camera=camera if camera in camera_ids(parts_of(request).hub) else "",
        day=day if _is_day(wording.day_start(day)) else "",
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


def _is_day(day: datetime | None) -> bool:
    # The year's ends have no day before or after them.
    return day is not None and 1970 < day.year < 9000


def _name(request: web.Request, camera: str) -> str:
    settings = parts_of(request).hub.settings.cameras.get(camera)
    return settings.name if settings else camera


def _tone(state: str) -> str:
    if state in {"accepted", "sent", "delivered", "read"}:
        return "good"
    return "bad" if state in {"failed", "expired"} else "warning"
