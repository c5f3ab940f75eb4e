"""The plugins and the health of every part, for whoever keeps the hub running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from ..core.contracts import Kind
from ..core.hosting.keeper import HostState
from ..core.types import Health, Struct
from .pages_cameras import states_of
from .parts import parts_of, visitor_of
from .ports import PluginPort, PluginsPort
from .wording import Wording

_FIGURES = ("rss_bytes", "cpu_s", "restarts", "dropped_pictures", "dropped_facts", "pid")
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

    name: str
    summary: str


class PluginView(Struct):
    """Hold one plugin in words. ``event_kinds`` are counted: some bring eighty."""

    name: str
    source: str
    state: str
    tone: str
    reason: str
    title: str
    groups: tuple[tuple[str, tuple[OfferView, ...]], ...]
    event_kinds: int
    process: str = ""
    may_release: bool = False


async def show_plugins(request: web.Request) -> web.StreamResponse:
    """List the plugins, those that are off first."""
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    known = _offered(parts.hub.plugins)
    hosts = {host.plugin: host for host in parts.hub.desk.hosts.states}
    account = visitor_of(request).account
    plugins = [_plugin(one, known, hosts.get(one.name), wording) for one in parts.hub.plugins.plugins]
    values = {
        "plugins": sorted(plugins, key=lambda plugin: plugin.tone == "good"),
        "may_release": account is not None and account.may_change_rules,
    }
    return parts.page(request, "plugins.html", values)


async def release_plugin(request: web.Request) -> web.StreamResponse:
    """Let a plugin that rests try again now, for those who may change rules."""
    parts, account = parts_of(request), visitor_of(request).account
    plugin = str((await request.post()).get("plugin", ""))[:100]
    if account is None or not account.may_change_rules:
        await parts.note(request, "plugin.release_refused", plugin)
        raise web.HTTPForbidden()
    if parts.hub.desk.hosts.release(plugin):
        await parts.note(request, "plugin.release", plugin)
    raise web.HTTPSeeOther("/plugins")


async def show_health(request: web.Request) -> web.StreamResponse:
    """Show processes, disk, journal, outbox and every other part."""
    parts = parts_of(request)
    wording = parts.wording(visitor_of(request))
    processes = [part_view(health, wording) for health in parts.hub.media.processes()]
    away = {health.part for health in parts.hub.media.processes()}
    others = [
        part_view(health, wording)
        for health in parts.hub.health.all()
        # A camera stands as one, with its streams, not as three parts.
        if health.part not in away and not health.part.startswith("camera ")
    ]
    values: Mapping[str, Any] = {
        "processes": processes,
        "cameras": states_of(request).all(),
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
        "links": plugins.links,
        "triggers": plugins.triggers,
        "conditions": plugins.conditions,
        "actions": plugins.actions,
    }


def _plugin(
    plugin: PluginPort, known: Mapping[str, Mapping[str, Kind[Any]]], host: HostState | None, wording: Wording
) -> PluginView:
    state, tone = ("on", "good") if plugin.is_on else ("off", "off" if plugin.is_disabled else "bad")
    if plugin.is_on and plugin.reason:
        state, tone = "partly", "warning"
    groups: dict[str, list[OfferView]] = {}
    for offer in plugin.offers:
        group, _, name = offer.partition(".")
        kind = known.get(group, {}).get(name)
        summary = (kind.summary if wording.language == "id" else kind.summary_en) if kind else ""
        groups.setdefault(group, []).append(OfferView(name=name, summary=summary))
    event_kinds = groups.pop("event_kinds", [])
    view = PluginView(
        name=plugin.name,
        title=_title(plugin.name, wording),
        source=wording.texts("web.plugins.built_in") if plugin.source == "siaga" else plugin.source,
        state=wording.texts(f"web.plugins.{state}"),
        tone=tone,
        reason=plugin.reason,
        groups=tuple((_said(f"web.offer.{group}", group, wording), tuple(offers)) for group, offers in groups.items()),
        event_kinds=len(event_kinds),
    )
    return _hosted(view, host, wording) if host is not None else view


def _hosted(plugin: PluginView, host: HostState, wording: Wording) -> PluginView:
    """Add how a plugin's own process is."""
    texts, rests = wording.texts, host.rests_until
    words = texts(f"web.plugins.process.{host.state}", time=wording.time(rests) if rests else "", count=host.restarts)
    if host.state == "ok" and not host.restarts:
        return msgspec.structs.replace(plugin, process=words)
    return msgspec.structs.replace(
        plugin,
        process=words,
        reason=host.reason,
        may_release=rests is not None,
        tone="bad" if rests else plugin.tone if host.state == "ok" else "warning",
        state=texts("web.plugins.rests") if rests else plugin.state,
    )


def _title(name: str, wording: Wording) -> str:
    """Name a built-in plugin by words; a stranger's by its own name."""
    return _said(f"web.plugin.{name}", name, wording)


def _said(key: str, otherwise: str, wording: Wording) -> str:
    return wording.texts(key) if wording.texts.has(key) else otherwise


def part_view(health: Health, wording: Wording) -> PartView:
    """Say how one part is."""
    return PartView(
        name=_name(health.part, wording),
        state=wording.texts(f"web.health.{health.state}"),
        tone=TONES[health.state],
        since=wording.moment(health.since),
        reason=health.reason,
        figures=tuple(_figure(name, health.figures[name], wording) for name in sorted(health.figures, key=_place)),
    )


def _name(part: str, wording: Wording) -> str:
    """Say the hub's parts by words; a stranger's as it calls itself."""
    word, _, rest = part.partition(" ")
    if part.startswith("eye-"):
        return wording.texts("web.part.eye", number=part.removeprefix("eye-"))
    key = f"web.part.{word}"
    return " ".join((wording.texts(key), rest)).strip() if wording.texts.has(key) else part


def _place(figure: str) -> tuple[int, str]:
    return (_FIGURES.index(figure) if figure in _FIGURES else len(_FIGURES), figure)


def _figure(name: str, value: float, wording: Wording) -> tuple[str, str]:
    key = f"web.figure.{name}"
    label = wording.texts(key) if wording.texts.has(key) else name
    if name.endswith("_bytes"):
        return label, wording.size(value)
    if name.endswith("_s"):
        return label, wording.duration(value) if value >= 60 else wording.texts(
            "web.unit.s", value=wording.number(value)
        )
    # A process number is a name, not an amount: no thousands sign.
    return label, str(int(value)) if name == "pid" else wording.number(value)
