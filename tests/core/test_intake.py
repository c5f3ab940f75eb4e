"""What comes in from the video processes is told once, with its reason, and waits for a full disk."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from small_disk import small_disk

from siaga.core.bus import Bus
from siaga.core.clip_index import ClipIndex
from siaga.core.clock import ManualClock
from siaga.core.errors import StoreFailed
from siaga.core.event_log import EventLog
from siaga.core.gap_book import GapBook
from siaga.core.health import HealthBook
from siaga.core.intake import Intake
from siaga.core.journal import Journal
from siaga.core.media.messages import ClipFailed, EyeEvent, StreamReport
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Clip
from siaga.plugins.storage.local import LocalStore

AT = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


class Door:
    """A real intake on a real journal, with a clock that the test turns."""

    async def open(self, folder):
        self.clock, self.bus = ManualClock(AT), Bus()
        self.tasks = Tasks(self.clock)
        self.journal = await Journal.open(folder / "siaga.db")
        self.events = await EventLog.open(self.journal, self.bus)
        self.clips = await ClipIndex.open(self.journal)
        self.gaps = await GapBook.open(self.journal)
        self.health = HealthBook(self.bus, self.clock)
        self.intake = Intake(
            "kebon-baru", clock=self.clock, bus=self.bus, events=self.events, clips=self.clips,
            store=LocalStore(folder), health=self.health, texts=Texts("en"), gaps=self.gaps,
        )  # fmt: skip
        self.tasks.start("streams away", self.intake.watch_streams)
        return self

    async def close(self):
        await self.tasks.stop(1)
        await self.journal.close()

    async def pass_s(self, seconds):
        """Turn the clock second by second, and let the journal's thread do what each second led to."""
        for _ in range(seconds):
            await self.clock.advance(1)
            while self.journal.under_way:
                await asyncio.sleep(0.002)

    async def stream(self, condition, reason="", role="main"):
        report = StreamReport(camera="kali", role=role, condition=condition, reason=reason)
        await self.intake.on_stream(report, self.clock.now())

    async def told(self):
        return [(c.event.kind, c.event.data) for c in await self.events.after(0)]


@pytest.fixture
async def door(tmp_path):
    opened = await Door().open(tmp_path)
    yield opened
    await opened.close()


def clip(**more):
    values = {
        "id": "0197-k", "camera": "kali", "path": "clips/kali/k.mp4", "start": AT, "end": AT + timedelta(seconds=12.34),
        "codec": "h264", "size_bytes": 1, "sha256": "a" * 64, "has_gap": True,
    }  # fmt: skip
    return Clip(**{**values, **more})


async def test_a_camera_that_stays_away_is_told_once_with_the_reason_it_went_and_once_when_it_is_back(door):
    await door.stream("connecting")
    await door.stream("live")
    await door.stream("lost", "no route to rtsp://admin:rahasia@10.0.5.21/main")
    for _ in range(4):
        await door.stream("connecting")
        await door.pass_s(4)
    await door.stream("lost", "")
    await door.pass_s(20)
    reason = "no route to rtsp://***@10.0.5.21/main"
    assert await door.told() == [("camera.offline", {"stream": "main", "reason": reason})]
    assert door.health.get("camera kali main").reason == reason
    await door.stream("live")
    await door.pass_s(20)
    assert (await door.told())[1:] == [("camera.online", {"stream": "main"})]
    assert door.health.get("camera kali main").state == "ok"


async def test_a_short_loss_is_nobodys_news_and_a_camera_without_a_word_is_told_in_words(door):
    await door.stream("lost", "away", role="sub")
    await door.pass_s(8)
    await door.stream("live", role="sub")
    await door.stream("connecting")
    await door.pass_s(12)
    (told,) = await door.told()
    assert told == ("camera.offline", {"stream": "main", "reason": "the camera has not answered yet"})


async def test_a_refused_password_is_told_once_also_when_the_camera_was_away_before(door):
    await door.stream("lost", "away")
    await door.pass_s(12)
    for _ in range(3):
        await door.stream("auth_failed", "401 for rtsp://a:b@10.0.5.21/")
        await door.stream("connecting")
        await door.pass_s(12)
    assert await door.told() == [
        ("camera.offline", {"stream": "main", "reason": "away"}),
        ("camera.auth_failed", {"stream": "main", "reason": "401 for rtsp://***@10.0.5.21/"}),
    ]


