"""What an event means to the person who watches: a title, how bad it is, and its facts with units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from ..core.contracts import EventKind
from ..core.settings import Settings
from ..core.types import Event, Json, Struct
from .discretion import is_address, is_person, masked, masked_person
from .wording import Wording

Severity = Literal["danger", "warning", "info"]

# What the hub tells about itself in passing: in the journal, not on the first page.
_PASSING = (
    *("hub.", "clip.done", "motion.", "eye.", "recorder.", "camera.online", "zone.leave"),
    *("rule.timer", "rule.state", "mqtt.message", "webhook.call", "link.online"),
    *("ptz.taken", "ptz.released", "ptz.arrived"),
    # They stand above as incidents.
    *("incident.opened", "incident.acknowledged", "incident.closed"),
)
# Steps of a value that the camera's card shows all the time.
_MEASURED = ("flood.level", "crowd.count")
# What does not stand on the first page, as the journal's search takes it.
UNIMPORTANT = (*_PASSING, *_MEASURED)
_DANGER = ("fire.", "fight.", "flood.rising")
_WARNING = (
    "camera.auth_failed",
    "camera.offline",
    "camera.tampered",
    "clip.failed",
    "crowd.high",
    "detector.",
    "disk.low",
    "incident.unanswered",
    "link.offline",
    "notice.failed",
    "plugin.",
    "rule.off",
)
_UNITS = (("_cm_h", "web.unit.cm_h"), ("_cm", "web.unit.cm"))
_MOST_CM_H = 1000
_SECONDS = {"seconds", "before", "after", "delay", "interval"}
# Their title names the zone already.
_ZONE_KINDS = {"zone.enter", "zone.leave"}
# Numbers that only a program needs; the API has them.
_UNSAID = {"track", "box", "clip", "notice"}


class EventCard(Struct):
    """Hold an event as a page shows it; every text is in the reader's language."""

    id: str
    kind: str
    title: str
    value: str
    note: str
    where: str
    camera: str
    at: datetime
    time: str
    iso: str
    severity: Severity
    severity_word: str
    picture: str
    url: str
    thing: str


class Fact(Struct):
    """Hold one value of an event's data, in words."""

    label: str
    value: str


def severity_of(event: Event) -> Severity:
    """Say how bad an event is by itself; a flood stage counts downwards, 1 is the worst."""
    if event.kind == "flood.stage":
        stage = stage_of(event.data)
        return "info" if stage is None or stage >= 4 else "warning" if stage == 3 else "danger"
    if event.kind.startswith(_DANGER):
        return "danger"
    return "warning" if event.kind.startswith(_WARNING) else "info"


def is_important(event: Event) -> bool:
    """Say whether an event belongs on the first page."""
    return not event.kind.startswith(UNIMPORTANT)


def stage_of(values: Mapping[str, Json]) -> int | None:
    """Return the flood stage that a ``flood.stage`` or ``flood.level`` tells."""
    stage = values.get("to", values.get("stage"))
    return stage if isinstance(stage, int) and not isinstance(stage, bool) else None


