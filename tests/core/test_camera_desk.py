"""A camera that cannot start: shown as starting, told once with its reason, tried again, and back by itself."""

import asyncio
from datetime import datetime, timezone

import pytest
from hub_site import until, write_hub

from siaga.core.clock import ManualClock
from siaga.core.media.messages import StreamReport


@pytest.fixture
async def opened(tmp_path):
    """Open and start a hub on a clock that the test turns; it is stopped whatever happens."""
    hubs = []

    async def open_one(cameras, start_limit_s=30.0):
        hub, plugin = write_hub(tmp_path, cameras, clock=ManualClock(datetime(2026, 11, 22, tzinfo=timezone.utc)))
        hubs.append(hub)
        await hub.open()
        hub.desk.start_limit_s = start_limit_s
        await hub.start()
        return hub, plugin

    yield open_one
    for hub in hubs:
        await hub.stop()


async def pass_s(hub, seconds):
    for _ in range(seconds):
        await hub.clock.advance(1)
        while hub.journal.under_way:
            await asyncio.sleep(0.002)


async def told(hub):
    found = [c.event for c in await hub.events.after(0) if c.event.kind.startswith("camera.")]
    return [(event.camera, event.kind, event.data) for event in found]


async def is_live(hub, camera):
    await hub.intake.on_stream(StreamReport(camera=camera, role="main", condition="live"), hub.clock.now())


async def test_a_camera_that_cannot_start_is_told_once_without_its_login_and_once_when_it_works(opened):
    hub, plugin = await opened("kali: {type: uji, start: lost}, taman: {type: uji}")
    await pass_s(hub, 6)
    assert await told(hub) == [], "a camera that needs some seconds is nobody's news"
    await pass_s(hub, 60)
    reason = "no route to http://***@10.0.5.21/"
    assert await told(hub) == [("kali", "camera.offline", {"stream": "main", "reason": reason})]
    assert (hub.health.get("camera kali").state, hub.health.get("camera kali").reason) == ("lost", reason)
    assert hub.health.get("camera taman").state == "ok"
    plugin["does"]["kali"] = ""
    await pass_s(hub, 61)
    assert hub.health.get("camera kali").state == "ok"
    assert len(await told(hub)) == 1, "it is back when its picture is"
    await is_live(hub, "kali")
    assert (await told(hub))[1:] == [("kali", "camera.online", {"stream": "main"})]


async def test_a_refused_password_is_told_at_once_and_tried_slowly(opened):
    hub, plugin = await opened("kali: {type: uji, start: auth}")
    await pass_s(hub, 25)
    assert await told(hub) == [
        ("kali", "camera.auth_failed", {"stream": "main", "reason": "401 from http://***@10.0.5.21/"})
    ]
    await pass_s(hub, 100)
    assert len(await told(hub)) == 1
    assert plugin["asked"].count(("kali", "start")) <= 5, "a camera locks an account that is tried too often"


@pytest.mark.parametrize("word", ["raise", "leak", "streams raise"])
async def test_a_camera_plugin_that_breaks_is_tried_again_and_comes_back(opened, word):
    hub, plugin = await opened(f"kali: {{type: uji, start: {word}}}")
    await pass_s(hub, 15)
    assert plugin["asked"].count(("kali", "start")) >= 2
    plugin["does"]["kali"] = ""
    await pass_s(hub, 61)
    assert hub.health.get("camera kali").state == "ok"


@pytest.mark.parametrize("word", ["hang", "streams hang"])
async def test_a_camera_that_hangs_in_its_start_is_shown_as_starting_then_lost_and_holds_no_other(opened, word):
    hub, _ = await opened(f"kali: {{type: uji, start: {word}}}, taman: {{type: uji}}", 0.4)
    await asyncio.sleep(0)
    await pass_s(hub, 1)
    assert hub.health.get("camera kali").state == "starting"
    await until(lambda: hub.health.get("camera kali").state == "lost")
    assert "was not ready within 0.4 s" in hub.health.get("camera kali").reason
    assert hub.health.get("camera taman").state == "ok"