async def test_a_camera_with_two_streams_is_one_camera_away_and_back_with_the_last_of_them(door):
    await door.stream("lost", "no route")
    await door.stream("lost", "no route", role="sub")
    await door.pass_s(15)
    await door.stream("live", role="sub")
    await door.pass_s(5)
    assert await door.told() == [("camera.offline", {"stream": "main", "reason": "no route"})]
    await door.stream("live")
    assert (await door.told())[1:] == [("camera.online", {"stream": "main"})]


async def test_a_camera_that_cannot_start_is_told_once_and_is_back_with_its_first_stream(door):
    for _ in range(8):
        await door.intake.on_start_failed("kali", "no login at http://a:b@10.0.5.21/", is_auth=False)
        await door.pass_s(3)
    door.intake.on_started("kali")
    await door.stream("connecting", role="sub")
    await door.pass_s(15)
    await door.stream("live", role="sub")
    assert await door.told() == [
        ("camera.offline", {"stream": "main", "reason": "no login at http://***@10.0.5.21/"}),
        ("camera.online", {"stream": "sub"}),
    ]


async def test_a_finished_clip_is_told_once_however_often_the_recorder_tells_it(door):
    await door.intake.on_clip(clip())
    await door.clock.advance(60)
    await door.intake.on_clip(clip())
    assert await door.told() == [("clip.done", {"clip": "0197-k", "seconds": 12.3, "has_gap": True})]


async def test_a_clip_that_was_indexed_before_a_crash_is_still_told(door):
    await door.clips.add(clip())  # the hub died between the index and the event
    await door.intake.on_clip(clip())
    assert [kind for kind, _ in await door.told()] == ["clip.done"]


async def test_a_recording_that_failed_is_told_without_the_login_that_its_reason_quotes(door):
    reason = "rtsp://a:b@10.0.5.21/ ended"
    await door.intake.on_clip_failed(ClipFailed(clip="c1", camera="kali", keys=("k",), reason=reason))
    assert await door.told() == [("clip.failed", {"clip": "c1", "reason": "rtsp://***@10.0.5.21/ ended"})]


async def test_a_replaced_process_is_told_by_its_kind(door):
    await door.intake.on_process("recorder", "died", "signal 9")
    await door.intake.on_process("eye-1", "hung", "no sign of life for 8 s")
    assert door.health.get("eye-1").state == "lost"
    await door.intake.on_process("eye-1", "started", "")
    assert [kind for kind, _ in await door.told()] == ["recorder.restarted", "eye.restarted"]
    assert door.health.get("eye-1").state == "ok"


async def test_news_waits_for_a_full_disk_and_both_parts_are_well_again_when_there_is_room(tmp_path):
    with small_disk(tmp_path, "2m") as disk:
        door = await Door().open(disk)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        seen = EyeEvent(camera="kali", kind="motion.start", at=AT, arrived_mono_s=0.0, jpeg=bytes(50_000))
        telling = door.tasks.start("eye", lambda: door.intake.on_event(seen), restart=False)
        await door.pass_s(12)
        assert not telling.done
        assert {door.health.get(part).state for part in ("journal", "storage")} == {"lost"}
        await door.intake.look_again()
        assert {door.health.get(part).state for part in ("journal", "storage")} == {"lost"}
        filler.unlink()
        await door.intake.look_again()
        assert {door.health.get(part).state for part in ("journal", "storage")} == {"ok"}
        await door.pass_s(6)
        (kept,) = await door.events.after(0)
        assert (kept.event.kind, kept.event.snapshot) == ("motion.start", None)
        await door.close()


async def test_what_waited_too_long_for_the_disk_is_told_as_lost_and_a_clip_is_left_to_be_told_again(tmp_path, caplog):
    with small_disk(tmp_path, "2m") as disk:
        door = await Door().open(disk)
        await door.clips.add(clip())
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        failed = []

        async def take():
            try:
                await door.intake.on_clip(clip())
            except StoreFailed as err:
                failed.append(err)

        door.tasks.start("clip", take)
        await door.stream("lost", "away")
        await door.pass_s(75)
        assert len(failed) == 1, "the recorder must not be told that it was taken"
        filler.unlink()
        await door.pass_s(6)
        assert [kind for kind, _ in await door.told()] == ["camera.offline"]
        assert "camera.offline of kali was lost" in caplog.text
        await door.close()


