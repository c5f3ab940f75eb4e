"""A rule rests after a run: as a whole, or each camera, zone or whatever its key gives for itself."""

from datetime import timedelta

import pytest
from hub_for_rules import EVENING, event, read_rules
from step_bench import StepBench, say

from siaga.rules.cooling import Cooldowns
from siaga.rules.watch_log import Watched, keep_watched

KEYS = {
    "beside": '  cooldown: 15 min\n  cooldown_key: "{{ trigger.event.camera.id }}"\n',
    "inside": '  cooldown: {for: {minutes: 15}, key: "{{ trigger.event.camera.id }}"}\n',
}
QUEUED = "  mode: queued\n"
WHO = f"\n    - {say('{{ trigger.event.camera.id }}')}"


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


def seen(bench, camera="kali", **more):
    return event("object.person", camera, at=bench.hub.clock.now(), **more)


@pytest.mark.parametrize("way", KEYS)
async def test_each_key_rests_for_itself_also_over_a_restart(bench, way):
    await bench.open(WHO, more=QUEUED + KEYS[way])
    await bench.tell(seen(bench), seen(bench), seen(bench, "sekolah"))
    assert bench.done == ["kali", "sekolah"]
    await bench.again(after_s=600)
    await bench.tell(seen(bench), seen(bench, "ptz"))
    assert bench.done == ["kali", "sekolah", "ptz"]
    await bench.advance(300)
    await bench.tell(seen(bench), seen(bench, "ptz"))
    assert bench.done == ["kali", "sekolah", "ptz", "kali"]


async def test_a_key_that_cannot_be_rendered_rests_together_with_all_such_and_is_told(bench):
    await bench.open(WHO, more=QUEUED + '  cooldown: 60\n  cooldown_key: "{{ trigger.event.data.pelat }}"\n')
    await bench.tell(seen(bench), seen(bench, "sekolah"), seen(bench, data={"pelat": "B 1"}))
    assert bench.done == ["kali", "kali"]
    rows = [step for trace in await bench.engine.traces("aturan") for step in trace.steps]
    assert any(step.path == "cooldown_key" and "pelat" in step.error for step in rows)


async def test_keys_that_cool_nothing_any_more_are_forgotten(bench):
    await bench.open(WHO, more=QUEUED + '  cooldown: 60\n  cooldown_key: "{{ trigger.event.id }}"\n')
    for _ in range(3):
        await bench.tell(seen(bench))
    assert await kept(bench.hub) == 3
    await bench.advance(61)
    await bench.tell(seen(bench))
    assert await kept(bench.hub) == 1
    assert len(bench.engine._decider.cooldowns._last["aturan"]) == 1


async def test_of_very_many_keys_the_newest_thousand_are_kept(bench):
    await bench.open(WHO, more='  cooldown: 1 h\n  cooldown_key: "{{ trigger.event.id }}"\n')
    cooldowns, (rule,) = Cooldowns(), bench.engine._rules.values()
    for n in range(1_005):
        cooldowns.ran(rule, str(n), EVENING + timedelta(seconds=n))
    watched = Watched(cooled=cooldowns.changes)
    cooldowns.keep()
    await bench.hub.journal.write(lambda db: keep_watched(db, watched))
    assert await kept(bench.hub) == 1_000
    now = EVENING + timedelta(seconds=1_005)
    assert [cooldowns.is_cooling(rule, str(n), None, now) for n in (4, 5)] == [False, True]


async def kept(hub):
    return (await hub.journal.read(lambda db: db.execute("select count(*) from rule_cooldowns").fetchone()))[0]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("cooldown_key: '{{ trigger.id }}'", "cooldown_key perlu cooldown"),
        ("cooldown: {for: 60, key: '{{ a }}'}\n  cooldown_key: '{{ b }}'", "tidak keduanya"),
        ("cooldown: {for: 60, kunci: '{{ a }}'}", "kunci"),
        ("cooldown: {for: lama}", "cooldown"),
        ("cooldown: 60\n  cooldown_key: '{{ trigger. }}'", "cooldown_key: templat"),
        ("cooldown: {for: 60, key: '{{ trigger. }}'}", "cooldown.key: templat"),
    ],
)
def test_a_wrong_cooldown_is_told_in_its_place(tmp_path, written, told):
    text = f"- id: a\n  triggers: [{{trigger: event, kind: object.person}}]\n  actions: [delay: 1]\n  {written}\n"
    loaded = read_rules(text, tmp_path)
    assert not loaded.rules and any(told in str(problem) for problem in loaded.problems), loaded.problems
