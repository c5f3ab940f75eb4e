"""The whole hub with a camera that turns: its eye learns where it stands, and one that hangs holds up nobody."""

import asyncio
from datetime import datetime, timezone

import pytest
from dome import Dome
from hub_site import until, write_hub

from siaga.core.clock import ManualClock
from siaga.core.errors import ActionFailed
from siaga.core.ptz.lease import Mover

BUDI = Mover(kind="person", name="Pak Budi")
CAMERAS = """
  ptz: {type: uji, presets: {pintu-air: {zones: {bantaran: [[0, 0], [1, 0], [1, 1]]}}, jalan: },
        ptz: {home: jalan, settle: 1 s}},
  lain: {type: uji, presets: [jalan]}
"""


@pytest.fixture
async def hub(tmp_path):
    hub, _ = write_hub(tmp_path, CAMERAS, clock=ManualClock(datetime(2026, 11, 22, tzinfo=timezone.utc)))
    await hub.open()
    for camera in hub.cameras.values():
        camera.ptz = Dome()
    await hub.start()
    yield hub
    await hub.stop()


async def pass_s(hub, seconds):
    for _ in range(seconds * 2):
        await hub.clock.advance(0.5)
        while hub.journal.under_way:
            await asyncio.sleep(0.002)
        await hub.clock.advance(0)


async def test_the_eye_of_a_camera_is_told_where_it_stands_and_told_again_when_it_is_replaced(hub):
    await until(lambda: "ptz" in hub.media._eye_of)
    await hub.ptz.goto("ptz", "pintu-air", BUDI)
    assert hub.media._stands["ptz"].is_turning
    await pass_s(hub, 3)
    assert hub.media._stands["ptz"].preset == "pintu-air"
    greeting = hub.media._greet_eye(hub.media._eye_of["ptz"])
    mine = [type(message).__name__ for message in greeting if getattr(message, "camera", "ptz") == "ptz"]
    assert mine.index("CameraStands") > mine.index("WatchCamera")


async def test_a_camera_that_hangs_holds_up_no_other_and_the_hub_stops_in_time(hub):
    hanging = hub.cameras["ptz"].ptz
    hanging.is_hanging = True
    going = asyncio.ensure_future(hub.ptz.goto("ptz", "pintu-air", BUDI))
    await asyncio.wait_for(hub.ptz.goto("lain", "jalan", BUDI), 5)
    assert hub.cameras["lain"].ptz.told == [("goto", "jalan")]
    await hub.ptz.stop("ptz", BUDI)
    with pytest.raises(ActionFailed):
        await going
    assert hanging.told == [("stop",)]


async def test_what_a_person_did_stands_in_the_audit_and_in_the_journal_of_the_real_hub(hub):
    await hub.ptz.goto("ptz", "pintu-air", BUDI)
    await pass_s(hub, 32)
    kinds = [one.event.kind for one in await hub.events.after(0) if one.event.kind.startswith("ptz.")]
    assert kinds == ["ptz.taken", "ptz.arrived", "ptz.released"]
    assert [one.what for one in await hub.audit.find(5)] == ["ptz.done", "ptz.goto"]
    await pass_s(hub, 62)
    assert hub.ptz.state("ptz").standing.preset == "jalan", "home again"
