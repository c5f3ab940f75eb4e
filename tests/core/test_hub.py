"""The hub as a whole: it starts on any disk, one broken plugin breaks nothing else, and it stops in time."""

import asyncio
import time
from datetime import timedelta

import aiohttp
import pytest
from hub_site import until, write_hub
from small_disk import small_disk

from siaga.core.errors import ActionFailed, StoreFailed
from siaga.core.types import ActionCall, Event, Notice, new_id
from siaga.rules.engine import RuleEngine
from siaga.rules.faults import result_of
from siaga.rules.parse import load_rules
from siaga.web.app import WebApp


@pytest.fixture
async def opened():
    """Open hubs; what a failed test leaves open is stopped."""
    hubs = []

    async def open_one(folder, *args, **more):
        hub, plugin = write_hub(folder, *args, **more)
        hubs.append(hub)
        await hub.open()
        return hub, plugin

    yield open_one
    for hub in hubs:
        await hub.stop()


async def kinds(hub):
    return [c.event.kind for c in await hub.events.after(0)]


def state(hub, part):
    health = hub.health.get(part)
    return health.state if health else ""


def fill(disk):
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    return filler


async def test_a_start_is_told_once_and_every_plugin_hears_that_the_hub_runs(opened, tmp_path):
    hub, plugin = await opened(tmp_path, "kali: {type: uji}")
    await hub.start()
    await until(lambda: kinds(hub))
    await until(lambda: state(hub, "camera kali") == "ok")
    assert hub.health.get("journal").state == hub.health.get("storage").state == "ok"
    assert ("hub", "ready") in plugin["asked"]
    assert await hub.stop() == ()
    assert plugin["asked"][-1] == ("kali", "stop")
    again, _ = await opened(tmp_path, "kali: {type: uji}")
    assert await kinds(again) == ["hub.start"]
    assert await again.stop() == ()


async def test_a_camera_and_a_notifier_that_raise_cost_only_themselves(opened, tmp_path, caplog):
    hub, plugin = await opened(
        tmp_path,
        "kali: {type: uji, start: raise}, gang: {type: uji, stop: raise}, taman: {type: uji}",
        "wa: {type: kirim, close: raise}, tg: {type: kirim}",
    )
    await hub.start()
    await until(lambda: state(hub, "camera kali") == "lost")
    await until(lambda: state(hub, "camera taman") == "ok")
    assert "KeyError" in hub.health.get("camera kali").reason
    assert await hub.stop() == ()
    ended = [word for word in plugin["asked"] if word[1] in ("stop", "close")]
    assert set(ended) == {("kali", "stop"), ("gang", "stop"), ("taman", "stop"), ("wa", "close"), ("tg", "close")}
    assert "camera gang failed" in caplog.text and "notifier wa failed" in caplog.text
    assert hub.tasks.names() == ()


async def test_a_ptz_that_raises_fails_its_action_and_says_why(opened, tmp_path):
    hub, _ = await opened(tmp_path, "kali: {type: uji}")
    action = hub.plugins.actions["ptz.goto_preset"]
    call = ActionCall(
        action="ptz.goto_preset", key="k", target={"camera": ("kali",)}, data={"preset": "pintu-air"}, run_id="r"
    )
    try:
        result = await result_of(action.make(), call, hub)
        failed = result.error if not result.is_ok else ""
    except ActionFailed as err:
        failed = str(err)
    assert "motor" in failed or "ZeroDivisionError" in failed
    with pytest.raises(ActionFailed, match="kali"):
        hub.camera("sungai")
    await hub.stop()


