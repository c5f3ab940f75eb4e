"""Rules and incidents: one alert however many events, whom a rule reaches, and the actions on incidents."""

from datetime import timedelta

import pytest
from alert_cases import advance, alert, rest, site
from hub_for_rules import EVENING, close_hub, event, open_hub, read_rules, until

from siaga.core.clock import ManualClock
from siaga.rules.engine import RuleEngine

HEAD = "- id: aturan\n  alias: Ada orang\n  triggers: [{{trigger: event, kind: {kind}}}]\n  mode: queued\n  actions:\n"


def notify(target="{contact: lurah}", message="Ada orang", **data):
    more = "".join(f", {key}: {value}" for key, value in data.items())
    return f'    - {{action: notify, target: {target}, data: {{message: "{message}"{more}}}}}\n'


class Bench:
    """A hub with an engine on one rule, and people of every sort."""

    async def open(self, folder, actions, kind="object.person", at=EVENING):
        self.folder, self.rule = folder, HEAD.format(kind=kind) + actions
        self.hub = await open_hub(folder / "siaga.db", ManualClock(at), site=site())
        loaded = read_rules(self.rule, folder, site=site())
        assert [str(problem) for problem in loaded.problems] == []
        self.engine = RuleEngine(self.hub, loaded)
        await self.engine.start()

    async def tell(self, kind="object.person", **more):
        told = event(kind, at=self.hub.clock.now(), **more)
        await self.hub.emit(told)
        await self.ended()
        return told

    async def ended(self):
        async def is_ended():
            last = await self.hub.events.last_seq()
            traces = await self.engine.traces("aturan")
            return self.engine._cursor >= last and all(trace.state != "running" for trace in traces)

        await until(is_ended)
        await rest(self.hub)

    async def trace(self):
        return (await self.engine.traces("aturan"))[0]

    async def to(self):
        return [notice.to for notice in await self.hub.outbox.all()]

    async def close(self):
        await close_hub(self.hub, self.engine)


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    await bench.close()


@pytest.mark.parametrize(
    ("target", "whom"),
    [
        ("{team: satgas}", ["+62813", "+62815"]),
        ("{rota: jaga}", ["+62813"]),
        ("{contact: budi, team: satgas}", ["+62815", "+62813"]),
        ("{team: \"{{ 'satgas' }}\"}", ["+62813", "+62815"]),
    ],
)
async def test_a_team_is_its_members_a_rota_who_is_on_duty_and_nobody_is_told_twice(bench, tmp_path, target, whom):
    await bench.open(tmp_path, notify(target))
    await bench.tell()
    assert await bench.to() == whom


async def test_many_events_of_one_camera_are_one_incident_and_one_alert(bench, tmp_path):
    await bench.open(tmp_path, notify())
    for _ in range(5):
        await bench.tell()
    await bench.tell(camera="sekolah")
    assert await bench.to() == ["+62813", "+62813"]
    assert [(one.key, one.events) for one in await bench.hub.alerts.incidents()] == [
        ("aturan/sekolah", 1),
        ("aturan/kali", 5),
    ]
    trace = (await bench.engine.traces("aturan"))[1]
    assert trace.steps[-1].values["grouped"] is True and trace.steps[-1].outcome == "done"


async def test_two_steps_of_one_run_tell_both_and_are_one_event(bench, tmp_path):
    await bench.open(tmp_path, notify() + notify("{contact: budi}"))
    await bench.tell()
    assert await bench.to() == ["+62813", "+62815"]
    assert [one.events for one in await bench.hub.alerts.incidents()] == [1]


@pytest.mark.parametrize(
    ("data", "camera", "keys"),
    [
        ({}, "kali", ["aturan/kali"]),
        ({}, None, []),
        ({"priority": "low"}, "kali", []),
        ({"incident": "false"}, "kali", []),
        ({"incident": '"gang-{{ trigger.event.zone }}"'}, "kali", ["gang-bantaran"]),
        ({"escalate": "[{after: 5 min}]"}, None, ["aturan"]),
    ],
)
async def test_what_is_an_incident_by_itself_and_what_a_rule_makes_one(bench, tmp_path, data, camera, keys):
    await bench.open(tmp_path, notify(**data))
    await bench.tell(camera=camera, zone="bantaran")
    assert [one.key for one in await bench.hub.alerts.incidents()] == keys
    assert [notice.asks_answer for notice in await bench.hub.outbox.all()] == [bool(keys)]


async def test_an_escalation_written_in_a_rule_reaches_the_next_people(bench, tmp_path):
    step = '{after: 5 min, target: {team: satgas}, message: "Belum ada yang ke {{ trigger.event.camera.name }}"}'
    await bench.open(tmp_path, notify("{contact: posko}", escalate=f"[{step}]"))
    await bench.tell()
    await advance(bench.hub, 320)
    told = [notice for notice in await bench.hub.outbox.all() if notice.to in ("+62813", "+62815")]
    assert {notice.text for notice in told} == {"Belum ada yang ke Kali Ciliwung"} and len(told) == 2


