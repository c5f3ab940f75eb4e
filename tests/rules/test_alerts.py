"""An alert goes out whatever else is wrong: its words, its picture, its contact, the disk."""

import asyncio
from datetime import timedelta

import pytest
from hub_for_rules import close_hub, event, open_hub, read_rules, until

from siaga.core.errors import StoreFailed
from siaga.core.types import Event
from siaga.rules.engine import RuleEngine


class Bench:
    """A hub with an engine on one rule of some actions."""

    async def open(self, folder, actions, kind="object.person", hub=None, more=""):
        self.hub = hub or await open_hub(folder / "siaga.db")
        head = f"- id: aturan\n  alias: Ada orang\n  triggers: [{{trigger: event, kind: {kind}}}]\n"
        rule = f"{head}{more}  actions:\n{actions}"
        self.loaded = read_rules(rule, folder)
        assert [str(p) for p in self.loaded.problems] == []
        self.engine = RuleEngine(self.hub, self.loaded)
        await self.engine.start()
        return self

    async def tell(self, kind="object.person", **more) -> Event:
        told = event(kind, **more)
        await self.hub.emit(told)
        return told

    async def ended(self):
        async def is_ended():
            traces = await self.engine.traces("aturan")
            return traces if traces and all(trace.state != "running" for trace in traces) else None

        return (await until(is_ended))[0]

    async def failures(self):
        return [one.event for one in await self.hub.events.find(kind="notice.failed")]


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    await close_hub(bench.hub, bench.engine)


def notify(target="{contact: lurah}", name="notify", **data):
    written = ", ".join(f"{key}: {value}" for key, value in data.items())
    return f"    - {{action: {name}, target: {target}, data: {{{written}}}}}\n"


BAD = '"{{ trigger.event.data.tidak_ada }}"'
ASSERTS = "\"{{ 'abcdef' | truncate(2) }}\""


@pytest.mark.parametrize("message", [BAD, ASSERTS, '"{{ none }}"', "\"{{ '' }}\"", '"{{ true }}"', '"{{ [1, 2] }}"'])
async def test_a_message_that_comes_to_nothing_goes_out_in_plain_words(bench, tmp_path, message):
    await bench.open(tmp_path, notify(message=message))
    await bench.tell()
    trace = await bench.ended()
    (notice,) = await bench.hub.outbox.all()
    assert notice.text.startswith("Ada orang: object.person di Kali Ciliwung. (Pesan aturan ini tidak dapat dibuat: ")
    assert notice.parameters == (notice.text,)
    assert trace.steps[-1].outcome == "done" and trace.steps[-1].error


@pytest.mark.parametrize("broken", [BAD, ASSERTS])
async def test_a_variable_that_cannot_be_worked_out_costs_the_wording_not_the_alert(bench, tmp_path, broken):
    alert = notify(message='"Ada orang, {{ tinggi }}"')
    await bench.open(tmp_path, alert, more=f"  variables: {{tinggi: {broken}, batas: 3}}\n")
    await bench.tell()
    trace = await bench.ended()
    (notice,) = await bench.hub.outbox.all()
    assert notice.text.startswith("Ada orang: object.person di Kali Ciliwung.") and "'tinggi'" in notice.text
    assert [(s.path, s.outcome) for s in trace.steps[1:]] == [("variables.tinggi", "failed"), ("actions[0]", "done")]


@pytest.mark.parametrize("broken", [BAD, ASSERTS])
async def test_a_delay_that_cannot_be_worked_out_does_not_hold_the_alert(bench, tmp_path, broken):
    await bench.open(tmp_path, f"    - {{delay: {broken}}}\n" + notify(message="Ada orang"))
    await bench.tell()
    assert [s.outcome for s in (await bench.ended()).steps[1:]] == ["failed", "done"]
    assert [notice.text for notice in await bench.hub.outbox.all()] == ["Ada orang"]


