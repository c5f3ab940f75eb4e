"""Figures for Prometheus, and the one word that says the hub is alive."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ..core.types import Health
from .accounts import HashingBusy
from .camera_states import ROLES
from .parts import Parts, parts_of, visitor_of
from .ports import HubPort


class HubCollector:
    """Gather the figures at the moment they are asked for."""

    def __init__(self, hub: HubPort, streams: int) -> None:
        self._hub = hub
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._cameras()
        yield from self._parts()
        pages = GaugeMetricFamily("siaga_open_pages", "Pages that follow the live stream")
        pages.add_metric([], self._streams)
        yield pages

    def _cameras(self) -> Iterator[Metric]:
        labels = ["camera", "stream"]
        live = GaugeMetricFamily("siaga_stream_live", "1 while the stream delivers pictures", labels=labels)
        fps = GaugeMetricFamily("siaga_stream_fps", "Pictures a second", labels=labels)
        bits = GaugeMetricFamily("siaga_stream_bits_per_second", "Bits a second", labels=labels)
        again = GaugeMetricFamily("siaga_stream_reconnects", "Times the stream was connected again", labels=labels)
        for camera in self._hub.settings.cameras:
            for role in ROLES:
                report = self._hub.media.stream(camera, role)
                if report is None:
                    continue
                live.add_metric([camera, role], float(report.condition == "live"))
                fps.add_metric([camera, role], report.fps)
                bits.add_metric([camera, role], report.bits_per_s)
                again.add_metric([camera, role], report.reconnects)
        yield from (live, fps, bits, again)

    def _parts(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("siaga_part_up", "1 while a part is well", labels=["part"])
        figures = GaugeMetricFamily("siaga_part_figure", "What a part measures about itself", labels=["part", "figure"])
        known: dict[str, Health] = {health.part: health for health in self._hub.health.all()}
        known.update({health.part: health for health in self._hub.media.processes()})
        for part, health in known.items():
            up.add_metric([part], float(health.state == "ok"))
            for name, value in health.figures.items():
                figures.add_metric([part, name], value)
        yield from (up, figures)


async def show_alive(request: web.Request) -> web.StreamResponse:
    """Say that the hub answers; no more, since anybody may ask."""
    return web.json_response({"ok": True})


async def show_metrics(request: web.Request) -> web.StreamResponse:
    """Answer Prometheus: with a session, or with an account by HTTP Basic (a viewer is enough)."""
    parts = parts_of(request)
    if visitor_of(request).session is None and not await _may_scrape(request, parts):
        headers = {"WWW-Authenticate": 'Basic realm="Siaga", charset="UTF-8"'}
        return web.json_response({"error": "login"}, status=401, headers=headers)
    # A registry of our own: the library's global one would show the process of whoever imported it.
    registry = CollectorRegistry()
    registry.register(HubCollector(parts.hub, parts.open_pages))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _may_scrape(request: web.Request, parts: Parts) -> bool:
    header = request.headers.get("Authorization", "")
    if parts.basic_logins.is_believed(header):
        return True
    login = _basic(header)
    address = request.remote or ""
    if login is None or parts.throttle.wait_s(login[0], address):
        return False
    parts.throttle.failed(login[0], address)
    try:
        account = await parts.accounts.check(*login)
    except HashingBusy:
        return False
    if account is None or account.must_change:
        await parts.note(request, "login.failed", login[0][:64], way="basic")
        return False
    parts.throttle.succeeded(login[0], address)
    parts.basic_logins.believe(header)
    return True


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 1000:
        return None
    try:
        name, found, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if found else None
