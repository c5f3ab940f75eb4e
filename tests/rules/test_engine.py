"""What rules do when events come: the road, modes, cooldowns, failures, and what stands in the trace."""

import asyncio
from datetime import timedelta

import pytest
import voluptuous as vol
from hub_for_rules import EVENING, built_in_words, close_hub, event, open_hub, read_rules, until

from siaga.core.clock import ManualClock
from siaga.core.contracts import Kind
from siaga.rules.engine import RuleEngine

ROAD = """
- id: siaga-2
  alias: Kali Siaga 2
  triggers:
    - {trigger: event, kind: flood.stage, camera: kali, to: 2, id: naik}
  conditions:
    - "{{ trigger.event.data.confidence > 0.6 }}"
  actions:
    - {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: pintu-air}}
    - {action: recording.burst, target: {camera: [kali, ptz]}, data: {before: 10, after: 60}}
    - action: notify
      target: {contact: posko}
      data:
        message: >-
          {{ trigger.event.camera.name }} SIAGA 2: air {{ trigger.event.data.level_cm | round }} cm,
          {{ trigger.event.at | jam }}
"""
HIGH = {"to": 2, "from": 3, "level_cm": 212.4, "confidence": 0.9}


class Bench:
    """A hub with an engine on rules."""

    def __init__(self, folder):
        self.folder = folder
        self.hub = self.engine = None

    async def open(self, rules, clock=None, words=None):
        self.hub = await open_hub(self.folder / "siaga.db", clock)
        loaded = read_rules(rules, self.folder, words=words)
        self.engine = RuleEngine(self.hub, loaded)
        await self.engine.start()
        return self

    async def close(self):
        if self.hub is not None:
            await close_hub(self.hub, self.engine)
            self.hub = None

    async def again(self, rules, after_s=0.0):
        """Stop and start on the same journal, some seconds later."""
        start = self.hub.clock.now() + timedelta(seconds=after_s)
        await self.close()
        return await self.open(rules, ManualClock(start))

    async def met(self):
        """Wait until every event was met and no run can go on without the clock."""
        last = await self.hub.events.last_seq()
        await until(lambda: self.engine._cursor >= last, "the journal was followed")

        async def at_rest():
            before = await self.steps()
            await asyncio.sleep(0.02)
            # A slow disk is no rest: what is written now may let a run go on.
            is_idle = not self.hub.journal.under_way
            return is_idle and before == await self.steps() and all(map(can_only_wait, before))

        await until(at_rest)

    async def steps(self):
        states = await self.engine.rules()
        return [await self.engine.traces(state.id, 99) for state in states]

    async def tell(self, *events):
        for one in events:
            await self.hub.emit(one)
        await self.met()

    async def advance(self, seconds):
        await self.hub.clock.advance(seconds)
        await self.met()

    async def notices(self):
        return await self.hub.outbox.all()

    async def texts(self):
        return [notice.text for notice in await self.notices()]

    async def traces(self, rule_id, limit=50):
        return await self.engine.traces(rule_id, limit)

    async def states(self, rule_id):
        return [trace.state for trace in await self.traces(rule_id)]


def can_only_wait(traces):
    """Say whether each open run of a rule waits for the clock, or for an older run of its rule."""
    running = [trace for trace in traces if trace.state == "running"]
    waiting = [trace for trace in running if trace.steps[-1].outcome == "waiting"]
    begun = [trace for trace in running if trace.steps[-1].path.startswith("actions")]
    return len(waiting) == len(begun) and bool(waiting) == bool(running)


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    await bench.close()


def simple(rule_id="aturan", kind="object.person", more="", actions=""):
    actions = actions or SEND
    return f"- id: {rule_id}\n  triggers: [{{trigger: event, kind: {kind}}}]\n{more}  actions:\n{actions}"


SEND = "    - {action: notify, target: {contact: lurah}, data: {message: '{{ trigger.event.id }}', group: 0}}\n"
DELAYED = f"    - {{delay: 60}}\n{SEND}"


