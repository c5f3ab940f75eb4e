"""What templates and conditions see of an event, its camera and the site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..core.clock import Clock
from ..core.rule_contracts import States
from ..core.settings import CameraSettings, ContactSettings, RotaSettings, Settings, TeamSettings
from ..core.types import Event, Json
from .templates import TemplateBox

# An event met within this time is not late: eyes, journal and a busy machine take some seconds.
ON_TIME_S = 5.0


class Named(dict[str, Any]):
    """A place or camera: its fields by name, and its name where it is written out."""

    def __str__(self) -> str:
        return str(self.get("name") or self.get("id") or "")


def site_view(settings: Settings) -> Named:
    """Show the site to templates, as ``site``: cameras, places, people by id, groups as lists of cameras' ids."""
    site, cameras = settings.site, settings.cameras.values()
    contacts, teams, rotas = settings.contacts, settings.teams, settings.rotas
    groups = dict.fromkeys(group for camera in cameras for group in camera.groups)
    return Named(
        id=site.id,
        name=site.name,
        kecamatan=site.kecamatan,
        kota=site.kota,
        contact=site.contact,
        cameras=Named({camera.id: camera_view(camera, settings) for camera in cameras}),
        people=Named({**_named(rotas), **_named(teams), **_named(contacts)}),
        groups=Named({group: [one.id for one in cameras if group in one.groups] for group in groups}),
        places=Named(
            {
                place.id: Named(
                    id=place.id,
                    name=place.name,
                    kind=place.kind,
                    cameras=[one.id for one in cameras if one.place == place.id],
                )
                for place in settings.places.values()
            }
        ),
    )


def _named(people: Mapping[str, ContactSettings | TeamSettings | RotaSettings]) -> dict[str, Named]:
    return {one.id: Named(id=one.id, name=one.name) for one in people.values()}


def camera_view(camera: CameraSettings, settings: Settings) -> Named:
    """Show a camera to templates, with its place."""
    place = settings.places.get(camera.place) if camera.place else None
    return Named(
        id=camera.id,
        name=camera.name,
        place=Named(id=place.id, name=place.name, kind=place.kind) if place else Named(id="", name="", kind=""),
        purpose=camera.purpose,
        groups=list(camera.groups),
    )


def event_view(event: Event, settings: Settings, zone: ZoneInfo) -> dict[str, Any]:
    """Show an event to templates: ``at`` in local time, the camera as an object."""
    camera: Named | None = None
    if event.camera is not None:
        known = settings.cameras.get(event.camera)
        camera = camera_view(known, settings) if known else Named(id=event.camera, name=event.camera)
    return {
        "id": event.id,
        "kind": event.kind,
        "camera": camera,
        "zone": event.zone,
        "at": event.at.astimezone(zone),
        "score": event.score,
        "data": event.data,
        "snapshot": event.snapshot,
    }


def late_s(event: Event, clock: Clock) -> float:
    """Return how long ago the event was, 0 when it is met in time."""
    passed = clock.now() - event.at
    return round(passed.total_seconds(), 1) if passed > timedelta(seconds=ON_TIME_S) else 0.0


def trigger_view(
    trigger_id: str, word: str, event: dict[str, Any], late: float, for_s: float | None = None
) -> dict[str, Any]:
    """Show what fired the rule to templates, as ``trigger``; ``for`` is how many seconds it had to stay so, or None."""
    return {"id": trigger_id, "platform": word, "event": event, "late_s": late, "for": for_s}


def hidden(value: Json, secrets: tuple[str, ...]) -> Json:
    """Return a value without what came by !secret: traces are read by many."""
    if not secrets:
        return value
    if isinstance(value, dict):
        return {key: hidden(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item, secrets) for item in value]
    for secret in secrets:
        value = value.replace(secret, "***") if isinstance(value, str) else value
    return value


class RunMoment:
    """Let conditions look at one run; it remembers which templates decided."""

    def __init__(
        self,
        box: TemplateBox,
        clock: Clock,
        settings: Settings,
        variables: Mapping[str, Any],
        *,
        states: States,
        event: Event,
        trigger_id: str,
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.states = states
        self.event = event
        self.trigger_id = trigger_id
        self._box = box
        self._variables = variables
        self._rendered: list[str] = []

    def render(self, template: str, more: Mapping[str, Any] = {}) -> Json:
        """Render with the run's variables and ``more``; TemplateFailed."""
        self._rendered.append(template)
        return self._box.render(template, {**self._variables, **more} if more else self._variables)

    def looked_at(self) -> dict[str, Json]:
        """Return the values that the templates since the last asking looked at."""
        values: dict[str, Json] = {}
        for template in self._rendered:
            values |= self._box.looked_at(template, self._variables)
        self._rendered.clear()
        return values
