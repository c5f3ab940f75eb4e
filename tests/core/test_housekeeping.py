"""What goes when its days are over, what stays, and that low space is told also on a disk that is full."""

import asyncio
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from small_disk import small_disk

from siaga.core.alerts.desk import AlertDesk
from siaga.core.alerts.ports import Ports
from siaga.core.bus import Bus
from siaga.core.clip_index import ClipIndex
from siaga.core.clock import ManualClock
from siaga.core.event_log import EventLog
from siaga.core.health import HealthBook
from siaga.core.housekeeping import Housekeeping
from siaga.core.intake import Intake
from siaga.core.journal import Journal
from siaga.core.outbox import Outbox
from siaga.core.settings import (
    CameraSettings,
    DetectSettings,
    MediaSettings,
    Settings,
    SiteSettings,
    StorageSettings,
    WebSettings,
)
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Clip, Event, Notice, new_id
from siaga.plugins.storage.local import LocalStore

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


class House:
    """Real parts on a folder; ``min_free`` is what the test plays with."""

    async def open(self, folder, min_free=1, keep_days=14):
        self.folder, self.clock, self.bus = folder, ManualClock(NOW), Bus()
        self.tasks = Tasks(self.clock)
        self.journal = await Journal.open(folder / "siaga.db")
        self.events = await EventLog.open(self.journal, self.bus)
        self.clips = await ClipIndex.open(self.journal, folder=folder)
        self.health = HealthBook(self.bus, self.clock)
        intake = Intake(
            "kebon-baru", clock=self.clock, bus=self.bus, events=self.events, clips=self.clips,
            store=LocalStore(folder), health=self.health,
        )  # fmt: skip
        self.outbox = Outbox(self.journal, self.bus, self.clock, self.tasks, {}, intake.emit, "kebon-baru")
        await self.outbox.start()
        settings = Settings(
            file="x.yaml", folder=str(folder), site=SiteSettings(id="kebon-baru", name="Kebon Baru"), web=WebSettings(),
            storage=StorageSettings(keep_days=keep_days, min_free_bytes=min_free), media=MediaSettings(),
        )  # fmt: skip
        self.alerts = AlertDesk(
            self.journal, self.events, settings, clock=self.clock, texts=Texts(), bus=self.bus, tasks=self.tasks,
            ports=Ports(
                put=self.outbox.put, records=self.outbox.records, of_provider=self.outbox.of_provider,
                emit=intake.emit, clip=self.clips.get, carries=lambda name: frozenset(),
            ),
        )  # fmt: skip
        await self.alerts.open()
        self.keeper = Housekeeping(
            settings, folder, clock=self.clock, intake=intake, health=self.health, events=self.events,
            outbox=self.outbox, alerts=self.alerts,
        )  # fmt: skip
        return self

    async def close(self):
        await self.tasks.stop(1)
        await self.journal.close()

    async def until(self, is_so, step_s=1.0):
        """Turn the clock until something is so; the journal's and the sweep's threads take real time."""
        async with asyncio.timeout(20):
            while not is_so():
                await self.clock.advance(step_s)
                await asyncio.sleep(0.01)

    async def kinds(self):
        return [c.event.kind for c in await self.events.after(0)]

    def file(self, relative):
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        return path


@pytest.fixture
async def house(tmp_path):
    opened = await House().open(tmp_path)
    yield opened
    await opened.close()


async def test_whole_days_past_their_time_go_and_what_is_no_day_stays(house):
    old = [house.file(f"snapshots/kali/2026-11-07/{n}.jpg") for n in range(3)]
    old += [house.file("clips/kali/2026-11-01/k.mp4")]
    stay = [
        house.file("snapshots/kali/2026-11-08/0.jpg"),  # its last hours are not 14 days old
        house.file("clips/kali/2026-11-22/k.mp4"),
        house.file("clips/kali/catatan/k.mp4"),
        house.file("lain/kali/2026-11-01/k.mp4"),
    ]
    assert await house.keeper.sweep() == 4
    assert [path.exists() for path in old + stay] == [False] * 4 + [True] * 4
    assert not (house.folder / "clips/kali/2026-11-01").exists()


async def test_an_odd_entry_costs_only_itself(house):
    odd = house.file("snapshots/kali/2026-01-01")  # a plain file, named like a day
    also = house.file("clips/2026-01-02")
    elsewhere = house.file("lain/milik-orang.txt")
    link = house.folder / "snapshots/kali/2026-01-03"
    link.symlink_to(elsewhere.parent)
    old = house.file("snapshots/taman/2026-01-04/0.jpg")
    house.tasks.start("housekeeping", house.keeper.run)
    await house.until(lambda: not old.exists())
    assert odd.exists() and also.exists() and link.is_symlink() and elsewhere.exists()
    again = house.file("snapshots/taman/2026-01-05/0.jpg")
    await house.until(lambda: not again.exists(), step_s=300)


async def test_what_cannot_be_removed_is_not_counted_and_is_named(tmp_path, caplog):
    # A folder on which something is mounted cannot go, also for root.
    house = await House().open(tmp_path)
    house.file("snapshots/kali/2026-01-01/a.jpg")
    with small_disk(house.folder / "snapshots/kali/2026-01-01", "1m") as disk:
        house.file("snapshots/kali/2026-01-02/b.jpg")
        assert await house.keeper.sweep() == 2
        assert disk.exists() and "2026-01-01 could not be removed" in caplog.text
    await house.close()


