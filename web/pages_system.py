"""The plugins and the health of every part, for whoever keeps the hub running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ..core.settings import CameraSettings
from ..core.types import Health, Struct
from .camera_states import ROLES
from .parts import parts_of, visitor_of
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


async def show_plugins(request: web.Request) -> web.StreamResponse:
    """List the plugins, those that are off first."""
    plugins = sorted(parts_of(request).hub.plugins.plugins, key=lambda plugin: plugin.is_on)
    return parts_of(request).page(request, "plugins.html", {"plugins": plugins})


async def show_health(request: web.Request) -> web.StreamResponse:
    """Show processes, disk, journal, outbox and every other part."""
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    processes = [part_view(health, wording) for health in parts.hub.media.processes()]
    names = {process.name for process in processes}
    cameras = parts.hub.settings.cameras
    others = [part_view(health, wording, cameras) for health in parts.hub.health.all() if health.part not in names]
    values: Mapping[str, Any] = {
        "processes": processes,
        "parts": sorted(others, key=lambda part: (part.tone == "good", part.name)),
        "waiting": len(await parts.hub.outbox.find(state="waiting", limit=1000)),
        "problems": parts.hub.problems,
    }
    return parts.page(request, "health.html", values)


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
    """Say a camera's part by the camera's own name; the hub's parts are called as in its log."""
    word, _, rest = part.partition(" ")
    camera, _, role = rest.partition(" ")
    if word != "camera" or camera not in cameras:
        return part
    stream = wording.texts(f"web.stream.{role}") if role in ROLES else role
    return " · ".join(said for said in (cameras[camera].name, stream) if said)


def _figure(name: str, value: float, wording: Wording) -> tuple[str, str]:
    key = f"web.figure.{name}"
    label = wording.texts(key) if wording.texts.has(key) else name
    if name.endswith("_bytes"):
        return label, wording.size(value)
    if name.endswith("_s"):
        return label, wording.duration(value) if value >= 60 else f"{wording.number(value)} s"
    # A process number is a name, not an amount: no thousands sign.
    return label, str(int(value)) if name == "pid" else wording.number(value)
