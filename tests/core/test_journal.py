"""What the journal promises: kept is kept, a full disk is told and survived, a strange file is left alone."""

import asyncio
import hashlib
import os
import sqlite3
import time
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from small_disk import small_disk
from sqlite_utils.migrations import Migrations

from siaga.core.audit_log import AuditLog
from siaga.core.bus import Bus
from siaga.core.clip_index import ClipIndex
from siaga.core.errors import StoreFailed
from siaga.core.event_log import Committed, EventLog, _kinds, _newest_of_kinds
from siaga.core.journal import Journal
from siaga.core.memory import Memory
from siaga.core.texts import Texts
from siaga.core.types import AuditEntry, Clip, Event, new_id

AT = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


@pytest.fixture
async def journal(tmp_path):
    opened = await Journal.open(tmp_path / "siaga.db")
    yield opened
    await opened.close()


def event(kind="object.person", camera="gerbang", minutes=0, **more):
    at = AT + timedelta(minutes=minutes)
    return Event(id=new_id(), site="kebon-baru", kind=kind, camera=camera, at=at, **more)


def clip(n, **more):
    sha256 = hashlib.sha256(str(n).encode()).hexdigest()
    start = AT + timedelta(minutes=n)
    return Clip(
        id=f"c{n}", camera="kali", path=f"clips/{n}.mp4", start=start, end=start, codec="h264", size_bytes=1,
        sha256=sha256, keys=(f"k{n}",), **more,
    )  # fmt: skip


async def test_a_thousand_events_at_once_are_all_kept_in_one_order(journal):
    bus = Bus()
    news = bus.subscribe(Committed, size=2000)
    log = await EventLog.open(journal, bus)
    events = [event(data={"n": n}) for n in range(1000)]
    places = await asyncio.gather(*(log.add(e) for e in events))
    assert sorted(places) == list(range(1, 1001))
    kept = await log.after(0, limit=2000)
    assert {c.event.id for c in kept} == {e.id for e in events}
    assert [(await anext(news)).seq for _ in range(1000)] == list(range(1, 1001))


async def test_an_event_is_on_the_disk_before_anybody_hears_of_it(journal):
    bus = Bus()
    log = await EventLog.open(journal, bus)
    async with bus.subscribe(Committed) as news:
        await log.add(event())
        committed = await anext(news)
    with sqlite3.connect(journal.path) as stranger:
        assert stranger.execute("select seq from events where id = ?", (committed.event.id,)).fetchone() == (1,)


async def test_the_same_event_twice_keeps_its_place_and_is_told_once(journal):
    bus = Bus()
    news = bus.subscribe(Committed)
    log = await EventLog.open(journal, bus)
    one = event(score=0.5, data={"a": [1, None]}, zone="bantaran")
    assert [await log.add(one), await log.add(one), await log.add(event())] == [1, 1, 2]
    assert len(news) == 2
    assert await log.get(one.id) == one


async def test_a_cancelled_caller_still_tells_what_was_kept(journal):
    bus = Bus()
    log = await EventLog.open(journal, bus)
    async with bus.subscribe(Committed) as news, asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await log.add(event())
        await log.add(event())
        heard = [(await anext(news)).seq for _ in range(await log.last_seq())]
    assert heard == list(range(1, await log.last_seq() + 1))


async def test_events_are_found_by_kind_prefix_camera_time_and_page(journal):
    log = await EventLog.open(journal, Bus())
    for n, kind in enumerate(["flood.level", "flood.stage", "floodlight.on", "object.person", "flood.stage"]):
        await log.add(event(kind, camera="kali" if n != 1 else "hulu", minutes=n))
    assert [c.seq for c in await log.find(kind="flood.")] == [5, 2, 1]
    assert [c.seq for c in await log.find(kind="flood.stage", camera="kali")] == [5]
    assert [c.seq for c in await log.find(since=AT + timedelta(minutes=1), until=AT + timedelta(minutes=3))] == [3, 2]
    assert [c.seq for c in await log.find(before_seq=4, limit=2)] == [3, 2]
    jakarta = timezone(timedelta(hours=7))
    assert [c.seq for c in await log.find(since=(AT + timedelta(minutes=4)).astimezone(jakarta))] == [5]


