"""Times and states become events: committed once, made up for after a restart, told when they nearly fired."""

import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hub_for_rules import event, read_rules
from source_bench import NOTE, SourceBench
from step_bench import NotesWords

from siaga.core.errors import StoreFailed
from siaga.core.health import HealthBook
from siaga.core.media.messages import Reading

CHILD = Path(__file__).resolve().parent.parent / "sources_child.py"
EVENING = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)  # Sunday, 19.05 WIB
SEVEN = datetime(2026, 11, 23, 0, 0, tzinfo=timezone.utc)  # Monday, 07.00 WIB
AT_SEVEN = '{trigger: time, at: "07:00", id: pagi}'
HIGH = "{trigger: numeric_state, kind: flood.level, camera: kali, above: 200, id: tinggi}"
HELD = '{trigger: numeric_state, kind: flood.level, camera: kali, above: 200, for: "00:05:00", id: lama}'


@pytest.fixture
async def bench(tmp_path):
    made = SourceBench(tmp_path, EVENING)
    yield made
    await made.close()


# --- the clock ----------------------------------------------------------------------------------


async def test_a_time_fires_when_it_comes_and_the_event_says_which(bench):
    await bench.open(AT_SEVEN, start=SEVEN - timedelta(minutes=5))
    await bench.advance(299)
    assert bench.done == []
    await bench.advance(1)
    assert bench.done == ["pagi"]
    [told] = await bench.told("rule.timer")
    assert (told.at, told.data["due"]) == (SEVEN, SEVEN.isoformat())
    await bench.run_until(SEVEN + timedelta(hours=2))
    assert bench.done == ["pagi"]


@pytest.mark.parametrize(("away_min", "fires"), [(10, True), (64, True), (66, False)])
async def test_a_time_that_came_while_the_hub_was_away_is_made_up_for_within_an_hour(bench, away_min, fires):
    await bench.open(AT_SEVEN, start=SEVEN - timedelta(minutes=5))
    await bench.again(after_s=away_min * 60)
    assert bench.done == (["pagi"] if fires else [])
    await bench.again(after_s=60)
    assert bench.done == (["pagi"] if fires else []), "once"
    if not fires:
        await bench.again(after_s=0)
    near = bench.engine.near_misses("r0")
    assert near == ()


async def test_a_time_that_is_too_long_ago_is_told_as_a_near_miss(bench):
    await bench.open(AT_SEVEN, start=SEVEN - timedelta(minutes=5))
    await bench.again(after_s=3 * 3600)
    [near] = bench.sources.near_misses("r0")
    assert near.at == SEVEN and "lebih dari satu jam" in near.reason


async def test_a_clock_set_forward_over_a_time_makes_it_come_once(bench):
    await bench.open(AT_SEVEN, start=SEVEN - timedelta(minutes=30))
    bench.hub.clock.set_by = timedelta(minutes=40)
    await bench.advance(10)
    assert bench.done == ["pagi"]


async def test_a_clock_set_back_brings_no_time_a_second_time(bench):
    await bench.open(AT_SEVEN, start=SEVEN - timedelta(minutes=1))
    await bench.advance(120)
    assert bench.done == ["pagi"]
    bench.hub.clock.set_by = timedelta(minutes=-30)
    await bench.run_until(SEVEN + timedelta(minutes=10))
    bench.hub.clock.set_by = timedelta(hours=-5)
    await bench.run_until(SEVEN + timedelta(minutes=10))
    assert bench.done == ["pagi"]


async def test_many_rules_at_one_minute_are_one_commit_and_all_fire(bench):
    await bench.open(*[AT_SEVEN] * 40, start=SEVEN - timedelta(seconds=30))
    before = bench.writes.begun
    await bench.advance(31)
    assert len(bench.done) == 40
    events = await bench.hub.events.find(kind="rule.timer", limit=100)
    assert len({one.event.id for one in events}) == 40
    assert bench.writes.begun - before < 200