@pytest.mark.slow
async def test_a_stop_ends_within_ten_seconds_and_names_every_camera_that_is_late(opened, tmp_path):
    hub, plugin = await opened(
        tmp_path,
        "kali: {type: uji, stop: stubborn}, gang: {type: uji, stop: stubborn}, taman: {type: uji, stop: hang},"
        " pos: {type: uji}",
        "wa: {type: kirim, close: stubborn}",
    )

    class Stuck:
        async def start(self): ...

        async def stop(self):
            await asyncio.Event().wait()

    hub.add(Stuck())
    await hub.start()
    began = time.monotonic()
    late = await hub.stop()
    assert time.monotonic() - began < 10
    assert late == ("Stuck", "camera kali", "camera gang", "camera taman", "notifier wa")
    assert ("pos", "stop") in plugin["asked"]
    plugin["does"]["let go"] = True  # what ends the test's own event loop


async def test_a_hub_that_could_not_open_or_start_is_stopped_all_the_same(opened, tmp_path):
    first, _ = await opened(tmp_path)
    second, _ = write_hub(tmp_path)
    with pytest.raises(StoreFailed, match="another hub"):
        await second.open()
    assert await second.stop() == ()

    class Broken:
        async def start(self):
            raise StoreFailed("the port is taken")

        async def stop(self): ...

    first.add(Broken())
    with pytest.raises(StoreFailed):
        await first.start()
    assert await first.stop() == ()
    third, _ = await opened(tmp_path)  # the lock is free again
    assert await third.stop() == ()


async def test_a_notice_goes_out_by_a_plugins_notifier(opened, tmp_path):
    hub, _ = await opened(tmp_path, "", "wa: {type: kirim}")
    await hub.start()
    now = hub.clock.now()
    over = now + timedelta(hours=1)
    notice = Notice(id="n", key="k", notifier="wa", to="+62", text="x", created_at=now, expires_at=over)
    assert await hub.notify(notice) and not await hub.notify(notice)

    async def is_sent():
        return (await hub.outbox.get("k")).state == "sent"

    await until(is_sent)
    await hub.stop()


WRONG_RULE = """
- id: salah
  alias: Salah
  trigers: []
  actions: []
"""


@pytest.mark.slow
async def test_on_a_full_disk_the_hub_starts_its_page_answers_and_what_waits_is_kept_when_there_is_room(
    opened, tmp_path
):
    with small_disk(tmp_path, "6m") as disk:
        (tmp_path / "salah.yaml").write_text(WRONG_RULE)
        more = f"storage: {{path: {disk}, min_free: 1 MB}}\nrules: !include ../{tmp_path.name}/salah.yaml"
        hub = await _whole(opened, tmp_path, more)
        await hub.start()
        await until(lambda: kinds(hub))
        await hub.stop()

        hub = await _whole(opened, tmp_path, more)
        filler = fill(disk)
        began = time.monotonic()
        await hub.start()
        assert time.monotonic() - began < 5, "the start waited for the disk"
        telling = hub.tasks.start("telling", lambda: _tell(hub), restart=False)
        await until(lambda: state(hub, "journal") == "lost")
        await until(lambda: state(hub, "disk") == "degraded")
        async with aiohttp.ClientSession() as session, session.get(f"{hub.page.url}/login") as answer:
            assert answer.status == 200 and "Siaga" in await answer.text()
        assert not telling.done
        before = await kinds(hub)
        filler.unlink()

        async def is_kept():
            new = (await kinds(hub))[len(before) :]
            return {"hub.start", "rule.off", "disk.low", "flood.stage"} <= set(new) and new

        new = await until(is_kept, 15)
        assert len(new) == 4, "each once"
        assert hub.health.get("journal").state == "ok"
        assert await hub.stop() == ()


async def _whole(opened, folder, more):
    hub, _ = await opened(folder, more=more)
    engine = RuleEngine(hub, load_rules(hub.settings.rules, hub.plugins, hub.settings, hub.texts))
    hub.page = WebApp(hub, engine)
    hub.add(engine)
    hub.add(hub.page)
    return hub


async def _tell(hub):
    await hub.emit(Event(id=new_id(), site="kebon-baru", kind="flood.stage", at=hub.clock.now(), camera=None))
