"""Rules change while the engine runs: no event is missed or met twice, and what has not changed goes on."""

import asyncio

import pytest
from hub_for_rules import event, read_rules, until
from step_bench import Bells, NotesWords, StepBench, say

from siaga.core.errors import StoreFailed

SLOW = f"\n    - delay: 60\n    - {say('lama')}"
OTHER = """
- id: lain
  triggers: [{trigger: event, kind: motion.start}]
  actions: [{action: catat, data: {kata: lain}}]
"""


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


async def test_the_report_names_what_is_new_changed_gone_unchanged_and_wrong(bench):
    await bench.open(SLOW)
    bench._rules += OTHER
    report = await bench.reload()
    assert (report.new, report.unchanged, report.changed) == (("lain",), ("aturan",), ())
    report = await bench.reload(old="kata: lain", new="kata: baru")
    assert (report.changed, report.unchanged) == (("lain",), ("aturan",))
    report = await bench.reload(old="kind: motion.start", new="kinds: motion.start")
    assert (report.wrong, report.gone) == (("lain",), ())
    report = await bench.reload(old="- id: lain", new="- id: lain-lagi")
    assert (report.wrong, report.gone) == (("lain-lagi",), ())
    bench._rules = bench._rules[: bench._rules.index("- id: lain")]
    report = await bench.reload()
    assert (report.wrong, report.gone, report.unchanged) == ((), (), ("aturan",))
    report = await bench.engine.reload(read_rules("[]", bench.folder, words=NotesWords(bench)))
    assert report.gone == ("aturan",)


async def test_a_rule_that_only_moved_to_another_line_is_unchanged_and_shown_where_it_is(bench):
    await bench.open(SLOW)
    bench._rules = OTHER + bench._rules
    report = await bench.reload()
    assert report.unchanged == ("aturan",)
    assert [state.line for state in await bench.engine.rules()] == [2, 5]


async def test_an_unchanged_rule_keeps_runs_waits_times_cooldown_and_near_misses(bench):
    bench.triggers = "[{trigger: event, kind: object.person}, {trigger: event, kind: motion.start, for: 60}]"
    wait = "\n    - wait_for_trigger: {trigger: event, kind: zone.enter}\n    - " + say("{{ trigger.id }}")
    await bench.open(wait, more="  mode: parallel\n  cooldown: 30\n")
    await bench.tell(
        event("motion.start", at=bench.hub.clock.now()), event("object.person", "ptz", at=bench.hub.clock.now())
    )
    bench._rules += OTHER
    await bench.reload()
    await bench.tell(event("object.person", at=bench.hub.clock.now()))
    await bench.advance(60)
    await bench.tell(event("zone.enter", at=bench.hub.clock.now()))
    assert sorted(bench.done) == ["0", "1"]
    (dropped,) = [one for one in await bench.engine.traces("aturan") if one.state == "dropped"]
    assert "cooldown" in dropped.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [("kind: object.person", "kind: motion.start"), ("actions:", "conditions: ['{{ false }}']\n  actions:")],
)
async def test_a_run_goes_on_when_only_its_triggers_or_conditions_changed(bench, old, new):
    await bench.open(SLOW)
    await bench.tell()
    report = await bench.reload(old=old, new=new)
    assert report.changed == ("aturan",) and report.cut_off == 0
    await bench.tell()
    await bench.advance(60)
    assert bench.done == ["lama"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('kata: "lama"', 'kata: "baru"', "aturan diubah"),
        ("- id: aturan", "- id: aturan-lain", "dihapus atau dimatikan"),
        ("actions:", "enabled: false\n  actions:", "dihapus atau dimatikan"),
    ],
)
async def test_a_run_in_the_middle_of_steps_that_changed_is_cut_off_and_says_why(bench, old, new, why):
    await bench.open(SLOW)
    await bench.tell()
    report = await bench.reload(old=old, new=new)
    assert report.cut_off == 1
    trace = await bench.trace()
    assert trace.state == "cut_off" and why in trace.reason
    await bench.advance(60)
    assert bench.done == []
    await bench.again()
    assert bench.done == []


async def test_a_run_that_was_cut_off_does_not_hold_up_the_event_right_behind_the_reload(bench):
    await bench.open(SLOW)
    await bench.tell()
    loaded = bench.read(SLOW.replace("lama", "baru"))
    report = await bench.engine.reload(loaded)
    assert report.cut_off == 1 and bench.engine._runs.rows() == {}
    await bench.tell()
    await bench.advance(60)
    assert bench.done == ["baru"]