async def test_a_run_that_waits_for_a_time_is_woken_by_it(bench):
    text = """
- id: tunggu
  triggers: [{trigger: event, kind: object.person}]
  actions:
    - wait_for_trigger: [{trigger: time, at: "19:30"}]
    - {action: catat, data: {kata: "{{ wait.trigger.platform }}"}}
"""
    await bench.begin(text=text)
    await bench.tell(event("object.person"))
    await bench.advance(20 * 60)
    assert bench.done == []
    await bench.again(after_s=0)
    await bench.advance(6 * 60)
    assert bench.done == ["time"]
    kept = await bench.hub.journal.read(lambda db: db.execute("select count(*) from rule_sources").fetchone()[0])
    assert kept == 0, "a wait that is over is forgotten"


# --- states -------------------------------------------------------------------------------------


async def test_a_level_fires_when_it_crosses_and_not_again_while_it_stays_above(bench):
    await bench.open(HIGH)
    for value in (190, 199.9, 200, 200.1, 230, 205):
        await bench.level(value)
    assert bench.done == ["tinggi"]
    await bench.level(195)
    await bench.level(201)
    assert bench.done == ["tinggi"] * 2
    told = await bench.told()
    assert [one.data["value"] for one in told] == [200.1, 201]
    assert (told[0].camera, told[0].data["above"], told[0].data["from"]) == ("kali", 200, 200)


async def test_a_crossing_is_not_told_again_by_a_restart_nor_forgotten_by_it(bench):
    await bench.open(HIGH)
    await bench.level(190)
    await bench.level(210)
    await bench.again(after_s=60)
    await bench.level(215)
    assert bench.done == ["tinggi"], "it was above before and is so still"
    await bench.level(190)
    await bench.again(after_s=60)
    await bench.level(220)
    assert bench.done == ["tinggi"] * 2, "it rose while the hub was away"


async def test_what_was_committed_and_not_yet_looked_at_when_the_hub_was_killed_fires_at_the_start(bench):
    rule = "{trigger: state, kind: flood.stage, camera: kali, to: 2, id: siaga}"
    await bench.open(rule)
    await bench.tell(event("flood.stage", data={"from": 4, "to": 3, "stage": 3}))
    bench.hub.states.forget(bench.sources._meet)  # the kill comes between the event and the watch
    await bench.tell(event("flood.stage", data={"from": 3, "to": 2, "stage": 2}))
    assert bench.done == []
    await bench.again(after_s=30)
    assert bench.done == ["siaga"]


async def test_a_new_rule_does_not_fire_for_what_was_so_before(bench):
    await bench.open("{trigger: hub, event: start}")
    await bench.tell(event("flood.stage", data={"from": 3, "to": 2, "stage": 2}))
    await bench.close()
    await bench.open("{trigger: state, kind: flood.stage, camera: kali, to: 2}", start=EVENING + timedelta(minutes=1))
    assert bench.done == []


async def test_a_level_that_stays_above_for_five_minutes_fires_then_also_over_a_restart(bench):
    await bench.open(HELD)
    await bench.level(190)
    await bench.level(210)
    await bench.advance(200)
    await bench.level(190)
    await bench.advance(200)
    assert bench.done == [], "it fell before the time was over"
    await bench.level(230)
    await bench.again(after_s=120)
    await bench.level(231)
    await bench.advance(179)
    assert bench.done == []
    await bench.advance(2)
    assert bench.done == ["lama"]


async def test_a_gauge_that_is_blind_for_a_moment_neither_crosses_again_nor_breaks_the_time(bench):
    await bench.open(HIGH, HELD)
    for value in (190, 210, None, 211):
        await bench.level(value)
    await bench.advance(301)
    assert bench.done == ["tinggi", "lama"]


async def test_zones_are_watched_each_for_itself(bench):
    await bench.open("{trigger: numeric_state, kind: crowd.count, camera: sekolah, above: 10, id: ramai}")
    for zone in ("halaman", "gerbang"):
        await bench.level(5, "sekolah", "crowd.count", zone)
        await bench.level(12, "sekolah", "crowd.count", zone)
    assert bench.done == ["ramai"] * 2
    assert [one.zone for one in await bench.told()] == ["halaman", "gerbang"]