@pytest.mark.parametrize("key", ["parameters", "image", "clip", "priority", "expires"])
@pytest.mark.parametrize("value", [BAD, '"{{ {1: 2} }}"'], ids=["fails", "is of no use"])
async def test_a_wrong_part_of_an_alert_is_left_out_and_the_alert_goes(bench, tmp_path, key, value):
    await bench.open(tmp_path, notify(message="Ada orang", **{key: value}))
    await bench.tell(snapshot="snapshots/kali.jpg")
    trace = await bench.ended()
    (notice,) = await bench.hub.outbox.all()
    assert (notice.text, notice.parameters, notice.priority) == ("Ada orang", ("Ada orang",), "normal")
    assert (notice.image, notice.clip) == ("snapshots/kali.jpg", None)
    assert trace.steps[-1].outcome == "done" and trace.steps[-1].error


@pytest.mark.parametrize(
    ("target", "whom"),
    [
        ('{contact: ["{{ trigger.event.data.petugas }}", lurah]}', "target.contact"),
        ("{contact: [\"{{ 'luarh' }}\", lurah]}", "luarh"),
    ],
    ids=["a template that fails", "a name that nobody has"],
)
async def test_a_contact_that_cannot_be_known_is_told_and_the_others_are_reached(bench, tmp_path, target, whom):
    await bench.open(tmp_path, notify(target, message="Ada orang"))
    seen = await bench.tell()
    await bench.ended()
    assert [notice.to for notice in await bench.hub.outbox.all()] == ["+62813"]
    (failure,) = await bench.failures()
    assert (failure.data["to"], failure.data["event"]) == (whom, seen.id)
    assert failure.data["is_final"] and "tidak dapat dikirim" in failure.data["reason"]


async def test_an_alert_without_anybody_to_reach_is_told_once(bench, tmp_path):
    await bench.open(tmp_path, notify(f"{{contact: {BAD}}}", message="Ada orang", name="notify.wa", to=BAD))
    await bench.tell()
    trace = await bench.ended()
    assert trace.steps[-1].outcome == "failed"
    assert {failure.data["to"] for failure in await bench.failures()} >= {"target.contact", "data.to"}


async def test_a_rule_about_failed_notices_that_fails_itself_does_not_tell_of_itself_for_ever(bench, tmp_path):
    await bench.open(tmp_path, notify(f"{{contact: {BAD}}}", message="Gagal"), kind="notice.failed")
    await bench.tell("notice.failed")
    await bench.ended()
    assert len(await bench.failures()) == 1


async def test_a_recording_from_before_the_ring_is_refused_and_the_default_fits_it(bench, tmp_path):
    rule = "- id: a\n  triggers: [{trigger: event, kind: object.person}]\n  actions:\n"
    action = "    - {action: recording.burst, data: {before: 1 min}}\n"
    (problem,) = read_rules(rule + action, tmp_path).problems
    assert str(problem).endswith(
        "banjir.yaml:4: actions[0].data.before: rekaman hanya dapat mulai 20 detik sebelum kejadian, bukan 60 detik;"
        " naikkan media.ring, atau kurangi"
    )
    await bench.open(tmp_path, '    - {action: recording.burst, data: {before: "{{ 90 }}"}}\n')
    await bench.tell()
    await bench.ended()
    ((_, _, _, before_s, _),) = bench.hub.bursts.values()
    assert before_s == 20


class FullDisk:
    """Stand before an outbox whose disk is full until it is not."""

    def __init__(self, outbox):
        self._outbox = outbox
        self.is_full = True
        self.refused = 0

    async def put(self, notice):
        if self.is_full:
            self.refused += 1
            raise StoreFailed("disk penuh")
        return await self._outbox.put(notice)

    async def all(self):
        return await self._outbox.all()


async def full_disk(folder):
    hub = await open_hub(folder / "siaga.db")
    hub.outbox = FullDisk(hub.outbox)
    return hub


async def waited(bench, seconds):
    """Pass time in small steps, so that what waits for the journal's threads comes to its next wait."""
    for _ in range(int(seconds)):
        await bench.hub.clock.advance(1)
        await asyncio.sleep(0.005)


