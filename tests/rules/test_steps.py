"""Steps that repeat, branch, wait and call scripts: what they do, what stands in the trace, what a restart finds."""

import pytest
from hub_for_rules import event
from step_bench import StepBench, break_down, say

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


async def test_a_loop_that_would_never_end_is_stopped_and_says_so(bench):
    await bench.open(f"\n    - repeat: {{count: '{{{{ 20000 }}}}', sequence: {say('x')}}}\n    - {say('z')}")
    await bench.tell()
    assert bench.done == ["z"]
    assert "lebih dari 10000 putaran" in (await bench.rows())["actions[0]"].error


PUT_OFF = """
    - repeat:
        count: 25
        sequence:
          - {action: paksa, data: {kata: "{{ repeat.index }}"}}
          - variables: {terakhir: "{{ repeat.index }}"}
    - {action: catat, data: {kata: akhir}}
    - {delay: 60}
    - {action: catat, data: {kata: "sampai {{ terakhir }}"}}
"""


async def test_an_alert_in_a_loop_that_the_disk_refused_goes_out_later_and_the_others_once(bench):
    await bench.open(PUT_OFF)
    bench.refusals = 3
    await bench.tell()
    await bench.advance(60)
    await bench.advance(10)
    await bench.again()
    await bench.advance(60)
    assert bench.done == [*map(str, range(4, 26)), "akhir", "sampai 25", "1", "2", "3"]
    assert (await bench.trace()).state == "finished"


async def test_many_failures_in_a_loop_are_named_in_few_words(bench):
    await bench.open(f"\n    - repeat: {{count: 30, sequence: {break_down('x')}}}")
    await bench.tell()
    reason = (await bench.trace()).reason
    assert "actions[0].repeat[1].sequence" in reason and reason.endswith("dan 22 lagi") and len(reason) < 400


# --- side by side ---------------------------------------------------------------------------------

SIDES = """
    - parallel:
        - sequence: [{delay: 5}, {action: catat, data: {kata: satu}}]
        - sequence: [{delay: 2}, {action: catat, data: {kata: dua, gagal: true}, continue_on_error: false}]
      continue_on_error: false
    - {action: catat, data: {kata: akhir}}
"""


async def test_a_branch_that_fails_stops_the_others_only_where_the_step_asks_for_it(bench):
    await bench.open(SIDES)
    await bench.tell()
    await bench.advance(2)
    await bench.advance(8)
    assert bench.done == ["dua"]
    trace = await bench.trace()
    assert trace.state == "failed" and "dua rusak" in trace.reason


# --- waits ----------------------------------------------------------------------------------------


async def test_a_wait_keeps_its_deadline_over_a_restart_and_a_wait_without_one_ends_after_a_day(bench):
    await bench.open(f"\n    - {{wait_template: '{{{{ false }}}}', timeout: 600}}\n    - {say('{{ wait.completed }}')}")
    await bench.tell()
    await bench.again(after_s=590)
    await bench.advance(9)
    assert bench.done == []
    await bench.advance(2)
    assert bench.done == ["False"]


async def test_a_template_is_looked_at_again_when_an_event_comes(bench):
    seen = "{{ site.cameras.kali.name }} {{ run.snapshot is defined }}"
    await bench.open(f"""
    - parallel:
        - - wait_template: "{{{{ run.snapshot is defined }}}}"
          - {say(seen)}
        - - delay: 0.3
          - action: snapshot
""")
    await bench.tell()
    assert bench.done == []
    await bench.advance(0.5)
    await bench.tell(event("zone.enter", at=bench.hub.clock.now()))
    await bench.advance(0.2)
    assert bench.done == ["Kali Ciliwung True"]


async def test_a_template_that_cannot_be_rendered_yet_is_waited_for_and_the_trace_says_why(bench):
    await bench.open("\n    - {wait_template: '{{ belum_ada > 1 }}', timeout: 5}")
    await bench.tell()
    await bench.advance(6)
    row = (await bench.rows())["actions[0]"]
    assert row.outcome == "done" and row.values["completed"] is False and "belum_ada" in row.error


# --- targets and scripts --------------------------------------------------------------------------


async def test_a_group_and_a_place_stand_for_their_cameras_each_once(bench):
    await bench.open("""
    - {action: catat, target: {camera: sekolah, group: sungai}, data: {kata: a}}
    - {action: catat, target: {place: rw05, camera: ptz}, data: {kata: b}}
    - {action: catat, target: {group: "{{ 'sungai' if true else '' }}"}, data: {kata: c}}
    - {action: catat, target: {group: "{{ 'tanpa-kamera' }}"}, data: {kata: d}}
""")
    await bench.tell()
    assert [call.target["camera"] for call in bench.calls] == [
        ("sekolah", "kali", "ptz"),
        ("ptz", "kali", "sekolah"),
        ("kali", "ptz"),
    ]
    assert "tidak ada kamera di grup 'tanpa-kamera'" in (await bench.rows())["actions[3]"].error


SECRET = """
kirim:
  fields: {siapa: {required: true}, isi: {}}
  sequence:
    - {delay: 10}
    - {action: catat, data: {kata: "{{ siapa }} {{ isi | default('tanpa isi') }}"}}
"""


async def test_a_script_keeps_its_fields_over_a_restart_and_no_secret_reaches_the_trace(bench):
    await bench.open(
        "\n    - {action: script.kirim, data: {siapa: !secret kunci, isi: '{{ tak_ada }}'}}", scripts=SECRET
    )
    await bench.tell()
    await bench.again(after_s=5)
    await bench.advance(6)
    assert bench.done == ["rahasia-sekali tanpa isi"]
    trace = await bench.trace()
    assert "rahasia" not in str(trace)
    assert "tak_ada" in (await bench.rows())["actions[0]"].error
    assert "actions[0].script.kirim[1]" in await bench.rows()


async def test_a_script_that_fails_is_a_failed_step_of_its_caller(bench):
    stopped = "henti:\n  sequence: [{stop: aneh, error: true}]\n"
    await bench.open(f"\n    - action: script.henti\n    - {say('z')}", scripts=stopped)
    await bench.tell()
    assert bench.done == ["z"]
    row = (await bench.rows())["actions[0]"]
    assert (row.outcome, row.error) == ("failed", "aneh")
