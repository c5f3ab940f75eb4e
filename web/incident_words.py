"""What an incident means to the person who answers it: where, since when, how it stands, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..core.alerts.report import ReportLine
from ..core.alerts.tellings import Told
from ..core.settings import Settings
from ..core.types import Incident, Struct
from .discretion import masked_person
from .wording import Wording

_TONES = {"open": "bad", "acknowledged": "warning", "closed": "good"}
_LINE_TONES = {
    "opened": "bad",
    "failed": "bad",
    "unanswered": "bad",
    "escalated": "warning",
    "held": "warning",
    "dropped": "off",
    "summed": "off",
    "told": "off",
    "delivered": "off",
    "read": "off",
    "acknowledged": "good",
    "closed": "good",
}
_TOLD_TONES = {"failed": "bad", "expired": "bad", "delivered": "good", "read": "good", "sent": "good"}
# What asks somebody to come; the rest only tells them more.
_CALLS = ("alert", "escalation")


class IncidentCard(Struct):
    """Hold an incident as a page shows it. ``said`` tells who answered or closed it, ``version`` changes with it."""

    id: str
    title: str
    where: str
    camera: str
    state: str
    state_word: str
    tone: str
    since: str
    iso: str
    said: str
    note: str
    count: str
    picture: str
    url: str
    is_high: bool
    version: str


class LineView(Struct):
    """Hold one thing that happened to an incident, in words."""

    time: str
    what: str
    who: str
    way: str
    tone: str
    text: str
    why: str


class ToldView(Struct):
    """Hold one person who was called, and how far the message got."""

    who: str
    way: str
    state: str
    tone: str
    time: str
    why: str
    has_answered: bool
    version: str


class IncidentWords:
    """Say incidents in one language; to the discreet without people's numbers."""

    def __init__(self, wording: Wording, settings: Settings, *, is_discreet: bool) -> None:
        self._wording = wording
        self._settings = settings
        self._is_discreet = is_discreet

    def card(self, incident: Incident) -> IncidentCard:
        """Return an incident as a page shows it."""
        texts, wording = self._wording.texts, self._wording
        many = incident.events > 1
        return IncidentCard(
            id=incident.id,
            title=incident.title.partition("\n")[0],
            where=self._where(incident),
            camera=incident.camera or "",
            state=incident.state,
            state_word=texts(f"web.incident.state.{incident.state}"),
            tone=_TONES[incident.state],
            since=texts("web.incident.since", time=wording.moment(incident.opened_at)),
            iso=incident.opened_at.isoformat(),
            said=self._said(incident),
            note=incident.note,
            count=texts("web.incident.count", count=incident.events, time=wording.moment(incident.last_at))
            if many
            else "",
            picture=f"/media/{incident.snapshot}" if incident.snapshot else "",
            url=f"/incidents/{incident.id}",
            is_high=incident.priority == "high",
            version=f"{incident.id}:{incident.state}:{incident.events}:{incident.snapshot or ''}",
        )

    def lines(self, lines: Sequence[ReportLine]) -> list[LineView]:
        """Return the report in words; a text that many were sent stands at the first of them alone."""
        seen: set[str] = set()
        views = []
        for line in lines:
            is_message = line.what == "told"
            text = line.text if is_message and line.text not in seen else ""
            seen.add(text)
            views.append(
                LineView(
                    time=self._wording.exact_time(line.at),
                    what=self._what(line),
                    who=self.person(line.who),
                    way=self._way(line),
                    tone=_LINE_TONES[line.what],
                    text=text,
                    why="" if line.what == "acknowledged" else line.why,
                )
            )
        return views

    def told(self, told: Sequence[Told]) -> list[ToldView]:
        """Return who was called, the newest word of each, in the order in which they were called."""
        newest = {(one.notifier, one.to): one for one in told if one.what in _CALLS}
        return [
            ToldView(
                who=self.person(one.name),
                way=one.notifier,
                state=self._wording.texts(f"web.told.{one.state}"),
                tone=_TOLD_TONES.get(one.state, "warning"),
                time=self._wording.moment(one.read_at or one.delivered_at or one.sent_at or one.due_at or one.at),
                why=one.reason if one.state not in _TOLD_TONES or _TOLD_TONES[one.state] == "bad" else "",
                has_answered=one.has_answered,
                version=f"{one.notice_id}:{one.state}:{one.has_answered}",
            )
            for one in newest.values()
        ]

    def person(self, name: str) -> str:
        """Name a person; a bare number is hidden from those who only look."""
        return masked_person(name) if self._is_discreet else name

    def _where(self, incident: Incident) -> str:
        camera = self._settings.cameras.get(incident.camera or "")
        if camera is None:
            return incident.camera or self._settings.site.name
        place = self._settings.places.get(camera.place or "")
        return " · ".join(part for part in (camera.name, incident.zone, place.name if place else "") if part)

    def _said(self, incident: Incident) -> str:
        if incident.state == "closed":
            return self._by("web.incident.closed_by", incident.closed_by, incident.closed_at)
        if incident.state == "acknowledged":
            return self._by("web.incident.taken_by", incident.acknowledged_by, incident.acknowledged_at)
        return ""

    def _by(self, key: str, who: str, at: datetime | None) -> str:
        time = self._wording.moment(at) if at else ""
        return self._wording.texts(key, who=self.person(who), time=time)

    def _what(self, line: ReportLine) -> str:
        texts = self._wording.texts
        key = f"web.line.{line.what}.{line.message}"
        return texts(key) if texts.has(key) else texts(f"web.line.{line.what}")

    def _way(self, line: ReportLine) -> str:
        if line.what == "acknowledged" and line.why:
            return line.why
        return line.notifier
