"""What an operator is told about wrong steps and scripts: file, line, path, what, and the nearest right word."""

import pytest
from step_bench import StepBench, say

# A wrong step, and the path and words that must be told; the step stands in line 4 of rules/banjir.yaml.
WRONG = {
    "repeat without a way": (
        f"repeat: {{sequence: {say('a')}}}",
        "actions[0].repeat: isi tepat satu dari count, for_each",
    ),
    "repeat with two ways": (
        f"repeat: {{count: 2, until: '{{{{ true }}}}', sequence: {say('a')}}}",
        "actions[0].repeat: isi tepat satu dari",
    ),
    "repeat without steps": ("repeat: {count: 2}", "actions[0].repeat.sequence: "),
    "a misspelt way": (
        f"repeat: {{cuont: 2, sequence: {say('a')}}}",
        "actions[0].repeat.cuont: kunci ini tidak dikenal (maksud Anda 'count'?)",
    ),
    "a count that is no number": (
        f"repeat: {{count: banyak, sequence: {say('a')}}}",
        "actions[0].repeat.count: harus bilangan bulat",
    ),
    "too many turns": (
        f"repeat: {{count: 20000, sequence: {say('a')}}}",
        "actions[0].repeat.count: harus bilangan bulat dari 0 sampai 10000",
    ),
    "for_each of a text": (
        f"repeat: {{for_each: kali, sequence: {say('a')}}}",
        "actions[0].repeat.for_each: harus berupa daftar",
    ),
    "a wrong step in a loop": (
        "repeat: {count: 2, sequence: [{acton: snapshot}]}",
        "actions[0].repeat.sequence[0]: langkah ini tidak dikenal (maksud Anda 'action'?)",
    ),
    "a wrong camera in a loop in a branch": (
        "parallel: [{repeat: {count: 2, sequence: {action: snapshot, target: {camera: kalli}}}}]",
        "actions[0].parallel[0].repeat.sequence[0].target.camera: tidak ada kamera 'kalli' (maksud Anda 'kali'?)",
    ),
    "a wrong condition of a loop": (
        f"repeat: {{while: [{{condition: tempalte}}], sequence: {say('a')}}}",
        "actions[0].repeat.while[0].condition: tidak ada syarat 'tempalte' (maksud Anda 'template'?)",
    ),
    "an empty parallel": ("parallel: []", "actions[0].parallel: parallel tidak berisi langkah apa pun"),
    "a parallel of texts": ("parallel: 5", "actions[0].parallel[0]: "),
    "a misspelt key of a sequence": (
        f"sequence: [{say('a')}], alais: x",
        "actions[0].alais: kunci ini tidak dikenal (maksud Anda 'alias'?)",
    ),
    "a wait for nothing": (
        "wait_for_trigger: []",
        "actions[0].wait_for_trigger: bagian 'wait_for_trigger' tidak berisi apa pun",
    ),
    "a wait for an unknown kind": (
        "wait_for_trigger: {trigger: event, kind: object.bsu}",
        "actions[0].wait_for_trigger[0].kind: tidak ada jenis kejadian 'object.bsu' (maksud Anda 'object.bus'?)",
    ),
    "a wrong timeout": ("wait_template: '{{ true }}', timeout: nanti", "actions[0].timeout: "),
    "a misspelt timeout": (
        "wait_template: '{{ true }}', timout: 5",
        "actions[0].timout: kunci ini tidak dikenal (maksud Anda 'timeout'?)",
    ),
    "a template that does not parse": ("wait_template: '{{ true'", "actions[0].wait_template: templat {{ true gagal"),
    "a wrong switch": (f"sequence: [{say('a')}], enabled: mungkin", "actions[0].enabled: "),
    "a switch that asks for an event": (
        f"sequence: [{say('a')}], enabled: '{{{{ trigger.id }}}}'",
        "actions[0].enabled: templat",
    ),
    "a variable that no template can say": (
        "variables: {tinggi-air: 2}",
        "actions[0].variables.tinggi-air: nama variabel hanya huruf",
    ),
    "a response that no template can say": (
        "action: snapshot, response_variable: 'hasil 1'",
        "actions[0].response_variable: nama variabel",
    ),
    "an unknown group": (
        "action: snapshot, target: {group: sungei}",
        "actions[0].target.group: tidak ada grup kamera 'sungei' (maksud Anda 'sungai'?)",
    ),
    "an unknown place": (
        "action: snapshot, target: {place: [rw05, rw06]}",
        "actions[0].target.place[1]: tidak ada tempat 'rw06' (maksud Anda 'rw05'?)",
    ),
    "a target that is none": (
        "action: catat, target: {kontak: x}, data: {kata: x}",
        "actions[0].target.kontak: tindakan catat tidak menerima sasaran ini",
    ),
    "an unknown script": (
        "action: script.kirm",
        "actions[0].action: tidak ada skrip 'kirm' (maksud Anda 'script.kirim'?)",
    ),
    "a script without its field": ("action: script.kirim", "actions[0].data.siapa: skrip kirim perlu isian 'siapa'"),
    "a field that a script does not have": (
        "action: script.kirim, data: {siapa: x, sipa: y}",
        "actions[0].data.sipa: skrip kirim tidak punya isian 'sipa' (maksud Anda 'siapa'?)",
    ),
    "a script that is wrong": ("action: script.salah", "actions[0].action: skrip 'salah' salah, lihat scripts.yaml:5"),
    "a script with a target": ("action: script.kirim, target: {camera: kali}, data: {siapa: x}", "actions[0].target: "),
}
SHELF = f"""
kirim:
  fields: {{siapa: {{required: true}}, kali: {{default: 2}}}}
  sequence: {say("a")}
salah:
  sequence: [{{acton: snapshot}}]
"""


