"""How everything is now: what the newest event or reading said, also after a restart."""

from datetime import datetime, timedelta, timezone

import pytest
from hub_for_rules import close_hub, event, open_hub

from siaga.core.clock import ManualClock
from siaga.core.health import HealthBook
from siaga.core.media.messages import Reading
from siaga.core.rule_contracts import Subject
from siaga.core.states import SUBJECTS_KEPT, StateBook, main_value

NOW = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)


@pytest.fixture
async def hub(tmp_path):
    made = await open_hub(tmp_path / "siaga.db")
    yield made
    await close_hub(made)


def reading(level, after_s=0.0, kind="flood.level", camera="kali", zone=None):
    data = {"level_cm": level, "stage": 3, "rise_cm_h": 1.0}
    return Reading(camera=camera, kind=kind, at=NOW + timedelta(seconds=after_s), zone=zone, data=data)


LEVEL = Subject(kind="flood.level", of="kali")
LINK = Subject(kind="camera", of="kali")


async def test_a_reading_is_the_state_of_its_kind_and_camera_and_says_since_when(hub):
    hub.bus.publish(reading(180.5))
    hub.bus.publish(reading(180.5, after_s=5))
    state = hub.states.get(LEVEL)
    assert (state.value, state.since, state.at) == (180.5, NOW, NOW + timedelta(seconds=5))
    hub.bus.publish(reading(181.0, after_s=9))
    assert hub.states.get(LEVEL).since == NOW + timedelta(seconds=9)
    assert hub.states.get(Subject(kind="flood.level", of="ptz")) is None


async def test_a_gauge_that_cannot_be_read_has_no_value_but_a_state(hub):
    hub.bus.publish(reading(None))
    assert hub.states.get(LEVEL).value is None and hub.states.get(LEVEL).data["stage"] == 3


async def test_a_camera_is_what_was_told_of_it_last(hub):
    assert hub.states.get(LINK) is None
    await hub.emit(event("camera.offline", data={"stream": "main", "reason": "x"}))
    assert hub.states.get(LINK).value == "offline"
    await hub.emit(event("camera.auth_failed"))
    await hub.emit(event("camera.online"))
    assert hub.states.get(LINK).value == "online"


async def test_a_camera_that_never_failed_is_online_as_soon_as_a_stream_of_it_is_live(hub):
    health = HealthBook(hub.bus, hub.clock)
    health.set("camera kali main", "starting")
    assert hub.states.get(LINK) is None
    health.set("camera kali main", "ok")
    assert hub.states.get(LINK).value == "online"
    await hub.emit(event("camera.offline"))
    health.set("camera kali sub", "ok")
    assert hub.states.get(LINK).value == "offline", "one stream of two does not bring it back; the event does"


async def test_an_incident_is_known_by_its_key(hub):
    subject = Subject(kind="incident", of="banjir-kali")
    for kind, value in (("opened", "open"), ("acknowledged", "acknowledged"), ("closed", "closed")):
        data = {"incident": "1", "key": "banjir-kali", "title": "Banjir"}
        await hub.emit(event(f"incident.{kind}", camera=None, data=data))
        assert hub.states.get(subject).value == value


async def test_after_a_restart_the_journal_says_how_everything_is(hub, tmp_path):
    for number in range(30):
        await hub.emit(event("crowd.count", "sekolah", zone="halaman", data={"count": number}))
        await hub.emit(event("crowd.count", "sekolah", zone="gerbang", data={"count": 100 + number}))
    await hub.emit(event("crowd.count", "sekolah", data={"count": 7}))
    await hub.emit(event("flood.stage", data={"from": 3, "to": 2, "stage": 2, "level_cm": 205.0}))
    await hub.emit(event("camera.online"))
    await hub.emit(event("camera.offline"))
    await hub.emit(event("incident.opened", camera=None, data={"key": "banjir", "incident": "1", "title": "x"}))
    await hub.emit(event("incident.acknowledged", camera=None, data={"key": "banjir", "incident": "1", "title": "x"}))
    await hub.emit(event("rule.timer", camera=None, data={"owner": "a", "path": "triggers[0]"}))
    book = await StateBook.open(hub.events, hub.bus, hub.settings.cameras)
    assert {(s.subject.zone, s.value) for s in book.find("crowd.count", "sekolah")} == {
        ("halaman", 29),
        ("gerbang", 129),
        (None, 7),
    }
    assert book.get(Subject(kind="flood.stage", of="kali")).value == 2
    assert book.get(LINK).value == "offline"
    assert book.get(Subject(kind="incident", of="banjir")).value == "acknowledged"
    assert not book.find("rule.timer")