async def test_a_clip_whose_file_is_gone_is_not_shown_and_the_chain_holds(house):
    for day in ("2026-11-01", "2026-11-22"):
        path = f"clips/kali/{day}/k.mp4"
        house.file(path)
        start = datetime.fromisoformat(f"{day}T10:00:00+00:00")
        await house.clips.add(
            Clip(
                id=day,
                camera="kali",
                path=path,
                start=start,
                end=start + timedelta(seconds=9),
                codec="h264",
                size_bytes=1,
                sha256="b" * 64,
                keys=(f"run:{day}",),
            )
        )
    assert len(await house.clips.find()) == 2
    await house.keeper.sweep()
    assert [clip.id for clip in await house.clips.find()] == ["2026-11-22"]
    assert [clip.id for clip in await house.clips.asked_by("run:")] == ["2026-11-22"]
    assert await house.clips.showing("kali", datetime(2026, 11, 1, 10, 0, 5, tzinfo=timezone.utc)) == []
    assert await house.clips.verify() is None
    assert (await house.clips.get("2026-11-01")).path == "clips/kali/2026-11-01/k.mp4"


async def test_noise_goes_with_its_pictures_and_what_happened_stays_for_a_year(house):
    async def add(kind, days):
        at = NOW - timedelta(days=days)
        await house.events.add(Event(id=new_id(), site="kebon-baru", kind=kind, at=at))

    noise = ("motion.start", "zone.enter", "crowd.count", "flood.level", "rule.timer", "rule.state")
    for kind in (*noise, "flood.stage", "crowd.high"):
        for days in (1, 15, 366):
            await add(kind, days)
    await asyncio.gather(*(add("motion.end", 20) for _ in range(1200)))
    assert await house.keeper.prune() == 6 * 2 + 2 + 1200
    left = await house.kinds()
    assert len(left) == 6 + 2 * 2 and left.count("flood.stage") == 2


async def test_finished_notices_go_with_their_days_and_open_ones_stay(house):
    async def put(key, days, hours):
        at = NOW - timedelta(days=days)
        over = NOW + timedelta(hours=hours) if days < 1 else at + timedelta(hours=1)
        notice = Notice(id=key, key=key, notifier="wa", to="+62", text="x", created_at=at, expires_at=over)
        await house.outbox.put(notice)

    await put("lama", 40, 1)
    await put("baru", 3, 1)
    await put("terbuka", 0, 1)
    found = {}
    async with asyncio.timeout(10):
        while found.get("lama") != "expired" or found.get("baru") != "expired":
            await house.clock.advance(1)
            await asyncio.sleep(0.01)
            found = {record.notice.key: record.state for record in await house.outbox.find()}
    async with asyncio.timeout(10):
        while not await house.keeper.prune():  # its failure is told first
            await house.clock.advance(1)
            await asyncio.sleep(0.01)
    assert {r.notice.key: r.state for r in await house.outbox.find()} == {"baru": "expired", "terbuka": "waiting"}


async def test_low_space_is_told_once_until_it_is_well_back(tmp_path):
    with small_disk(tmp_path, "4m") as disk:
        house = await House().open(disk, min_free=2_000_000)
        await house.keeper.look()
        assert house.health.get("disk").state == "ok"
        filler = disk / "filler"
        filler.write_bytes(bytes(2_600_000))
        for _ in range(3):
            await house.keeper.look()
        assert house.health.get("disk").state == "degraded"
        assert house.health.get("disk").figures["free_bytes"] < 2_000_000
        (low,) = await house.events.find(kind="disk.low")
        assert low.event.data["min_free_bytes"] == 2_000_000 and 0 < low.event.data["free_bytes"] < 2_000_000
        filler.unlink()
        await house.keeper.look()
        filler.write_bytes(bytes(2_600_000))
        await house.keeper.look()
        assert len(await house.events.find(kind="disk.low")) == 2
        await house.close()


async def test_on_a_full_disk_the_page_knows_at_once_the_sweep_still_makes_room_and_then_it_is_told(tmp_path):
    with small_disk(tmp_path, "4m") as disk:
        house = await House().open(disk, min_free=1_000_000)
        old = house.file("clips/kali/2026-01-01/k.mp4")
        old.write_bytes(bytes(500_000))
        with (disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        house.tasks.start("housekeeping", house.keeper.run)
        await house.until(lambda: house.health.get("disk") is not None, step_s=0)
        assert house.health.get("disk").state == "degraded"
        await house.until(lambda: not old.exists())

        async def low():
            return await house.events.find(kind="disk.low")

        async with asyncio.timeout(20):
            while not await low():
                await house.clock.advance(5)
                await asyncio.sleep(0.01)
        assert len(await low()) == 1
        await house.close()


async def test_what_tells_of_persons_stays_no_longer_than_its_detectors_days(tmp_path):
    house = await House().open(tmp_path)
    for kind, days in (("plate.read", 5), ("plate.read", 2), ("object.car", 5)):
        event = Event(id=new_id(), site="kebon-baru", kind=kind, at=NOW - timedelta(days=days))
        await house.events.add(event)
    detect = DetectSettings(type="plates", options={"keep_days": 3})
    cameras = {"jalan": CameraSettings(id="jalan", type="demo", name="Jalan", detect=(detect,))}
    house.keeper._settings = msgspec.structs.replace(house.keeper._settings, cameras=cameras)
    await house.keeper.prune()
    left = sorted((one.event.kind, (NOW - one.event.at).days) for one in await house.events.find())
    assert left == [("object.car", 5), ("plate.read", 2)]
    await house.close()