async def test_a_disk_that_is_full_for_some_seconds_costs_no_alert(bench, tmp_path):
    await bench.open(tmp_path, notify(message="Ada orang"), hub=await full_disk(tmp_path))
    await bench.tell()
    await until(lambda: bench.hub.outbox.refused)
    await waited(bench, 15)
    bench.hub.outbox.is_full = False
    await waited(bench, 5)
    assert (await bench.ended()).state == "finished"
    assert len(await bench.hub.outbox.all()) == 1


async def test_a_disk_that_is_full_for_minutes_holds_the_alert_but_not_the_steps_behind_it(bench, tmp_path):
    actions = (
        notify(message="Ada orang")
        + "    - {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: pintu-air}}\n"
    )
    await bench.open(tmp_path, actions, hub=await full_disk(tmp_path))
    await bench.tell()
    await until(lambda: bench.hub.outbox.refused)
    await waited(bench, 60)
    assert bench.hub.dome.went_to == ["pintu-air"]
    bench.hub.outbox.is_full = False
    await waited(bench, 70)
    trace = await bench.ended()
    assert [step.outcome for step in trace.steps if step.path.startswith("actions")] == ["done", "done"]
    assert len(await bench.hub.outbox.all()) == 1
    assert bench.hub.dome.went_to == ["pintu-air"], "what was done is not done again"


async def test_an_alert_that_the_disk_refused_goes_out_after_the_next_start(bench, tmp_path):
    await bench.open(tmp_path, notify(message="Ada orang"), hub=await full_disk(tmp_path))
    await bench.tell()
    await until(lambda: bench.hub.outbox.refused)
    await waited(bench, 40)
    await close_hub(bench.hub, bench.engine)
    await bench.open(tmp_path, notify(message="Ada orang"))
    assert (await bench.ended()).state == "finished"
    assert len(await bench.hub.outbox.all()) == 1


class FullJournal:
    """Stand before a journal that refuses to write while its disk is full."""

    def __init__(self, journal):
        self._journal = journal
        self.is_full = False
        self.read, self.migrate, self.close = journal.read, journal.migrate, journal.close

    async def write(self, job, then=None):
        if self.is_full:
            raise StoreFailed("disk penuh")
        return await self._journal.write(job, then)


async def is_waiting(bench):
    async def waits():
        traces = await bench.engine.traces("aturan")
        return traces and traces[0].steps[-1].outcome == "waiting"

    await until(waits)


async def test_a_run_whose_end_could_not_be_kept_ends_when_there_is_room(bench, tmp_path):
    hub = await open_hub(tmp_path / "siaga.db")
    hub.journal = FullJournal(hub.journal)
    await bench.open(tmp_path, "    - {delay: 5}\n    - {action: log, data: {message: a}}\n", hub=hub)
    await bench.tell()
    await is_waiting(bench)
    hub.journal.is_full = True
    await waited(bench, 20)
    assert (await bench.engine.traces("aturan"))[0].state == "running"
    hub.journal.is_full = False
    await waited(bench, 70)
    assert (await bench.ended()).state == "finished"


class SetBack:
    """Tell the time of a clock that somebody sets wrong."""

    def __init__(self, clock):
        self._clock = clock
        self.wrong_by = timedelta()

    def now(self):
        return self._clock.now() + self.wrong_by

    def mono_s(self):
        return self._clock.mono_s()

    async def sleep(self, seconds):
        await self._clock.sleep(seconds)

    async def advance(self, seconds):
        await self._clock.advance(seconds)


async def test_a_wall_clock_set_back_makes_no_delay_longer(bench, tmp_path):
    hub = await open_hub(tmp_path / "siaga.db")
    hub.clock = SetBack(hub.clock)
    await bench.open(tmp_path, "    - {delay: 60}\n" + notify(message="Ada orang"), hub=hub)
    await bench.tell()

    await is_waiting(bench)
    hub.clock.wrong_by = -timedelta(hours=1)
    await waited(bench, 61)
    await bench.ended()
    assert len(await hub.outbox.all()) == 1
