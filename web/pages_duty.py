"""Who is on duty: each rota now and in the next 24 hours, the teams, and everybody who may be told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from ..core.settings import ContactSettings, RotaSettings
from ..core.types import Struct
from .discretion import is_discreet, masked
from .parts import parts_of, visitor_of

AHEAD = timedelta(hours=24)


class Watch(Struct):
    """Say who is on duty from one time to another; nobody where ``names`` is empty."""

    begin: str
    end: str
    names: tuple[str, ...]


class RotaView(Struct):
    """Hold a rota: who is on now, and what comes."""

    name: str
    now: Watch
    next: tuple[Watch, ...]


class ContactView(Struct):
    """Hold a person or post: how they are told, and when they are not disturbed."""

    name: str
    ways: tuple[str, ...]
    quiet: tuple[str, ...]
    teams: tuple[str, ...]


async def show_duty(request: web.Request) -> web.StreamResponse:
    """Show rotas, teams and contacts."""
    parts = parts_of(request)
    settings = parts.hub.settings
    values = {
        "rotas": [_rota(request, rota) for rota in settings.rotas.values()],
        "contacts": [_contact(request, contact) for contact in settings.contacts.values()],
        "teams": [(team.name, _names(request, team.members)) for team in settings.teams.values()],
    }
    return parts.page(request, "duty.html", values)


def _rota(request: web.Request, rota: RotaSettings) -> RotaView:
    parts = parts_of(request)
    wording, now = parts.wording(visitor_of(request)), parts.hub.clock.now()
    turns = _turns(rota, now, ZoneInfo(parts.hub.settings.site.timezone))
    on: list[tuple[datetime, tuple[str, ...]]] = []
    for at in (now, *turns):
        who = parts.hub.alerts.on_duty(rota.id, at)
        if not on or on[-1][1] != who:
            on.append((at, who))
    ends = [*(at for at, _ in on[1:]), None]
    watches = [
        Watch(begin=wording.time(at), end=wording.time(end) if end else "", names=_names(request, who))
        for (at, who), end in zip(on, ends, strict=True)
    ]
    return RotaView(name=rota.name, now=watches[0], next=tuple(watches[1:]))


def _turns(rota: RotaSettings, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return every time of the next 24 hours at which a shift may begin or end; midnight may bring a holiday."""
    today = now.astimezone(zone).date()
    times = {edge for shift in rota.shifts for edge in (shift.after, shift.before)}
    edges = {
        datetime.combine(today + timedelta(days=days), edge.replace(tzinfo=None), zone)
        for days in (0, 1)
        for edge in times
    }
    edges.add(datetime.combine(today + timedelta(days=1), datetime.min.time(), zone))
    return sorted(edge for edge in edges if now < edge <= now + AHEAD)


def _names(request: web.Request, contacts: Iterable[str]) -> tuple[str, ...]:
    known = parts_of(request).hub.settings.contacts
    return tuple(known[contact].name if contact in known else contact for contact in contacts)


def _contact(request: web.Request, contact: ContactSettings) -> ContactView:
    parts, visitor = parts_of(request), visitor_of(request)
    texts, hides = parts.wording(visitor).texts, is_discreet(visitor.account)
    quiet = [
        texts("web.duty.quiet", after=f"{hours.after:%H.%M}", before=f"{hours.before:%H.%M}")
        for hours in contact.quiet_hours
    ]
    return ContactView(
        name=contact.name,
        ways=tuple(f"{way.notifier} {masked(way.to) if hides else way.to}" for way in contact.via),
        quiet=tuple(quiet),
        teams=tuple(team.name for team in parts.hub.settings.teams.values() if contact.id in team.members),
    )
