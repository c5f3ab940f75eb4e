"""Figures for Prometheus, and the one word that says the hub is alive."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ..core.types import Health
from .accounts import HashingBusy
from .camera_states import ROLES
from .parts import Parts, parts_of, visitor_of
from .ports import HubPort

# The supervisor's names for what it measures of a process; they have families of their own.
_OF_A_PROCESS = {"pid", "rss_bytes", "cpu_s", "restarts"}


class HubCollector:
    """Gather the figures at the moment they are asked for; ``notices`` were counted just before."""

    def __init__(self, hub: HubPort, *, notices: Mapping[str, int], pages: int, let_go: int = 0) -> None:
        self._hub = hub
        self._notices = notices
        self._pages = pages
        self._let_go = let_go

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._streams()
        yield from self._eyes()
        yield from self._processes()
        yield from self._parts()
        yield from self._queues()

    def _streams(self) -> Iterator[Metric]:
        labels = ["camera", "stream"]
        live = GaugeMetricFamily("siaga_stream_live", "1 while the stream delivers pictures", labels=labels)
        fps = GaugeMetricFamily("siaga_stream_fps", "Pictures a second", labels=labels)
        bits = GaugeMetricFamily("siaga_stream_bits_per_second", "Bits a second", labels=labels)
        ring = GaugeMetricFamily("siaga_stream_ring_seconds", "Seconds kept for the pre-roll", labels=labels)
        unkept = CounterMetricFamily(
            "siaga_stream_ring_dropped", "Packets that the pre-roll could not keep", labels=labels
        )
        again = CounterMetricFamily("siaga_stream_reconnects", "Times the stream was connected again", labels=labels)
        for camera in self._hub.settings.cameras:
            for role in ROLES:
                report = self._hub.media.stream(camera, role)
                if report is None:
                    continue
                live.add_metric([camera, role], float(report.condition == "live"))
                fps.add_metric([camera, role], report.fps)
                bits.add_metric([camera, role], report.bits_per_s)
                ring.add_metric([camera, role], report.ring_s)
                unkept.add_metric([camera, role], report.ring_dropped)
                again.add_metric([camera, role], report.reconnects)
        yield from (live, fps, bits, ring, unkept, again)

    def _eyes(self) -> Iterator[Metric]:
        labels = ["camera"]
        awake = GaugeMetricFamily("siaga_eye_awake", "1 while every picture is decoded", labels=labels)
        decoded = CounterMetricFamily("siaga_eye_decoded", "Pictures decoded", labels=labels)
        gate = GaugeMetricFamily(
            "siaga_eye_size_gate", "1 where packet sizes are trusted to wake a scene", labels=labels
        )
        skipped = CounterMetricFamily("siaga_eye_skipped", "Pictures passed over for newer ones", labels=labels)
        errors = CounterMetricFamily("siaga_eye_decode_errors", "Pictures that could not be decoded", labels=labels)
        looks = CounterMetricFamily("siaga_eye_looks", "Looks of a detector", labels=["camera", "detector"])
        off = GaugeMetricFamily("siaga_eye_detectors_off", "Detectors switched off by their faults", labels=labels)
        for camera in self._hub.settings.cameras:
            report = self._hub.media.eye_report(camera)
            if report is None:
                continue
            awake.add_metric([camera], float(report.mode == "awake"))
            decoded.add_metric([camera], report.decoded)
            gate.add_metric([camera], float(report.size_gate == "trusted"))
            skipped.add_metric([camera], report.skipped)
            errors.add_metric([camera], report.decode_errors)
            off.add_metric([camera], len(report.detectors_off))
            for detector, count in report.looks.items():
                looks.add_metric([camera, detector], count)
        yield from (awake, gate, decoded, skipped, errors, looks, off)

    def _processes(self) -> Iterator[Metric]:
        labels = ["process"]
        memory = GaugeMetricFamily("siaga_process_resident_bytes", "Memory in use", labels=labels)
        cpu = CounterMetricFamily("siaga_process_cpu_seconds", "Processor time since it began", labels=labels)
        starts = CounterMetricFamily("siaga_process_restarts", "Times it was replaced", labels=labels)
        memory.add_metric(["hub"], _rss_bytes())
        cpu.add_metric(["hub"], time.process_time())
        for process in self._hub.media.processes():
            memory.add_metric([process.part], process.figures.get("rss_bytes", 0.0))
            cpu.add_metric([process.part], process.figures.get("cpu_s", 0.0))
            starts.add_metric([process.part], process.figures.get("restarts", 0.0))
        yield from (memory, cpu, starts)

    def _parts(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("siaga_part_up", "1 while a part is well", labels=["part"])
        figures = GaugeMetricFamily("siaga_part_figure", "What a part measures about itself", labels=["part", "figure"])
        known: dict[str, Health] = {health.part: health for health in self._hub.health.all()}
        known.update({health.part: health for health in self._hub.media.processes()})
        for part, health in known.items():
            up.add_metric([part], float(health.state == "ok"))
            for name in sorted(set(health.figures) - _OF_A_PROCESS):
                figures.add_metric([part, name], health.figures[name])
        yield from (up, figures)

    def _queues(self) -> Iterator[Metric]:
        dropped = CounterMetricFamily("siaga_bus_dropped", "Messages that a slow reader lost", labels=["reader"])
        for reader, count in self._hub.bus.dropped().items():
            dropped.add_metric([reader], count)
        notices = GaugeMetricFamily("siaga_notices", "Notices in each state", labels=["state"])
        for state, count in self._notices.items():
            notices.add_metric([state], count)
        unknown = CounterMetricFamily("siaga_receipts_unknown", "Receipts that belong to no notice of ours")
        unknown.add_metric([], self._hub.outbox.unknown_receipts)
        journal = GaugeMetricFamily("siaga_journal_under_way", "Jobs and reads that somebody waits for")
        journal.add_metric([], self._hub.journal.under_way)
        pages = GaugeMetricFamily("siaga_open_pages", "Pages that follow the live stream")
        pages.add_metric([], self._pages)
        let_go = CounterMetricFamily("siaga_pages_let_go", "Pages that were too slow and were closed")
        let_go.add_metric([], self._let_go)
        yield from (dropped, notices, unknown, journal, pages, let_go)


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


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
    notices = await parts.hub.outbox.counts()
    registry.register(HubCollector(parts.hub, notices=notices, pages=parts.open_pages, let_go=parts.pages_let_go))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _may_scrape(request: web.Request, parts: Parts) -> bool:
    header = request.headers.get("Authorization", "")
    login, address = _basic(header), request.remote or ""
    if login is None:
        return False
    # Before the password is checked: one that is changed meanwhile is not believed.
    mark = await parts.accounts.mark(login[0])
    if mark and parts.basic_logins.is_believed(header, mark):
        return True
    if parts.throttle.wait_s(login[0], address):
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
    # A hash that was renewed just now has another mark: then the next call is checked once more.
    parts.basic_logins.believe(header, mark)
    return True


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 1000:
        return None
    try:
        name, found, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no Base64, no ASCII, no UTF-8
        return None
    return (name, password) if found else None