class EventWords:
    """Say events in one language; to the discreet without people's numbers."""

    def __init__(
        self, wording: Wording, settings: Settings, kinds: Mapping[str, EventKind], *, is_discreet: bool = False
    ) -> None:
        self._wording = wording
        self._settings = settings
        self._kinds = kinds
        self._is_discreet = is_discreet

    def card(self, event: Event) -> EventCard:
        """Return an event as a page shows it."""
        severity = severity_of(event)
        return EventCard(
            id=event.id,
            kind=event.kind,
            title=self.title(event),
            value=self.value(event.data),
            note=str(event.data.get("reason") or event.data.get("text") or "")[:300],
            where=self.where(event),
            camera=event.camera or "",
            at=event.at,
            time=self._wording.moment(event.at),
            iso=event.at.isoformat(),
            severity=severity,
            severity_word=self._wording.texts(f"web.severity.{severity}"),
            picture=f"/media/{event.snapshot}" if event.snapshot else "",
            url=f"/events/{event.id}",
            # One thing that is seen and then enters a zone is one row on the first page.
            thing=f"{event.camera} {event.data['track']}" if "track" in event.data else "",
        )

    def title(self, event: Event) -> str:
        """Say what happened, short."""
        texts = self._wording.texts
        if event.kind == "flood.stage":
            stage = stage_of(event.data)
            return texts("web.event.flood_unknown") if stage is None else texts("web.event.flood_stage", stage=stage)
        if event.kind in _ZONE_KINDS and event.data.get("label"):
            key = "web.event.zone_enter" if event.kind == "zone.enter" else "web.event.zone_leave"
            label = self.label(str(event.data["label"]))
            return texts(key, label=label[:1].upper() + label[1:], zone=event.zone or "")
        return self.title_of(event.kind)

    def title_of(self, kind: str) -> str:
        """Say what a kind of event means, with the thing that its name carries."""
        if kind.startswith("object."):
            return self._wording.texts("web.event.object", label=self.label(kind.removeprefix("object.")))
        return self.kind(kind)

    def kind(self, kind: str) -> str:
        """Name a kind of event; a stranger's kind by its plugin's own words."""
        key = f"web.kind.{kind}"
        if self._wording.texts.has(key):
            return self._wording.texts(key)
        documented = self._kinds.get(kind)
        return documented.summary if documented and documented.summary else kind

    def label(self, name: str) -> str:
        """Name what a detector recognises."""
        key = f"web.label.{name.replace(' ', '_')}"
        return self._wording.texts(key) if self._wording.texts.has(key) else name

    def where(self, event: Event) -> str:
        """Say camera, zone and place."""
        camera = self._settings.cameras.get(event.camera or "")
        if camera is None:
            return event.camera or self._settings.site.name
        place = self._settings.places.get(camera.place or "")
        zone = "" if event.kind in _ZONE_KINDS else event.zone
        return " · ".join(part for part in (camera.name, zone, place.name if place else "") if part)

    def value(self, values: Mapping[str, Json]) -> str:
        """Say the measured value that stands beside a title: a level, a count."""
        texts, parts = self._wording.texts, []
        level, stage, count = values.get("level_cm"), stage_of(values), values.get("count")
        if isinstance(level, int | float):
            parts.append(texts("web.unit.cm", value=self._wording.number(level, 0)))
        if stage is not None and "from" not in values:
            parts.append(texts("web.event.stage", stage=stage))
        if isinstance(count, int | float):
            parts.append(texts("web.event.count", count=self._wording.number(count, 0)))
        return " · ".join(parts)

    def facts(self, event: Event) -> tuple[Fact, ...]:
        """Return every value of an event's data with its name and unit."""
        documented = self._kinds[event.kind].fields if event.kind in self._kinds else {}
        values = {
            key: value
            for key, value in event.data.items()
            if key not in _UNSAID and value not in (None, "", [], {}) and (key != "stage" or "to" not in event.data)
        }
        facts = [Fact(label=self.field(key, documented), value=self.say(key, value)) for key, value in values.items()]
        if event.score is not None and "confidence" not in values:
            facts.append(Fact(label=self._wording.texts("web.field.score"), value=self.say("score", event.score)))
        return tuple(facts)

    def say(self, key: str, value: Json) -> str:
        """Say one value with its unit, which its name carries."""
        texts = self._wording.texts
        if value is None:
            return texts("web.value.none")
        if isinstance(value, bool):
            return texts("web.value.yes") if value else texts("web.value.no")
        if isinstance(value, int | float):
            return self._number(key, value)
        if isinstance(value, list | tuple):
            return ", ".join(self.say(key, item) for item in value)
        if isinstance(value, dict):
            return ", ".join(f"{self.field(name)}: {self.say(name, item)}" for name, item in value.items())
        return self._name(key, str(value))

    def _number(self, key: str, value: float) -> str:
        texts = self._wording.texts
        if key in {"stage", "from", "to"} and value in (1, 2, 3, 4):
            return texts("web.event.stage", stage=int(value))
        if key.endswith("_bytes"):
            return self._wording.size(value)
        if key in {"confidence", "score", "area"}:
            return f"{self._wording.number(value * 100, 0)} %"
        if key in _SECONDS or key.endswith("_s"):
            short = texts("web.unit.s", value=self._wording.number(value))
            return short if value < 120 else self._wording.duration(value)
        if key.endswith("_cm_h") and abs(value) > _MOST_CM_H:
            # A wall of water: an hour of it says nothing to anybody.
            return texts("web.unit.cm_min", value=self._wording.number(value / 60, 0))
        unit = next((text for end, text in _UNITS if key.endswith(end)), "")
        said = self._wording.number(value, 0 if key.endswith("_cm_h") else 1)
        return texts(unit, value=said) if unit else said

    def _name(self, key: str, value: str) -> str:
        """Say what has a name of its own by that name."""
        texts, settings = self._wording.texts, self._settings
        if self._is_discreet and is_address(key):
            return masked(value)
        if self._is_discreet and is_person(key):
            return masked_person(value)
        if key == "camera" and value in settings.cameras:
            return settings.cameras[value].name
        if key == "contact" and value in settings.contacts:
            return settings.contacts[value].name
        if key == "team" and value in settings.teams:
            return settings.teams[value].name
        if key == "rota" and value in settings.rotas:
            return settings.rotas[value].name
        if key == "kind":
            return self.title_of(value)
        if key == "label":
            return self.label(value)
        if key == "until":
            return self._wording.exact_time(datetime.fromisoformat(value))
        word = f"web.value.{key}.{value}"
        return texts(word) if texts.has(word) else value

    def field(self, key: str, documented: Mapping[str, str] | None = None) -> str:
        """Name one value."""
        text = f"web.field.{key}"
        if self._wording.texts.has(text):
            return self._wording.texts(text)
        return (documented or {}).get(key) or key.replace("_", " ")
