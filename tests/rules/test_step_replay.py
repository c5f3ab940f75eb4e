"""What becomes of loops, branches, waits and scripts when the hub dies at any commit: each action is done once."""

import asyncio

import pytest
from hub_for_rules import event, until
from step_bench import StepBench

# Each part decides something by the time, so that a step that is decided twice would be decided otherwise.
LOOPS = """
    - variables: {undian: "{{ now().timestamp() }}"}
    - repeat:
        count: "{{ 2 + undian * 0 }}"
        sequence:
          - variables: {jam: "{{ now().timestamp() - undian }}"}
          - {action: catat, data: {kata: "hitung {{ repeat.index }}"}, response_variable: jawab}
          - {delay: 2}
    - repeat:
        while: "{{ now().timestamp() - undian < 8 }}"
        sequence:
          - {action: catat, data: {kata: "selama {{ repeat.index }}"}}
          - {delay: 3}
    - repeat:
        until: "{{ repeat.index == 2 }}"
        sequence: {action: catat, data: {kata: "sampai {{ repeat.index }} {{ jawab.kata }}"}}
    - repeat:
        for_each: "{{ [undian * 0 + 1, 'b'] }}"
        sequence:
          - repeat: {count: 2, sequence: {action: catat, data: {kata: "tiap {{ repeat.index }}"}}}
          - {action: catat, data: {kata: "isi {{ repeat.item }}"}}
    - {action: catat, data: {kata: "akhir {{ undian }}"}}
"""
BRANCHES = """
    - parallel:
        - sequence:
            - {action: catat, data: {kata: "a1"}}
            - {delay: 2}
            - {action: catat, data: {kata: "a2"}}
        - {action: catat, data: {kata: "b"}}
        - - wait_template: "{{ now().timestamp() > trigger.event.at.timestamp() + 4 }}"
            timeout: 30
          - {action: catat, data: {kata: "c {{ wait.completed }}"}}
        - sequence:
            - {action: catat, data: {kata: "d", gagal: true}}
            - {action: catat, data: {kata: "e"}}
    - wait_template: "{{ false }}"
      timeout: 3
    - {action: catat, data: {kata: "akhir {{ wait.completed }}"}}
"""
CALLS = """
    - variables: {undian: "{{ now().timestamp() }}"}
    - repeat:
        for_each: [kali, sekolah]
        sequence:
          - action: script.kirim
            data: {siapa: "{{ repeat.item }} {{ undian }}"}
            response_variable: hasil
          - {action: catat, data: {kata: "{{ hasil.jawab }}"}}
    - choose:
        - conditions: "{{ now().timestamp() < undian + 3 }}"
          sequence: {action: catat, data: {kata: tidak}}
      default:
        - {action: catat, data: {kata: bawaan}}
        - {action: script.henti}
    - {action: catat, data: {kata: akhir}}
"""
SCRIPTS = """
kirim:
  fields: {siapa: {required: true}, kali: {default: "{{ undian * 0 + 2 }}"}}
  variables: {mulai: "{{ now().timestamp() }}"}
  sequence:
    - {action: catat, data: {kata: "kirim {{ siapa }} {{ kali }}"}}
    - {delay: 2}
    - variables: {balasan: {jawab: "{{ siapa }} {{ mulai }}"}}
    - {stop: selesai, response_variable: balasan}
henti:
  sequence:
    - repeat:
        count: 3
        sequence:
          - {action: catat, data: {kata: "henti {{ repeat.index }}"}}
          - if: "{{ repeat.index == 2 }}"
            then: {stop: cukup}
"""
# Actions, scripts, and how many actions are under way at one moment.
RULES = {"loops": (LOOPS, "", 1), "branches": (BRANCHES, "", 4), "scripts": (CALLS, SCRIPTS, 1)}


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


async def finish(bench, limit_s=60):
    for _ in range(limit_s):
        if (await bench.trace()).state != "running":
            return await bench.trace()
        await bench.advance(1)
    raise AssertionError(await bench.trace())


def heard(bench):
    """Return what was done first under each key; a step may be asked again, in the same words."""
    words = {}
    for call in bench.calls:
        assert words.setdefault(call.key, call.data["kata"]) == call.data["kata"]
    return words


async def die_at(bench, commits):
    """Let nothing reach the journal any more after so many commits, as if the hub had been killed there."""
    write, left = bench.hub.journal.write, commits

    async def last_ones(job, then=None):
        nonlocal left
        left -= 1
        if left < 0:
            await asyncio.Event().wait()
        return await write(job, then)

    bench.hub.journal.write = last_ones
    return lambda: left < 0


@pytest.mark.parametrize("name", RULES)
async def test_a_run_that_dies_at_any_commit_goes_on_and_does_each_action_once(name, tmp_path):
    actions, scripts, at_once = RULES[name]
    whole = StepBench(tmp_path / "whole")
    whole.folder.mkdir()
    await whole.open(actions, scripts=scripts)
    started = whole.writes.done
    await whole.tell()
    trace = await finish(whole)
    await whole.close()
    assert trace.state == "finished"
    commits = whole.writes.done - started
    for dies_at in range(3, commits, 3):
        bench = StepBench(tmp_path / f"dies at {dies_at}")
        bench.folder.mkdir()
        await bench.open(actions, scripts=scripts)
        is_dead = await die_at(bench, dies_at)
        await bench.hub.emit(event("object.person", at=bench.hub.clock.now()))
        await until(lambda bench=bench, is_dead=is_dead: is_dead() or bench.engine._cursor)
        while not is_dead():
            await bench.rest()
            await (asyncio.sleep(0) if is_dead() else bench.hub.clock.advance(1))
        await bench.again()
        trace = await finish(bench)
        await bench.close()
        told = heard(bench)
        plain = sorted(word.split(" 17")[0] for word in heard(whole).values())
        assert sorted(word.split(" 17")[0] for word in told.values()) == plain, dies_at
        assert trace.state == "finished"
        assert len(bench.calls) <= len(told) + at_once, "only what was under way is asked again"