async def test_an_event_turns_the_ptz_cuts_clips_and_alerts_every_address_with_the_picture(bench):
    await bench.open(ROAD)
    seen = event(data=HIGH, snapshot="snapshots/kali.jpg")
    await bench.tell(seen)
    assert bench.hub.dome.went_to == ["pintu-air"]
    assert [(camera, at, before, after) for _, camera, at, before, after in bench.hub.bursts.values()] == [
        ("kali", seen.at, 10, 60),
        ("ptz", seen.at, 10, 60),
    ]
    notices = await bench.notices()
    assert [(n.notifier, n.to) for n in notices] == [("wa", "+62812"), ("catatan", "posko")]
    assert notices[0].text == "Kali Ciliwung SIAGA 2: air 212 cm, 19.05 WIB"
    assert (notices[0].image, notices[0].clip) == ("snapshots/kali.jpg", "clip-kali")
    assert notices[0].parameters == (notices[0].text,)
    assert notices[0].expires_at - notices[0].created_at == timedelta(minutes=30)
    (trace,) = await bench.traces("siaga-2")
    assert [(s.path, s.outcome) for s in trace.steps] == [
        ("triggers[0]", "true"),
        ("conditions[0]", "true"),
        ("actions[0]", "done"),
        ("actions[1]", "done"),
        ("actions[2]", "done"),
    ]
    assert (trace.state, trace.event_id) == ("finished", seen.id)
    assert trace.steps[1].values["trigger.event.data.confidence"] == 0.9


async def test_a_condition_that_does_not_hold_leaves_a_trace_with_the_value_and_no_alert(bench):
    await bench.open(ROAD)
    await bench.tell(event(data={**HIGH, "confidence": 0.5}))
    (trace,) = await bench.traces("siaga-2")
    assert trace.state == "conditions_failed" and trace.reason == "conditions[0]: tidak terpenuhi"
    assert trace.steps[1].values == {"result": False, "trigger.event.data.confidence": 0.5}
    assert not await bench.notices()
    (state,) = await bench.engine.rules()
    assert state.runs == 0 and state.last_triggered is None


async def test_an_event_that_nearly_fits_says_which_field_did_not(bench):
    await bench.open(ROAD)
    await bench.tell(event(data={**HIGH, "to": 3}), event(data=HIGH, camera="sekolah"))
    (miss,) = bench.engine.near_misses("siaga-2")
    assert (miss.trigger, miss.reason) == ("triggers[0]", "to adalah 3, yang ditunggu 2")


@pytest.mark.parametrize("fault", ["is_dead", "is_hanging"])
async def test_a_dead_ptz_camera_does_not_stop_the_alert(bench, fault):
    await bench.open(ROAD)
    setattr(bench.hub.dome, fault, True)
    await bench.hub.emit(event(data=HIGH))
    await until(bench.notices, limit_s=8.0)
    await bench.met()
    (trace,) = await bench.traces("siaga-2")
    assert [s.outcome for s in trace.steps[2:]] == ["failed", "done", "done"]
    assert "ptz" in trace.steps[2].error
    assert trace.state == "finished" and "actions[0]" in trace.reason


async def test_a_preset_that_the_camera_does_not_have_is_named_in_the_trace(bench):
    await bench.open(ROAD.replace("preset: pintu-air", "preset: pintu-ari"))
    await bench.tell(event(data=HIGH))
    (trace,) = await bench.traces("siaga-2")
    assert (
        "kamera ptz, ptz.goto_preset: tidak ada preset 'pintu-ari'" in trace.steps[2].error
        and "pintu-air, jembatan" in trace.steps[2].error
    )
    assert len(await bench.notices()) == 2


async def test_a_step_may_ask_that_its_failure_ends_the_run(bench):
    await bench.open(ROAD.replace("data: {preset: pintu-air}}", "data: {preset: x}, continue_on_error: false}"))
    await bench.tell(event(data=HIGH))
    (trace,) = await bench.traces("siaga-2")
    assert trace.state == "failed" and trace.reason.startswith("actions[0]: ")
    assert not await bench.notices()


async def test_an_alert_whose_message_cannot_be_rendered_still_goes_out_in_plain_words(bench):
    await bench.open(ROAD)
    await bench.tell(event(data={**HIGH, "level_cm": None}))
    text = (await bench.texts())[0]
    assert text.startswith("Kali Siaga 2: flood.stage di Kali Ciliwung.")
    (trace,) = await bench.traces("siaga-2")
    assert trace.steps[-1].outcome == "done" and "level_cm" in trace.steps[-1].error


async def test_a_rule_with_a_typo_is_off_and_shown_while_the_others_run(bench):
    await bench.open(ROAD + simple("salah").replace("triggers", "trigers"))
    await bench.tell(event(data=HIGH))
    right, wrong = await bench.engine.rules()
    assert (right.is_on, right.runs) == (True, 1)
    assert (wrong.id, wrong.is_on) == ("salah", False)
    assert "maksud Anda 'triggers'" in str(wrong.problems[0])
    (off,) = await bench.hub.events.find(kind="rule.off")
    assert off.event.data["rule"] == "salah" and "banjir.yaml:" in off.event.data["reason"]


class OwnError(Exception):
    """What a stranger's library might raise."""