async def test_a_template_makes_the_number(bench):
    rule = (
        "{trigger: numeric_state, kind: flood.level, camera: kali, above: 10, id: naik,"
        ' value_template: "{{ state.data.rise_cm_h / 2 }}"}'
    )
    await bench.open(rule)
    await bench.level(100, rise_cm_h=10)
    await bench.level(100, rise_cm_h=30)
    assert bench.done == ["naik"]


async def test_a_level_that_did_not_cross_says_its_value_and_the_limit(bench):
    await bench.open(HIGH, "{trigger: state, kind: flood.stage, camera: kali, from: 3, to: 2}")
    await bench.level(180)
    [near] = bench.sources.near_misses("r0")
    assert near.reason == "flood.level adalah 180, tidak di atas 200" and near.trigger == "triggers[0]"
    await bench.level(210)
    await bench.level(220)
    assert "sudah di dalam batas" in bench.sources.near_misses("r0")[0].reason
    await bench.tell(event("flood.stage", data={"from": 4, "to": 3}))
    assert "to adalah 3" in bench.sources.near_misses("r1")[0].reason
    await bench.tell(event("flood.stage", data={"from": 3, "to": 4}))
    await bench.tell(event("flood.stage", data={"from": 4, "to": 2}))
    assert "from adalah 4" in bench.sources.near_misses("r1")[0].reason


async def test_a_full_disk_keeps_a_crossing_waiting(bench):
    await bench.open(HIGH)
    await bench.level(190)
    add_all, refusals = bench.hub.events.add_all, [1, 2]

    async def refused(events, also=None):
        if events and refusals:
            refusals.pop()
            raise StoreFailed("disk penuh")
        return await add_all(events, also)

    bench.hub.events.add_all = refused
    now = bench.hub.clock.now()
    bench.hub.bus.publish(Reading(camera="kali", kind="flood.level", at=now, data={"level_cm": 300.0}))
    await bench.hub.clock.advance(60)
    await bench.rest()
    assert bench.done == ["tinggi"] and not refusals


async def test_a_reading_asks_only_the_triggers_of_its_subject(bench):
    rules = [f"{{trigger: numeric_state, kind: crowd.count, camera: {camera}, above: 5}}" for camera in ("ptz", "kali")]
    await bench.open(HIGH, *rules)
    looked = []
    for watch in bench.sources._watch._watches.values():
        watch.trigger.move = lambda before, value, move=watch.trigger.move: looked.append(value) or move(before, value)
    await bench.level(150)
    assert looked == [150]


# --- camera, incident, hub ------------------------------------------------------------------------


async def test_a_camera_that_stays_away_for_five_minutes(bench):
    await bench.open('{trigger: camera, camera: kali, to: [offline, auth_failed], for: "00:05:00", id: putus}')
    await bench.tell(event("camera.offline", at=bench.hub.clock.now()))
    await bench.advance(200)
    await bench.tell(event("camera.online", at=bench.hub.clock.now()))
    await bench.advance(200)
    assert bench.done == []
    await bench.tell(event("camera.offline", at=bench.hub.clock.now()))
    await bench.advance(100)
    await bench.tell(event("camera.auth_failed", at=bench.hub.clock.now()))
    await bench.advance(201)
    assert bench.done == ["putus"], "away is away, for whatever reason"


async def test_an_incident_that_nobody_acknowledged_for_ten_minutes(bench):
    await bench.open('{trigger: incident, to: opened, key: "banjir-*", for: "00:10:00", id: diam}')

    async def told(kind, number, key="banjir-kali"):
        data = {"incident": number, "key": key, "title": "Banjir"}
        await bench.tell(event(f"incident.{kind}", None, at=bench.hub.clock.now(), data=data))

    await told("opened", "1")
    await told("opened", "2")
    await told("opened", "3", "maling")
    await bench.advance(300)
    await told("acknowledged", "1")
    await bench.advance(301)
    assert bench.done == ["diam"]


async def test_the_start_of_the_hub_is_a_trigger(bench):
    await bench.open("{trigger: hub, event: start, id: mulai}")
    await bench.tell(event("hub.start", None))
    assert bench.done == ["mulai"]