async def test_the_first_page_is_found_without_a_walk_through_a_night_of_motion(journal):
    log = await EventLog.open(journal, Bus())
    kinds = ["flood.stage", "flood.level", "floodgate.moved", "object.person", "camera.offline"]
    await asyncio.gather(*(log.add(event(kind, camera="kali", minutes=n)) for n, kind in enumerate(kinds)))
    night = [event("motion.start", camera="kali", minutes=n) for n in range(10, 1000)]
    await asyncio.gather(*(log.add(one) for one in night))
    await log.add(event("zone.enter", camera="gang", minutes=2000))

    def shown(found):
        return [c.event.kind for c in found]

    rest = ["camera.offline", "object.person", "floodgate.moved", "flood.level", "flood.stage"]
    assert shown(await log.find(without=("motion.",))) == ["zone.enter", *rest]
    assert shown(await log.find(without=("motion.", "zone.enter"), limit=2)) == rest[:2]
    assert shown(await log.find(without=("motion.",), camera="kali", before_seq=5)) == rest[1:]
    assert shown(await log.find(kind="flood.")) == rest[3:]
    day = {"since": AT + timedelta(minutes=1), "until": AT + timedelta(minutes=4)}
    assert shown(await log.find(without=("motion.",), **day)) == rest[1:4]
    assert await log.find(since=AT - timedelta(days=2), until=AT - timedelta(days=1), without=("motion.",)) == []

    def steps(db):  # how many rows SQLite looked at, in its own units
        walked = 0

        def count():
            nonlocal walked
            walked += 1

        db.conn.set_progress_handler(count, 1)
        _newest_of_kinds(db, list(_kinds(db, "kali", "", ("motion.",))), [("camera = ?", "kali")], 30)
        db.conn.set_progress_handler(None, 1)
        return walked

    assert await journal.write(steps) < 1500, "it walked through the motion, about ten steps a row"


async def test_old_noise_goes_in_small_jobs_and_a_place_is_never_given_again(journal):
    log = await EventLog.open(journal, Bus())
    for minutes, kind in enumerate(["motion.start", "flood.stage", "motion.end", "crowd.count", "crowd.high"]):
        await log.add(event(kind, minutes=minutes))
    young = await log.add(event("motion.start", minutes=60))
    noise, old = {"kinds": ("motion.", "crowd.count")}, AT + timedelta(minutes=30)
    assert [await log.prune(old, **noise, limit=2) for _ in range(3)] == [2, 1, 0]
    assert [c.event.kind for c in await log.after(0)] == ["flood.stage", "crowd.high", "motion.start"]
    assert await log.prune(old, without=("motion.", "crowd.count")) == 2
    assert [c.seq for c in await log.after(0)] == [young]
    await log.prune(AT + timedelta(days=1))
    assert await log.add(event()) == young + 1


async def test_a_reader_goes_on_where_it_was_and_never_back(journal):
    log = await EventLog.open(journal, Bus())
    assert await log.cursor("rules") == 0
    await log.advance("rules", 7)
    await log.advance("rules", 3)
    assert await log.cursor("rules") == 7


async def test_one_failing_job_does_not_undo_its_neighbours(journal):
    await journal.write(lambda db: db["t"].create({"id": int}, pk="id").name)

    def insert(number):
        def job(db):
            db["t"].insert({"id": number})
            if number == 13:
                raise ValueError("tiga belas")

        return job

    outcomes = await asyncio.gather(*(journal.write(insert(n)) for n in range(50)), return_exceptions=True)
    assert [type(o) for o in outcomes if o is not None] == [ValueError]
    assert await journal.read(lambda db: db["t"].count) == 49


async def test_reads_see_only_what_is_committed_and_cannot_write(journal):
    with pytest.raises(StoreFailed):
        await journal.read(lambda db: db.execute("create table t (id)"))


async def test_a_second_hub_is_refused_and_the_message_names_the_first(journal):
    with pytest.raises(StoreFailed, match=f"proses {os.getpid()}"):
        await Journal.open(journal.path)
    beside = await Journal.open(journal.path, is_shared=True)
    await beside.write(lambda db: None)
    await beside.close()