async def test_the_start_looks_at_few_rows_however_many_events_there_are(hub):
    for _ in range(3):
        for zone in (None, "halaman"):
            await hub.emit(event("crowd.count", "sekolah", zone=zone, data={"count": 1}))

    def plans(db):
        sql = "explain query plan select zone from events where camera is 'a' and kind = 'b' and zone > '' limit 1"
        return [row[-1] for row in db.conn.execute(sql)]

    assert any("events_zone" in plan for plan in await hub.journal.read(plans))
    assert len(await hub.events.newest(("sekolah",))) == 2


async def test_who_told_last_is_right_also_when_the_clock_was_set_back(hub):
    hub.bus.publish(reading(200.0, after_s=3600))
    hub.bus.publish(reading(150.0))
    assert hub.states.get(LEVEL).value == 150.0


async def test_a_listener_gets_the_old_and_the_new_state(hub):
    seen = []
    hub.states.listen(lambda old, new: seen.append((old and old.value, new.value)))
    hub.bus.publish(reading(1.0))
    hub.bus.publish(reading(2.0))
    assert seen == [(None, 1.0), (1.0, 2.0)]


async def test_a_plugin_that_invents_zones_does_not_fill_the_memory():
    book = StateBook()
    for number in range(SUBJECTS_KEPT + 10):
        book.meet(event("crowd.count", "kali", zone=f"z{number}", data={"count": number}))
    assert len(book.find("crowd.count")) == len(book.find("crowd.count", "kali")) == SUBJECTS_KEPT
    assert book.get(Subject(kind="crowd.count", of="kali", zone="z3")) is None


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        ("flood.level", {"stage": 3, "level_cm": 12.5}, 12.5),
        ("flood.stage", {"stage": 2, "level_cm": 12.5, "from": 3, "to": 2}, 2),
        ("crowd.count", {"zone": "x", "count": 4, "limit": 9}, 4),
        ("crowd.high", {"zone": "x", "count": 12, "limit": 9}, 12),
        ("object.person", {"track": 7}, 0.9),
    ],
)
def test_the_main_value_of_a_kind_is_the_field_that_bears_its_name(kind, data, value):
    assert main_value(kind, data, 0.9) == value


async def test_a_camera_that_was_away_before_a_restart_is_told_to_be_back_after_it(tmp_path):
    from siaga.core.clip_index import ClipIndex
    from siaga.core.intake import Intake
    from siaga.core.media.messages import StreamReport

    hub = await open_hub(tmp_path / "siaga.db", ManualClock(NOW))
    clips = await ClipIndex.open(hub.journal, hub.texts, tmp_path)
    health = HealthBook(hub.bus, hub.clock)
    intake = Intake(
        "kebon-baru", clock=hub.clock, bus=hub.bus, events=hub.events, clips=clips, store=None, health=health
    )
    intake.remember_away("kali", "camera.offline")
    await intake.on_stream(StreamReport(camera="kali", role="main", condition="live"), NOW)
    assert [one.event.kind for one in await hub.events.after(0)] == ["camera.online"]
    assert hub.states.get(LINK).value == "online"
    await close_hub(hub)


async def test_an_event_that_the_journal_s_reader_met_first_is_taken_once_and_an_old_one_never(hub):
    seq = await hub.emit(event("camera.offline"))
    newer = event("camera.online")
    hub.states.hear(seq + 1, newer)  # read before the bus told it
    assert hub.states.get(LINK).value == "online"
    seen = []
    hub.states.listen(lambda old, new: seen.append(new.value))
    await hub.emit(newer)
    hub.states.hear(seq, event("camera.offline"))
    assert seen == [] and hub.states.get(LINK).value == "online"


async def test_after_a_restart_what_the_engine_catches_up_with_does_not_bring_old_states_back(hub):
    await hub.emit(event("camera.offline"))
    await hub.emit(event("camera.online"))
    book = await StateBook.open(hub.events, hub.bus, hub.settings.cameras)
    for committed in await hub.events.after(0):
        book.hear(committed.seq, committed.event)
        assert book.get(LINK).value == "online"