async def test_conditions_look_at_the_states_and_the_trigger(bench):
    text = f"""
- id: malam
  triggers:
    - {{trigger: event, kind: object.person, camera: kali, id: orang}}
    - {{trigger: hub, event: start}}
  conditions:
    - {{condition: trigger, id: orang}}
    - {{condition: numeric_state, kind: flood.level, above: 150}}
    - {{condition: state, camera: ptz, state: online}}
    - {{condition: numeric_state, kind: flood.level, below: 10, value_template: "{{{{ state.value / 100 }}}}"}}
  {NOTE}
"""
    await bench.begin(text=text)
    await bench.tell(event("object.person", at=bench.hub.clock.now()))
    assert bench.done == []
    await bench.level(180)
    await bench.tell(event("camera.online", "ptz"))
    await bench.tell(event("object.person", at=bench.hub.clock.now()))
    assert bench.done == ["orang"]
    trace = (await bench.engine.traces("malam"))[0]
    found = [step.values for step in trace.steps if step.what == "numeric_state"]
    assert found[0]["value"] == 180 and found[0]["of"] == "kali"


# --- reload and kill ------------------------------------------------------------------------------


async def test_a_reload_keeps_the_times_of_unchanged_rules_and_takes_the_changed_ones(bench):
    await bench.open(AT_SEVEN, HIGH, start=SEVEN - timedelta(minutes=5))
    await bench.level(190)
    text = bench._text.replace('"07:00"', '"07:10"') + bench._text.replace("r0", "baru").split("- id: r1")[0]
    await bench.engine.reload(read_rules(text, bench.folder, words=NotesWords(bench)))
    await bench.level(210)
    assert bench.done == ["tinggi"], "what it saw before the reload still counts"
    await bench.run_until(SEVEN + timedelta(minutes=5))
    assert bench.done == ["tinggi", "pagi"]
    await bench.run_until(SEVEN + timedelta(minutes=15))
    assert bench.done == ["tinggi", "pagi", "pagi"]
    gone = text.split("- id: baru")[0].split("- id: r1")[0]
    await bench.engine.reload(read_rules(gone, bench.folder, words=NotesWords(bench)))
    await bench.rest()
    owners = await bench.hub.journal.read(lambda db: db.execute("select distinct owner from rule_sources").fetchall())
    assert owners == [("r0",)], "what a rule saw is forgotten with it"


def child(folder, point, *levels):
    command = [sys.executable, str(CHILD), str(folder), point, *map(str, levels)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before the commit", "after the commit"])
def test_a_hub_killed_at_a_crossing_or_a_time_tells_each_once(point, tmp_path):
    assert child(tmp_path, point, 190, 210).returncode == -signal.SIGKILL  # at the crossing
    answer = child(tmp_path, point, 212)
    if point == "before the commit":
        assert answer.returncode == -signal.SIGKILL  # at the crossing again, which was not kept
    last = child(tmp_path, "nowhere", 215)
    told = [line.split()[1] for line in last.stdout.splitlines() if line.startswith("told")]
    assert sorted(told) == ["tinggi", "waktu"], last.stderr[-2000:]


async def test_a_stranger_s_trigger_that_raises_stops_neither_the_reading_nor_the_others(bench):
    await bench.open(HIGH, HIGH)
    await bench.level(190)
    first = next(iter(bench.sources._watch._watches.values()))
    first.trigger.move = lambda before, value: 1 / 0
    await bench.level(210)
    assert bench.done == ["tinggi"]


async def test_a_camera_that_never_failed_is_no_news_when_it_is_seen_first(bench):
    await bench.open("{trigger: state, camera: [kali, ptz], to: online, id: kembali}")
    health = HealthBook(bench.hub.bus, bench.hub.clock)
    health.set("camera kali main", "ok")
    await bench.rest()
    assert bench.done == []
    await bench.tell(event("camera.offline", "kali"))
    await bench.tell(event("camera.online", "kali"))
    assert bench.done == ["kembali"]
