"""The plugins and the health of every part, for whoever keeps the hub running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ..core.contracts import Kind
from ..core.settings import CameraSettings
from ..core.types import Health, Struct
from .camera_states import ROLES
from .parts import parts_of, visitor_of
from .ports import PluginPort, PluginsPort
from .wording import Wording

TONES = {"starting": "warning", "ok": "good", "degraded": "warning", "lost": "bad", "off": "off"}


class PartView(Struct):
    """Hold the health of one part in words."""

    name: str
    state: str
    tone: str
    since: str
    reason: str
    figures: tuple[tuple[str, str], ...] = ()


class OfferView(Struct):
    """Hold one thing that a plugin brings, in words."""

    group: str
    name: str
    summary: str


class PluginView(Struct):
    """Hold one plugin in words. ``event_kinds`` are counted: some bring eighty."""

    name: str
    source: str
    state: str
    tone: str
    reason: str
    offers: tuple[OfferView, ...]
    event_kinds: int


async def show_plugins(request: web.Request) -> web.StreamResponse:
    """List the plugins, those that are off first."""
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    known = _offered(parts.hub.plugins)
    plugins = sorted(parts.hub.plugins.plugins, key=lambda plugin: plugin.is_on and not plugin.reason)
    return parts.page(request, "plugins.html", {"plugins": [_plugin(one, known, wording) for one in plugins]})


async def show_health(request: web.Request) -> web.StreamResponse:
    """Show processes, disk, journal, outbox and every other part."""
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    processes = [part_view(health, wording) for health in parts.hub.media.processes()]
    names = {health.part for health in parts.hub.media.processes()}
    cameras = parts.hub.settings.cameras
    others = [part_view(health, wording, cameras) for health in parts.hub.health.all() if health.part not in names]
    values: Mapping[str, Any] = {
        "processes": processes,
        "parts": sorted(others, key=lambda part: (part.tone == "good", part.name)),
        "waiting": len(await parts.hub.outbox.find(state="waiting", limit=1000)),
        "problems": parts.hub.problems,
    }
    return parts.page(request, "health.html", values)


def _offered(plugins: PluginsPort) -> Mapping[str, Mapping[str, Kind[Any]]]:
    return {
        "cameras": plugins.cameras,
        "detectors": plugins.detectors,
        "stores": plugins.stores,
        "notifiers": plugins.notifiers,
        "triggers": plugins.triggers,
        "conditions": plugins.conditions,
        "actions": plugins.actions,
    }


def _plugin(plugin: PluginPort, known: Mapping[str, Mapping[str, Kind[Any]]], wording: Wording) -> PluginView:
    state, tone = ("on", "good") if plugin.is_on else ("off", "off" if plugin.is_disabled else "bad")
    if plugin.is_on and plugin.reason:
        state, tone = "partly", "warning"
    named = [offer.partition(".") for offer in plugin.offers]
    offers = []
    for group, _, name in named:
        key, kind = f"web.offer.{group}", known.get(group, {}).get(name)
        if group == "event_kinds":
            continue
        summary = (kind.summary if wording.language == "id" else kind.summary_en) if kind else ""
        word = wording.texts(key) if wording.texts.has(key) else group
        offers.append(OfferView(group=word, name=name, summary=summary))
    return PluginView(
        name=plugin.name,
        source=wording.texts("web.plugins.built_in") if plugin.source == "siaga" else plugin.source,
        state=wording.texts(f"web.plugins.{state}"),
        tone=tone,
        reason=plugin.reason,
        offers=tuple(offers),
        event_kinds=sum(group == "event_kinds" for group, _, _ in named),
    )


def part_view(health: Health, wording: Wording, cameras: Mapping[str, CameraSettings] | None = None) -> PartView:
    """Say how one part is."""
    return PartView(
        name=_name(health.part, wording, cameras or {}),
        state=wording.texts(f"web.health.{health.state}"),
        tone=TONES[health.state],
        since=wording.moment(health.since),
        reason=health.reason,
        figures=tuple(_figure(name, value, wording) for name, value in sorted(health.figures.items())),
    )


def _name(part: str, wording: Wording, cameras: Mapping[str, CameraSettings]) -> str:
    """Say a camera's part by the camera's own name, the hub's parts by words; a stranger's as it calls itself."""
    word, _, rest = part.partition(" ")
    camera, _, role = rest.partition(" ")
    if word == "camera" and camera in cameras:
        stream = wording.texts(f"web.stream.{role}") if role in ROLES else role
        return " · ".join(said for said in (cameras[camera].name, stream) if said)
    if part.startswith("eye-"):
        return wording.texts("web.part.eye", number=part.removeprefix("eye-"))
    key = f"web.part.{word}"
    return " ".join((wording.texts(key), rest)).strip() if wording.texts.has(key) else part


def _figure(name: str, value: float, wording: Wording) -> tuple[str, str]:
    key = f"web.figure.{name}"
    label = wording.texts(key) if wording.texts.has(key) else name
    if name.endswith("_bytes"):
        return label, wording.size(value)
    if name.endswith("_s"):
        return label, wording.duration(value) if value >= 60 else f"{wording.number(value)} s"
    # A process number is a name, not an amount: no thousands sign.
    return label, str(int(value)) if name == "pid" else wording.number(value)