async def test_a_run_whose_turn_has_not_come_begins_by_the_new_steps(bench):
    await bench.open(SLOW, more="  mode: queued\n")
    await bench.tell()
    await bench.tell()
    await bench.tell()
    report = await bench.reload(old='kata: "lama"', new='kata: "baru"')
    assert report.cut_off == 1
    await bench.advance(60)
    assert bench.done == ["baru"]
    await bench.again()
    await bench.advance(60)
    assert bench.done == ["baru", "baru"]


async def test_a_run_whose_turn_has_not_come_begins_by_the_steps_that_hold_after_a_restart(bench):
    await bench.open(SLOW, more="  mode: queued\n")
    await bench.tell()
    await bench.tell()
    bench._rules = bench._rules.replace('kata: "lama"', 'kata: "baru"')
    await bench.again()
    await bench.advance(60)
    assert bench.done == ["baru"]
    states = sorted(trace.state for trace in await bench.engine.traces("aturan"))
    assert states == ["cut_off", "finished"]


async def test_a_slip_of_the_pen_does_not_end_an_alert_that_is_under_way(bench):
    await bench.open(SLOW)
    await bench.tell()
    report = await bench.reload(old="action: catat", new="acton: catat")
    assert report.wrong == ("aturan",) and report.cut_off == 0
    await bench.tell()
    await bench.advance(60)
    assert bench.done == ["lama"]
    (off,) = await bench.hub.events.find(kind="rule.off")
    assert off.event.data["rule"] == "aturan"
    await bench.reload()
    assert len(await bench.hub.events.find(kind="rule.off")) == 1, "the same mistake is told once"


async def test_a_time_of_a_trigger_that_changed_is_forgotten_and_one_that_did_not_runs_on(bench):
    bench.triggers = "[{trigger: event, kind: motion.start, for: 60}, {trigger: event, kind: zone.enter, for: 60}]"
    await bench.open(f"\n    - {say('{{ trigger.event.kind }}')}", more="  mode: parallel\n")
    for kind in ("motion.start", "zone.enter"):
        await bench.tell(event(kind, at=bench.hub.clock.now()))
    await bench.reload(old="zone.enter, for: 60", new="zone.enter, for: 90")
    await bench.advance(90)
    assert bench.done == ["motion.start"]
    rows = await bench.hub.journal.read(lambda db: db.execute("select count(*) from rule_holds").fetchone()[0])
    assert rows == 1, "what fired, and is so still"


async def test_sources_follow_the_rules(bench):
    bench.triggers, bench.make_sources = "[{trigger: bel}]", Bells
    await bench.open(SLOW)
    bells = bench.engine._sources
    assert bells.owners == {"aturan": ("triggers[0]",)}
    bench._rules += OTHER
    await bench.reload(old="- id: aturan", new="- id: aturan-dua")
    assert bells.owners == {"aturan-dua": ("triggers[0]",)}
    await bells.ring("aturan-dua", "triggers[0]")
    await bench.rest()
    (trace,) = await bench.engine.traces("aturan-dua")
    assert trace.state == "running"
    await bench.reload(old="trigger: bel", new="trigger: event, kind: motion.start")
    assert bells.owners == {}


async def test_a_full_disk_changes_nothing_at_all(bench):
    await bench.open(SLOW)
    await bench.tell()
    write = bench.hub.journal.write

    async def refusing(job, then=None):
        raise StoreFailed("disk penuh")

    bench.hub.journal.write = refusing
    with pytest.raises(StoreFailed):
        await bench.reload(old='kata: "lama"', new='kata: "baru"')
    bench.hub.journal.write = write
    await bench.advance(60)
    await bench.tell()
    await bench.advance(60)
    assert bench.done == ["lama", "lama"]


async def test_no_event_is_missed_or_met_twice_while_rules_are_read_again_and_again(bench):
    await bench.open(f"\n    - {say('{{ trigger.event.data.n }}')}", more="  mode: parallel\n  max: 1000\n")

    async def tell():
        for n in range(300):
            await bench.hub.emit(event("object.person", at=bench.hub.clock.now(), data={"n": n}))

    told = asyncio.ensure_future(tell())
    turns = 0
    while not told.done():
        turns += 1
        more = f"  description: putaran {turns}\n  mode: parallel\n  max: 1000\n"
        report = await bench.engine.reload(bench.read(f"\n    - {say('{{ trigger.event.data.n }}')}", more))
        assert report.changed == ("aturan",) and report.cut_off == 0
    await until(lambda: len(bench.done) >= 300)
    await bench.rest()
    assert turns > 3 and sorted(map(int, bench.done)) == list(range(300))
