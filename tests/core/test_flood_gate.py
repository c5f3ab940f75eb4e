"""A camera that tells without end: what is too much is dropped, that is told once, and other cameras do not notice."""

import asyncio
from datetime import datetime, timezone

import pytest
from hub_site import write_hub

from siaga.core.clock import ManualClock
from siaga.core.errors import PluginError
from siaga.core.flood_gate import BURST, PER_S, TELL_EVERY_S, FloodGate
from siaga.core.services import MOST_TASKS, PluginServices

NOON = datetime(2026, 11, 25, 5, tzinfo=timezone.utc)


def test_a_burst_passes_then_a_steady_rate():
    gate = FloodGate()
    assert [gate.lets(0.0) for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
    assert gate.dropped == 2
    assert [gate.lets(1.0) for _ in range(int(PER_S) + 1)] == [True] * int(PER_S) + [False]


def test_what_was_dropped_is_told_at_once_and_then_seldom():
    gate = FloodGate(burst=1, per_s=0.0)
    assert gate.lets(0.0) and gate.news(0.0) == 0
    gate.lets(1.0)
    assert gate.news(1.0) == 1
    gate.lets(2.0)
    assert gate.news(2.0) == 0
    assert gate.news(1.0 + TELL_EVERY_S) == 1


async def test_a_flood_of_one_camera_is_cut_and_told_and_the_event_of_another_is_kept(tmp_path):
    hub, _ = write_hub(tmp_path, "kali: {type: uji}, taman: {type: uji}", clock=ManualClock(NOON))
    await hub.open()
    try:
        flooding = PluginServices(hub.desk._lent, "camera kali", "kali")
        calm = PluginServices(hub.desk._lent, "camera taman", "taman")
        await asyncio.gather(*(flooding.emit("device.motion") for _ in range(200)), calm.emit("device.line"))
        kept = [(row.event.camera, row.event.kind) for row in await hub.events.after(0)]
        assert kept.count(("kali", "device.motion")) == BURST
        assert kept.count(("kali", "plugin.throttled")) == 1
        assert kept.count(("taman", "device.line")) == 1
        await hub.clock.advance(10)
        await flooding.emit("device.motion")
        assert len(await hub.events.after(0)) == len(kept) + 1, "when the flood is over the camera is heard again"
    finally:
        await hub.stop()


async def test_a_plugin_that_starts_tasks_without_end_is_refused_with_its_name(tmp_path):
    hub, _ = write_hub(tmp_path, "kali: {type: uji}", clock=ManualClock(NOON))
    await hub.open()
    try:
        services = PluginServices(hub.desk._lent, "camera kali", "kali")
        for number in range(MOST_TASKS):
            services.start(f"wait {number}", asyncio.Event().wait)
        with pytest.raises(PluginError, match=f"camera kali.*{MOST_TASKS}"):
            services.start("one more", asyncio.Event().wait)
    finally:
        await hub.stop()