async def test_the_journal_can_be_opened_again_and_holds_what_it_held(tmp_path):
    for turn in (1, 2):
        journal = await Journal.open(tmp_path / "siaga.db")
        log = await EventLog.open(journal, Bus())
        await log.add(event())
        assert await log.last_seq() == turn
        await journal.close()
    assert (tmp_path / "siaga.db").stat().st_mode & 0o077 == 0, "names and numbers are for the owner alone"
    with pytest.raises(StoreFailed):
        await journal.write(lambda db: None)


async def test_a_journal_of_a_newer_siaga_is_left_alone(tmp_path):
    journal = await Journal.open(tmp_path / "siaga.db")
    newer = Migrations("events")
    for name in ("create_events", "something_of_next_year"):
        newer(name=name)(lambda db: None)
    await journal.migrate(newer)
    with pytest.raises(StoreFailed, match="something_of_next_year"):
        await EventLog.open(journal, Bus())
    await journal.write(lambda db: db.execute("create table x (id)").rowcount)
    await journal.close()
    with sqlite3.connect(journal.path) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(StoreFailed, match="newer Siaga"):
        await Journal.open(journal.path, texts=Texts("en"))


@pytest.mark.parametrize("content", [b"", b"this is a letter, not a database" * 200])
async def test_a_file_that_is_no_journal_is_told_and_not_touched(tmp_path, content):
    path = tmp_path / "siaga.db"
    if content:
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as db:
            db.execute("create table somebody_elses (id)")
    before = path.read_bytes()
    with pytest.raises(StoreFailed):
        await Journal.open(path)
    assert path.read_bytes() == before


async def test_a_damaged_journal_is_told_as_such_and_says_what_to_do(tmp_path):
    journal = await Journal.open(tmp_path / "siaga.db")
    log = await EventLog.open(journal, Bus())
    await asyncio.gather(*(log.add(event(data={"x": "y" * 500})) for _ in range(500)))
    await journal.close()
    with journal.path.open("r+b") as file:
        for page in range(12, 60):
            file.seek(page * 4096)
            file.write(b"\xff" * 2048)
    journal = await Journal.open(journal.path)
    log = await EventLog.open(journal, Bus())
    with pytest.raises(StoreFailed, match=r"rusak.*recover"):
        await log.after(0, limit=1000)
    assert await log.cursor("rules") == 0, "what is whole can still be read"
    await journal.close()


async def test_a_folder_that_may_not_be_written_is_told_in_words(tmp_path):
    with pytest.raises(StoreFailed, match="tidak dapat dibuka"):
        await Journal.open(tmp_path / "tidak ada" / "siaga.db")


async def test_a_journal_at_its_page_limit_is_a_full_disk_and_recovers(journal):
    log = await EventLog.open(journal, Bus())
    await journal.write(lambda db: db.execute("pragma max_page_count = 40").fetchone()[0])
    kept = 0
    with pytest.raises(StoreFailed, match="disk penuh"):
        while kept < 1000:
            await log.add(event(data={"x": "y" * 2000}))
            kept += 1
    assert 0 < kept < 1000
    # The writer opens the file anew after a disk's error; the limit was the connection's.
    await log.add(event())
    assert await log.last_seq() == kept + 1


@pytest.mark.slow
async def test_a_full_disk_loses_nothing_that_was_kept_and_writing_goes_on_when_there_is_room(tmp_path):
    with small_disk(tmp_path, "2m") as disk:
        journal = await Journal.open(disk / "siaga.db")
        log = await EventLog.open(journal, Bus())
        (disk / "ballast").write_bytes(bytes(400_000))
        kept = 0
        with pytest.raises(StoreFailed, match="disk penuh"):
            while kept < 10_000:
                await log.add(event(data={"x": "y" * 2000}))
                kept += 1
        assert await log.last_seq() == kept, "reading goes on"
        with pytest.raises(StoreFailed, match="disk penuh"):
            await log.add(event(data={"x": "y" * 500_000}))
        (disk / "ballast").unlink()
        for _ in range(3):
            await log.add(event())
        assert len(await log.after(0, limit=20_000)) == kept + 3
        await journal.close()