async def test_after_a_restart_the_newest_stage_of_a_camera_is_known_and_no_other_cameras(door):
    for camera, stage in (("kali", 3), ("kali", 2), ("kanal", 1)):
        seen = EyeEvent(camera=camera, kind="flood.stage", at=AT, arrived_mono_s=0.0, data={"to": stage})
        await door.intake.on_event(seen)
    await door.intake.on_event(EyeEvent(camera="kali", kind="motion.start", at=AT, arrived_mono_s=0.0))
    (last,) = await door.intake.last_told("kali")
    assert (last.kind, last.data, last.detector) == ("flood.stage", {"to": 2}, "")
    assert await door.intake.last_told("pasar") == ()


# --- gaps ---------------------------------------------------------------------------------------------


async def gaps(door, book=None):
    found = await (book or door.gaps).find("kali", AT - timedelta(days=1))
    return [((gap.begin - AT).total_seconds(), gap.end and (gap.end - AT).total_seconds(), gap.reason) for gap in found]


async def test_a_gap_begins_with_the_loss_and_ends_when_pictures_come_again(door):
    await door.stream("live")
    await door.pass_s(10)
    await door.stream("lost", "Wi-Fi putus")
    await door.pass_s(60)
    await door.stream("connecting")
    await door.stream("lost", "masih putus")
    await door.pass_s(30)
    assert await gaps(door) == [(10, None, "Wi-Fi putus")]
    await door.stream("live")
    assert await gaps(door) == [(10, 100, "Wi-Fi putus")]


async def test_a_hiccup_and_the_small_stream_are_no_gaps(door):
    await door.stream("live")
    await door.stream("lost", "sebentar")
    await door.pass_s(1)
    await door.stream("live")
    await door.stream("lost", "kecil", role="sub")
    await door.pass_s(60)
    assert await gaps(door) == []


async def test_a_gap_that_was_open_when_the_hub_ended_goes_on_until_pictures_come(door):
    await door.stream("lost", "Wi-Fi putus")
    await door.pass_s(60)
    again = await GapBook.open(door.journal)
    await again.begin("kali", AT + timedelta(seconds=70), "masih")
    await again.end("kali", AT + timedelta(seconds=90))
    assert await gaps(door, again) == [(0, 90, "Wi-Fi putus")]


async def test_what_fills_a_gap_is_kept_and_old_gaps_go(door):
    for begin in (0, 1000):
        await door.gaps.begin("kali", AT + timedelta(seconds=begin), "putus")
        await door.gaps.end("kali", AT + timedelta(seconds=begin + 100))
    first, second = await door.gaps.unfilled(AT, 60)
    await door.gaps.mark_filled(first.number, "klip-1")
    assert [gap.number for gap in await door.gaps.unfilled(AT, 60)] == [second.number]
    assert await door.gaps.unfilled(AT, 200) == []
    assert await door.gaps.prune(AT + timedelta(seconds=500), 10) == 1
    assert await gaps(door) == [(1000, 1100, "putus")]


async def test_the_time_in_which_the_hub_was_off_is_a_gap_of_every_camera_that_still_is_one(door):
    first = await GapBook.open(door.journal, ["kali"], "Siaga tidak berjalan")
    assert await gaps(door, first) == [], "nobody knows what was before the first start"
    for second in (0, 30, 60):
        await first.live(AT + timedelta(seconds=second))
    again = await GapBook.open(door.journal, ["kali", "baru"], "Siaga tidak berjalan")
    await again.end("kali", AT + timedelta(seconds=400))
    assert await gaps(door, again) == [(60, 400, "Siaga tidak berjalan")]


async def test_a_gap_that_was_open_already_stays_as_it_began(door):
    await door.gaps.live(AT)
    await door.gaps.begin("kali", AT - timedelta(seconds=50), "Wi-Fi putus")
    again = await GapBook.open(door.journal, ["kali"], "Siaga tidak berjalan")
    assert await gaps(door, again) == [(-50, None, "Wi-Fi putus")]