async def test_an_escalation_outlives_a_word_of_it_that_cannot_be_made(bench, tmp_path):
    broken = '"{{ trigger.event.data.tidak_ada }}"'
    steps = f"[{{after: 5 min, target: {{contact: [budi, {broken}]}}, message: {broken}}}]"
    await bench.open(tmp_path, notify(escalate=steps))
    await bench.tell()
    assert "tidak_ada" in (await bench.trace()).steps[-1].error
    await advance(bench.hub, 320)
    assert await bench.to() == ["+62813", "+62815"]
    assert (await bench.hub.outbox.all())[-1].text == "BELUM DITANGGAPI 5 menit: Ada orang"


async def test_a_key_may_be_a_number(bench, tmp_path):
    await bench.open(tmp_path, notify(incident='"{{ 5 }}"'))
    await bench.tell()
    assert [one.key for one in await bench.hub.alerts.incidents()] == ["5"]


async def test_a_rule_opens_answers_and_closes_an_incident(bench, tmp_path):
    actions = (
        "    - {action: incident.open, data: {title: Pintu air terbuka, incident: pintu, priority: high},"
        " response_variable: pintu}\n"
        "    - {action: incident.ack, data: {incident: pintu, by: Juru pintu}}\n"
        '    - {action: incident.close, data: {incident: "{{ pintu.incident }}", note: tertutup lagi}}\n'
        "    - {action: incident.close, data: {incident: pintu}}\n"
    )
    await bench.open(tmp_path, actions)
    await bench.tell()
    (incident,) = await bench.hub.alerts.incidents()
    assert (incident.title, incident.priority, incident.state) == ("Pintu air terbuka", "high", "closed")
    assert (incident.acknowledged_by, incident.closed_by, incident.note) == (
        "Juru pintu", "aturan aturan", "tertutup lagi"
    )  # fmt: skip
    steps = (await bench.trace()).steps[-4:]
    assert [step.outcome for step in steps] == ["done", "done", "done", "failed"]
    assert "sudah ditutup aturan aturan pukul 19.05" in steps[-1].error
    assert await bench.to() == []


async def test_a_rule_about_incidents_opens_none_and_feeds_itself_never(bench, tmp_path):
    await bench.open(tmp_path, notify(incident='"{{ trigger.event.id }}"'), kind="incident.*")
    outcome = await bench.hub.open_incident(alert("satu", incident="satu"))
    await bench.ended()
    await bench.hub.close_incident(outcome.id, "Bu Sari")
    await bench.ended()
    assert [one.key for one in await bench.hub.alerts.incidents()] == ["satu"]
    assert len(await bench.to()) == 2


async def test_an_alert_of_a_run_that_stood_still_says_since_when(bench, tmp_path):
    actions = "    - {delay: 60}\n    - {action: snapshot}\n" + notify()
    await bench.open(tmp_path, actions)
    await bench.hub.emit(event("object.person", at=bench.hub.clock.now()))

    async def waits():
        traces = await bench.engine.traces("aturan")
        return traces and traces[0].steps[-1].outcome == "waiting"

    await until(waits)
    await bench.close()
    await bench.open(tmp_path, actions, at=EVENING + timedelta(minutes=31))
    await bench.ended()
    (notice,) = await bench.hub.outbox.all()
    assert notice.since == EVENING + timedelta(minutes=1), "the delay that the rule asks for is none"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (notify("{team: satgass}"), "actions[0].target.team: tidak ada tim 'satgass' (maksud Anda 'satgas'?)"),
        (notify("{rota: jagaa}"), "actions[0].target.rota: tidak ada giliran jaga 'jagaa' (maksud Anda 'jaga'?)"),
        (
            notify(escalate="[{after: 5 min, target: {contact: [posko, budy]}}]"),
            "actions[0].data.escalate[0].target.contact[1]: tidak ada kontak 'budy' (maksud Anda 'budi'?)",
        ),
        (notify(escalate="[{aftre: 5 min}]"), "escalate[0].aftre: "),
        (notify(escalate="[{after: 1 s}]"), "escalate[0].after: "),
        ("    - {action: incident.close, data: {incidnet: x}}\n", "(maksud Anda 'incident'?)"),
        ("    - {action: incident.open, data: {}}\n", "actions[0].data.title: "),
    ],
)
def test_a_name_that_nobody_has_is_told_with_its_place_and_the_nearest(tmp_path, action, told):
    (problem,) = read_rules(HEAD.format(kind="object.person") + action, tmp_path, site=site()).problems
    assert problem.problem.line == 6 and told in str(problem)