@pytest.fixture
def bench(tmp_path):
    return StepBench(tmp_path)


@pytest.mark.parametrize(("step", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_step_is_told_with_its_line_and_switches_its_rule_off(step, told, bench):
    loaded = bench.read(f"\n    - {{{step}}}", scripts=SHELF)
    found = [str(one.problem) for one in loaded.problems if one.rule_id == "aturan"]
    assert any(line.startswith(f"rules/banjir.yaml:4: {told}") for line in found), found
    assert not loaded.rules
    english = bench.read(f"\n    - {{{step}}}", scripts=SHELF, language="en")
    words = [str(one.problem) for one in english.problems if one.rule_id == "aturan"]
    assert len(words) == len(found) and not set(words) & set(found)


SCRIPTS = {
    "unknown key": ("a: {sequense: []}", "a.sequense: kunci ini tidak dikenal (maksud Anda 'sequence'?)"),
    "no steps": ("a: {alias: x}", "a.sequence: "),
    "empty": ("a: {sequence: []}", "a.sequence: bagian 'sequence' tidak berisi apa pun"),
    "a wrong step": (
        "a: {sequence: [{action: snapshott}]}",
        "a.sequence[0].action: tidak ada tindakan 'snapshott' (maksud Anda 'snapshot'?)",
    ),
    "a wrong field": (
        "a: {fields: {x: {requird: true}}, sequence: [{action: snapshot}]}",
        "a.fields.x.requird: kunci ini tidak dikenal",
    ),
    "a wrong id": ("A B: {sequence: [{action: snapshot}]}", "A B: "),
    "itself": ("a: {sequence: [{action: script.a}]}", "a.sequence[0].action: skrip memanggil dirinya sendiri: a → a"),
    "a circle": (
        "a: {sequence: [{action: script.b}]}\nb: {sequence: [{if: '{{ true }}', then: {action: script.a}}]}",
        "b.sequence[0].then[0].action: skrip memanggil dirinya sendiri: a → b → a",
    ),
    "a text": ("a: snapshot", "a: "),
}


@pytest.mark.parametrize(("script", "told"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_wrong_script_is_told_once_at_its_own_place_and_rules_without_it_run(script, told, bench):
    loaded = bench.read("\n    - action: snapshot", scripts=script)
    found = [str(one.problem) for one in loaded.problems]
    assert any(f": scripts.{told}" in line and line.startswith("scripts.yaml:") for line in found), found
    assert all(one.rule_id.startswith("script.") for one in loaded.problems)
    assert [rule.id for rule in loaded.rules] == ["aturan"]


def test_a_script_that_changes_changes_the_rules_that_call_it_and_no_other(bench):
    def prints(script):
        calls = bench.read("\n    - action: script.a", scripts=script).rules[0].fingerprint
        return calls, bench.read("\n    - action: snapshot", scripts=script).rules[0].fingerprint

    before = prints("a: {sequence: [{action: script.b}]}\nb: {sequence: [{action: snapshot}]}")
    alias = prints("a: {sequence: [{action: script.b}]}\nb: {alias: baru, sequence: [{action: snapshot}]}")
    after = prints("a: {sequence: [{action: script.b}]}\nb: {sequence: [{delay: 5}]}")
    assert before == alias
    assert before[0] != after[0] and before[1] == after[1]


@pytest.mark.parametrize("order", [1, -1])
def test_scripts_that_call_each_other_too_deep_are_refused_in_whatever_order_they_stand(order, bench):
    deep = [f"s{n}: {{sequence: [{{action: script.s{n + 1}}}]}}" for n in range(6)] + [
        f"s6: {{sequence: [{say('a')}]}}"
    ]
    loaded = bench.read("\n    - action: script.s0", scripts="\n".join(deep[::order]))
    assert any("lebih dari 5 tingkat" in str(one.problem) for one in loaded.problems)
    assert not loaded.rules
    shallow = bench.read("\n    - action: script.s2", scripts="\n".join(deep[2:][::order]))
    assert not shallow.problems and len(shallow.rules) == 1


async def test_the_deepest_nesting_that_is_read_can_be_run(bench):
    scripts, calls = [], say("dalam")
    for n in range(5):
        for _ in range(16):
            calls = f"{{repeat: {{count: 1, sequence: {calls}}}}}"
        scripts.append(f"s{n}: {{sequence: {calls}}}")
        calls = f"{{action: script.s{n}}}"
    for _ in range(12):
        calls = f"{{parallel: [{calls}]}}"
    await bench.open(f"\n    - {calls}", scripts="\n".join(scripts))
    await bench.tell()
    await bench.close()
    assert bench.done == ["dalam"]


def test_a_word_that_home_assistant_used_before_is_told_with_the_new_one(bench):
    loaded = bench.read("\n    - {service: snapshot}")
    assert "maksud Anda 'action'" in str(loaded.problems[0])
