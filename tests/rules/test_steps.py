"""Steps that repeat, branch, wait and call scripts: what they do, what stands in the trace, what a restart finds."""

import pytest
from step_bench import StepBench

from siaga.rules.run_repeat import TURNS_KEPT


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


LONG = """
    - variables: {jumlah: 0}
    - repeat:
        count: 45
        sequence:
          - variables: {jumlah: "{{ jumlah + repeat.index }}"}
          - {action: snapshot}
    - {action: catat, data: {kata: "{{ jumlah }}"}}
"""


async def test_a_long_loop_keeps_its_last_turns_in_the_trace_and_says_how_many_it_left_out(bench):
    await bench.open(LONG)
    await bench.tell()
    assert bench.done == [str(sum(range(46)))]
    rows = await bench.rows()
    kept = [path for path in rows if path.endswith(".sequence[1]")]
    assert TURNS_KEPT <= len(kept) < 2 * TURNS_KEPT and kept[-1] == "actions[1].repeat[45].sequence[1]"
    loop = rows["actions[1]"]
    assert loop.outcome == "done"
    assert loop.values["turns"] == 45 and loop.values["left_out"] == 45 - len(kept)


WITH_PAUSES = LONG.replace(
    "          - {action: snapshot}",
    '          - {action: catat, data: {kata: "{{ repeat.index }}"}}\n          - {delay: 10}',
)


async def test_a_long_loop_goes_on_in_the_turn_that_a_restart_interrupted(bench):
    await bench.open(WITH_PAUSES)
    await bench.tell()
    for turn in range(1, 46):
        if turn in (3, 21, 22, 44):
            await bench.again(after_s=1)
            await bench.advance(9)
        else:
            await bench.advance(10)
    assert bench.done == [*(str(turn) for turn in range(1, 46)), str(sum(range(46)))]
    assert len({call.key for call in bench.calls}) == 46
    assert (await bench.trace()).state == "finished"