class Broken:
    kinds = ("object.person",)
    cameras = ()
    targets = ()

    def __init__(self, *_):
        pass

    def miss(self, event):
        raise OwnError("pemicu rusak")

    def decide(self, moment):
        raise OwnError("syarat rusak")

    async def run(self, call, hub):
        raise OwnError("tindakan rusak")


class StrangersWords:
    def __init__(self):
        known, broken = built_in_words(), Kind("rusak", vol.Schema({}), Broken, "Rusak")
        self.triggers = {**known.triggers, "rusak": broken}
        self.conditions = {**known.conditions, "rusak": broken}
        self.actions = {**known.actions, "rusak": broken}
        self.template_functions = known.template_functions
        self.event_kinds = known.event_kinds


async def test_words_of_a_broken_plugin_cost_their_own_step_and_no_other_rule(bench):
    both = "    - {action: rusak}\n    - {action: notify, target: {contact: lurah}, data: {message: x}}\n"
    await bench.open(
        simple("pemicu").replace("{trigger: event, kind: object.person}", "{trigger: rusak}")
        + simple("syarat", more="  conditions: [{condition: rusak}]\n")
        + simple("tindakan", actions=both),
        words=StrangersWords(),
    )
    await bench.tell(event("object.person"))
    assert "pemicu rusak" in bench.engine.near_misses("pemicu")[0].reason
    (trace,) = await bench.traces("syarat")
    assert trace.state == "conditions_failed" and "syarat rusak" in trace.reason
    (trace,) = await bench.traces("tindakan")
    assert [step.outcome for step in trace.steps] == ["true", "failed", "done"]
    assert await bench.texts() == ["x"]


async def test_a_secret_never_reaches_a_trace(bench):
    actions = "    - {action: notify, target: {contact: lurah}, data: {message: !secret kunci}}\n"
    more = "  variables: {sandi: !secret kunci}\n  conditions: ['{{ sandi | length > 3 }}']\n"
    await bench.open(simple(more=more, actions=actions))
    await bench.tell(event("object.person"))
    (trace,) = await bench.traces("aturan")
    assert await bench.texts() == ["rahasia-sekali"]
    assert "rahasia" not in str(trace) and "***" in str(trace)


async def test_a_rule_that_is_switched_off_does_not_run(bench):
    await bench.open(simple(more="  enabled: false\n"))
    await bench.tell(event("object.person"))
    (state,) = await bench.engine.rules()
    assert not state.is_on and not state.problems and not await bench.notices()


# --- modes ----------------------------------------------------------------------------------------


async def three(bench, mode, extra=""):
    await bench.open(simple(more=f"  mode: {mode}\n{extra}", actions=DELAYED))
    told = [event("object.person") for _ in range(3)]
    for one in told:
        await bench.tell(one)
    return [one.id for one in told]


async def test_single_leaves_events_out_while_it_runs(bench):
    first, _, _ = await three(bench, "single")
    await bench.advance(60)
    assert await bench.texts() == [first]
    dropped = next(t for t in await bench.traces("aturan") if t.state == "dropped")
    assert dropped.reason == "2 × dilewati karena aturan masih berjalan"


async def test_restart_begins_anew_with_each_event(bench):
    _, _, last = await three(bench, "restart")
    await bench.advance(60)
    assert await bench.texts() == [last]
    assert sorted(await bench.states("aturan")) == ["cut_off", "cut_off", "finished"]


async def test_queued_runs_one_after_the_other(bench):
    told = await three(bench, "queued")
    for n in (1, 2, 3):
        await bench.advance(60)
        assert await bench.texts() == told[:n]


async def test_parallel_runs_all_at_once(bench):
    told = await three(bench, "parallel")
    await bench.advance(60)
    assert sorted(await bench.texts()) == sorted(told)


@pytest.mark.parametrize("mode", ["queued", "parallel"])
async def test_more_runs_than_max_are_left_out(bench, mode):
    told = await three(bench, mode, "  max: 2\n")
    await bench.advance(60)
    await bench.advance(60)
    # Side by side means in no order.
    assert sorted(await bench.texts()) == sorted(told[:2])


# --- cooldown, lateness ---------------------------------------------------------------------------


async def test_a_cooldown_holds_also_over_a_restart_and_counts_what_it_left_out(bench):
    rules = simple(more="  cooldown: {minutes: 15}\n")
    await bench.open(rules)
    first = event("object.person")
    await bench.tell(first, event("object.person"), event("object.person"))
    await bench.again(rules, after_s=800)
    await bench.tell(event("object.person", at=bench.hub.clock.now()))
    assert await bench.texts() == [first.id]
    dropped = [t for t in await bench.traces("aturan") if t.state == "dropped"]
    assert [t.reason for t in dropped] == ["3 × dilewati karena masih dalam masa jeda (cooldown)"]
    await bench.advance(101)
    last = event("object.person", at=bench.hub.clock.now())
    await bench.tell(last)
    assert await bench.texts() == [first.id, last.id]