async def test_clips_are_chained_found_and_each_once(journal):
    index = await ClipIndex.open(journal)
    added = [await index.add(clip(n)) for n in range(5)]
    assert await index.add(clip(2)) == added[2]
    assert added[0].chain == hashlib.sha256(added[0].sha256.encode()).hexdigest()
    assert added[1].chain == hashlib.sha256((added[0].chain + added[1].sha256).encode()).hexdigest()
    assert await index.get("c3") == await index.for_key("k3") == added[3]
    assert [c.id for c in await index.find(camera="kali", since=AT + timedelta(minutes=3))] == ["c4", "c3"]
    assert await index.find(camera="lain") == []
    assert await index.verify() is None


@pytest.mark.parametrize(
    ("tamper", "row"),
    [
        ("delete from clips where id = 'c2'", 3),
        ("delete from clips where id = 'c4'", 5),
        ("update clips set body = (select body from clips where id = 'c1') where id = 'c3'", 4),
        ("update clips set body = replace(body, '\"sha256\":\"', '\"sha256\":\"0') where id = 'c0'", 1),
    ],
)
async def test_a_clip_row_that_was_tampered_with_is_named(journal, tamper, row):
    index = await ClipIndex.open(journal, Texts("en"))
    for n in range(5):
        await index.add(clip(n))
    await journal.write(lambda db: [db.execute("delete from clip_keys").rowcount, db.execute(tamper).rowcount])
    assert f"clip number {row}" in await index.verify()


async def test_the_audit_can_be_read_and_paged_and_not_be_changed(journal):
    audit = await AuditLog.open(journal)
    entries = [AuditEntry(at=AT + timedelta(minutes=n), who="lurah", what="login", detail={"n": n}) for n in range(4)]
    for entry in entries:
        await audit.add(entry)
    assert await audit.find(2) == entries[:1:-1]
    assert await audit.find(10, before=entries[2].at) == entries[1::-1]
    for forbidden in ("update audit set who = 'x'", "delete from audit"):
        with pytest.raises(sqlite3.IntegrityError):
            await journal.write(lambda db, sql=forbidden: db.execute(sql).rowcount)
    assert len(await audit.find()) == 4


async def test_a_plugin_remembers_under_its_own_name(journal):
    memory = await Memory.open(journal)
    await memory.remember("notifier wa", "until", {"at": 5, "who": ["a"]})
    await memory.remember("notifier wa", "until", {"at": 6})
    assert await memory.recall("notifier wa", "until") == {"at": 6}
    assert await memory.recall("notifier lain", "until") is None
    await memory.remember("notifier wa", "until", None)
    assert await memory.recall("notifier wa", "until") is None
    for nonsense in (object(), float("nan"), "x" * 100_000):
        with pytest.raises(StoreFailed):
            await memory.remember("notifier wa", "k", nonsense)


async def test_what_is_read_back_is_what_was_put(journal):
    log = await EventLog.open(journal, Bus())
    one = event(zone="tepi sungai", score=0.25, snapshot="snapshots/x.jpg", data={"level_cm": 251.5})
    await log.add(one)
    assert msgspec.json.encode(await log.get(one.id)) == msgspec.json.encode(one)


async def test_on_a_full_disk_what_needs_no_room_is_not_hurt_by_a_neighbour_that_does(tmp_path):
    with small_disk(tmp_path, "2m") as disk:
        journal = await Journal.open(disk / "siaga.db")
        log = await EventLog.open(journal, Bus())
        await log.add(event())
        with (disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        # One job that waits holds the writer, so that the other two share a commit.
        held = journal.write(lambda db: time.sleep(0.1))
        big = log.add(event(data={"x": "y" * 50_000}))
        nothing = journal.write(lambda db: db.conn.execute("delete from events where id = 'none'").rowcount)
        outcomes = await asyncio.gather(held, big, nothing, return_exceptions=True)
        assert isinstance(outcomes[1], StoreFailed) and outcomes[2] == 0
        await EventLog.open(journal, Bus())
        await journal.close()
