"""The picture goes at once, the clip follows behind the first message to those who can get it."""

import pytest
from alert_cases import advance, alert, rest, site
from hub_for_rules import EVENING, close_hub, event, open_hub

from siaga.core.clock import ManualClock
from siaga.core.types import Clip


@pytest.fixture
async def hub(tmp_path):
    hub = await open_hub(tmp_path / "siaga.db", ManualClock(EVENING), site=site())
    hub.carries["wa"] = frozenset({"clip"})
    yield hub
    await close_hub(hub)


async def done(hub, *, keys=()):
    hub.finished_clips["clip-1"] = Clip(
        id="clip-1", camera="kali", path="x.mp4", start=EVENING, end=EVENING, codec="h264", size_bytes=1, sha256="",
        keys=keys,
    )  # fmt: skip
    await hub.emit(event("clip.done", data={"clip": "clip-1"}))
    await rest(hub)


async def clips(hub):
    await rest(hub)
    return [notice for notice in await hub.outbox.all() if ":clip:" in notice.key]


async def test_the_clip_follows_in_the_thread_of_the_first_message(hub):
    hub.outbox.state = "sent"
    await hub.alert(alert(clip="clip-1", image="snapshots/kali.jpg"))
    first = {(notice.notifier, notice.to): notice for notice in await hub.outbox.all()}
    assert first["wa", "+62813"].clip is None and first["wa", "+62813"].image == "snapshots/kali.jpg"
    assert first["catatan", "posko"].clip == "clip-1", "who cannot carry it has its id at once"
    await done(hub)
    found = await clips(hub)
    assert [(n.notifier, n.to, n.clip, n.thread) for n in found] == [
        ("wa", "+62812", "clip-1", "wamid.run:actions[0]:wa/+62812"),
        ("wa", "+62813", "clip-1", "wamid.run:actions[0]:wa/+62813"),
    ]
    assert found[0].text == "Rekaman: Air naik di Kali Ciliwung"
    await done(hub)
    assert len(await clips(hub)) == 2, "a clip that is told done twice is sent once"


async def test_a_clip_that_the_run_recorded_after_the_alert_follows_too(hub):
    hub.outbox.state = "sent"
    await hub.alert(alert())
    await done(hub, keys=("run:actions[3]/kali",))
    assert len(await clips(hub)) == 2


async def test_a_clip_waits_until_its_first_message_is_out(hub):
    await hub.alert(alert(clip="clip-1", target={"contact": ("lurah",)}))
    await done(hub)
    assert await clips(hub) == []
    hub.outbox.state = "sent"
    await advance(hub, 15)
    assert [notice.thread for notice in await clips(hub)] == ["wamid.run:actions[0]:wa/+62813"]


async def test_a_clip_whose_first_message_failed_is_not_sent_and_the_reason_is_kept(hub):
    hub.outbox.state = "failed"
    outcome = await hub.alert(alert(clip="clip-1", target={"contact": ("lurah",)}))
    await done(hub)
    assert await clips(hub) == []
    told = await hub.alerts.told(outcome.incident_id)
    assert [(one.what, one.state, one.reason) for one in told][1] == (
        "clip", "dropped", "pesan pertamanya tidak terkirim"
    )  # fmt: skip