async def test_an_event_from_before_the_restart_is_met_late_and_an_old_one_is_not(bench):
    rules = simple(
        actions="    - {action: notify, target: {contact: lurah}, data: {message: '{{ trigger.late_s | lama }}'}}\n"
    )
    hub = await open_hub(bench.folder / "siaga.db")
    await hub.emit(event("object.person", ago_s=4000))
    await hub.emit(event("object.person", ago_s=90))
    await close_hub(hub)
    await bench.open(rules)
    await bench.met()
    assert await bench.texts() == ["1 menit 30 detik"]
    assert "lebih dari satu jam" in (await bench.traces("aturan"))[-1].reason


async def test_one_event_runs_a_rule_once_though_two_triggers_fit(bench):
    two = "[{trigger: event, kind: object.*, id: a}, {trigger: event, kind: object.person, id: b}]"
    rules = simple().replace("[{trigger: event, kind: object.person}]", two).replace("event.id", "id")
    await bench.open(rules)
    await bench.tell(event("object.person"))
    assert await bench.texts() == ["a"]


# --- steps ----------------------------------------------------------------------------------------


async def test_choose_if_variables_and_stop_take_the_way_that_their_conditions_say(bench):
    actions = """
    - variables: {tinggi: "{{ trigger.event.data.level_cm }}"}
    - choose:
        - conditions: "{{ tinggi > 250 }}"
          sequence: [{action: log, data: {message: tinggi sekali}}]
        - conditions: ["{{ tinggi > 150 }}"]
          sequence:
            - {action: notify, target: {contact: lurah}, data: {message: "air {{ tinggi }}"}}
            - "{{ false }}"
            - {action: notify, target: {contact: lurah}, data: {message: tidak}}
      default: [{action: notify, target: {contact: lurah}, data: {message: bawaan}}]
    - if: [{condition: time, after: "19:00", before: "19:10"}]
      then: {stop: "cukup {{ tinggi }}"}
    - {action: notify, target: {contact: lurah}, data: {message: tidak}}
"""
    await bench.open(simple(kind="flood.level", actions=actions))
    await bench.tell(event("flood.level", data={"level_cm": 200}))
    assert await bench.texts() == ["air 200"]
    (trace,) = await bench.traces("aturan")
    assert trace.reason == "cukup 200"
    assert [(s.path, s.outcome) for s in trace.steps[2:]] == [
        ("actions[1]", "true"),
        ("actions[1].choose[1].sequence[0]", "done"),
        ("actions[1].choose[1].sequence[1]", "false"),
        ("actions[2]", "true"),
        ("actions[2].then[0]", "done"),
    ]


async def test_a_snapshot_of_the_event_camera_goes_with_the_alert_when_the_event_has_none(bench):
    actions = "    - action: snapshot\n    - {action: notify, target: {contact: lurah}, data: {message: x}}\n"
    await bench.open(simple(actions=actions))
    await bench.tell(event("object.person"))
    assert [n.image for n in await bench.notices()] == ["snapshots/kali-1.jpg"]


async def test_notify_by_one_notifier_reaches_only_its_addresses(bench):
    actions = """
    - {action: notify.catatan, target: {contact: posko}, data: {message: a}}
    - {action: notify.wa, data: {to: ["+62899"], message: b, priority: high, expires: 5 min, parameters: [p, q]}}
"""
    await bench.open(simple(actions=actions))
    await bench.tell(event("object.person"))
    one, two = await bench.notices()
    assert (one.notifier, one.to) == ("catatan", "posko")
    assert (two.to, two.priority, two.parameters) == ("+62899", "high", ("p", "q"))
    assert two.expires_at - two.created_at == timedelta(minutes=5)


async def test_traces_stay_bounded_per_rule(bench):
    await bench.open(simple(more="  mode: parallel\n  max: 1000\n  conditions: ['{{ trigger.event.score > 0.5 }}']\n"))
    for n in range(140):
        await bench.hub.emit(event("object.person", score=0.9 if n % 2 else 0.1))
    await bench.met()
    states = [trace.state for trace in await bench.traces("aturan", 500)]
    assert 50 <= states.count("finished") <= 60 and 20 <= states.count("conditions_failed") <= 30
    (state,) = await bench.engine.rules()
    assert state.runs == 70 and len(await bench.notices()) == 70
    assert state.last_triggered == EVENING
