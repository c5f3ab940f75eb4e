"""What an operator is told about rules that are wrong, and which rules go on running."""

import pytest
from hub_for_rules import read_rules

RIGHT = """
- id: siaga-2
  alias: Kali Siaga 2
  triggers:
    - {trigger: event, kind: flood.stage, camera: kali, to: 2}
  actions:
    - action: notify
      target: {contact: posko}
      data: {message: "Siaga 2 di {{ trigger.event.camera.name }}"}
"""


def told(text, tmp_path, language="id"):
    return [str(problem) for problem in read_rules(text, tmp_path, language).problems]


def test_a_right_rule_is_read_with_file_and_line(tmp_path):
    loaded = read_rules(RIGHT, tmp_path)
    assert loaded.problems == ()
    assert [(rule.id, rule.file, rule.line) for rule in loaded.rules] == [("siaga-2", "rules/banjir.yaml", 2)]


def test_every_mistake_of_a_file_is_told_at_once_and_the_other_rules_run(tmp_path):
    text = (
        RIGHT
        + """
- id: salah
  trigers:
    - {trigger: event, kind: flood.stage}
  actions: []
- id: salah-juga
  triggers:
    - trigger: event
      kind: flod.stage
      camera: kalli
  conditions:
    - "{{ trigger.event.data.level_cm > }}"
  actions:
    - action: notify
      target: {contact: poskoo}
      data: {mesage: x}
    - {action: ptz.goto_preset, data: {preset: pintu-air}}
    - {action: notify.wb, data: {to: "1", message: x}}
    - {acton: log}
"""
    )
    loaded = read_rules(text, tmp_path)
    assert [rule.id for rule in loaded.rules] == ["siaga-2"]
    lines = [str(problem) for problem in loaded.problems]
    assert lines == [
        "rules/banjir.yaml:12: trigers: kunci ini tidak dikenal (maksud Anda 'triggers'?)",
        "rules/banjir.yaml:18: triggers[0].kind: tidak ada jenis kejadian 'flod.stage' (maksud Anda 'flood.stage'?)",
        "rules/banjir.yaml:19: triggers[0].camera: tidak ada kamera 'kalli' (maksud Anda 'kali'?)",
        "rules/banjir.yaml:21: conditions[0].value_template: templat {{ trigger.event.data.level_cm > }} gagal:"
        " tulisannya tidak dapat dibaca (unexpected 'end of print statement')",
        "rules/banjir.yaml:24: actions[0].target.contact: tidak ada kontak 'poskoo' (maksud Anda 'posko'?)",
        "rules/banjir.yaml:25: actions[0].data.mesage: kunci ini tidak dikenal (maksud Anda 'message'?)",
        "rules/banjir.yaml:26: actions[1].target.camera: tindakan ptz.goto_preset perlu 'target' dengan 'camera'",
        "rules/banjir.yaml:27: actions[2].action: tidak ada notifier 'wb'; yang ada: wa, catatan",
        "rules/banjir.yaml:28: actions[3]: langkah ini tidak dikenal (maksud Anda 'action'?)",
    ]
    assert {problem.rule_id for problem in loaded.problems} == {"salah", "salah-juga"}


WRONG = {
    "unknown mode": ("mode: sinlge", "mode: must be one of: single, restart, queued, parallel", "did you mean"),
    "bad cooldown": ("cooldown: sebentar", "cooldown: must be a duration", ""),
    "bad max": ("max: 0", "max: must be at least 1", ""),
    "bad id": ("id: Kali Siaga", "id: ", ""),
}


@pytest.mark.parametrize(("line", "what", "near"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_told_in_english_too(line, what, near, tmp_path):
    text = RIGHT.replace("- id: siaga-2", "- id: siaga-2\n  " + line if "id:" not in line else "- " + line)
    (problem,) = told(text, tmp_path, "en")
    assert what in problem and near in problem


PIECES = {
    "condition: tme": "conditions: [{condition: tme, after: '19:00'}]",
    "bad time": "conditions: [{condition: time, after: 25.00}]",
    "bad weekday": "conditions: [{condition: time, weekday: [senin]}]",
    "empty window": "conditions: [{condition: time}]",
    "bad inner condition": "conditions: [{or: [{condition: template}]}]",
    "loop in template": "conditions: ['{% macro m() %}{% endmacro %}']",
    "zone of another camera": "triggers: [{trigger: event, kind: zone.enter, camera: kali, zone: halaman}]",
    "unknown trigger": "triggers: [{trigger: evnt, kind: flood.stage}]",
    "no kind": "triggers: [{trigger: event, camera: kali}]",
    "wildcard of nothing": "triggers: [{trigger: event, kind: floood.*}]",
    "bad number": "triggers: [{trigger: event, kind: flood.level, above: tinggi}]",
    "camera target of notify": "actions: [{action: notify, target: {camera: kali}, data: {message: x}}]",
    "delay": "actions: [{delay: nanti}]",
    "burst too long": "actions: [{action: recording.burst, data: {after: 2 h}}]",
    "bad priority": "actions: [{action: notify, target: {contact: posko}, data: {message: x, priority: urgent}}]",
    "choose without sequence": "actions: [{choose: [{conditions: 'true'}]}]",
    "unknown action inside if": "actions: [{if: ['{{ true }}'], then: [{action: ptz.goto}]}]",
    "no triggers": "triggers: []",
    "triggers is a text": "triggers: event",
    "actions is a number": "actions: 5",
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("language", ["id", "en"])
def test_each_wrong_piece_switches_its_rule_off_with_a_line(piece, language, tmp_path):
    key = piece.partition(":")[0]
    text = RIGHT + "- id: lain\n  triggers: [{trigger: event, kind: flood.stage}]\n  actions: [{action: snapshot}]\n"
    kept = [one for one in text.splitlines() if not one.startswith(f"  {key}: [")]
    line = len(kept) + 1
    loaded = read_rules("\n".join([*kept, f"  {piece}"]), tmp_path, language)
    assert [rule.id for rule in loaded.rules] == ["siaga-2"]
    assert loaded.problems
    for problem in loaded.problems:
        assert str(problem).startswith(f"rules/banjir.yaml:{line}: ")
        assert "expected" not in str(problem).lower()


def test_the_second_rule_of_an_id_is_off_and_names_the_first(tmp_path):
    loaded = read_rules(RIGHT + RIGHT.lstrip(), tmp_path)
    assert len(loaded.rules) == 1
    assert (
        str(loaded.problems[0]) == "rules/banjir.yaml:10: id: id 'siaga-2' sudah dipakai aturan di rules/banjir.yaml:2"
    )


def test_every_form_of_home_assistant_is_read(tmp_path):
    text = """
- id: semua-bentuk
  triggers:
    trigger: event
    kind: [flood.*, object.person]
    camera: [kali, sekolah]
    id: air
  conditions:
    - "{{ trigger.id == 'air' }}"
    - and:
        - {condition: time, after: "22:00", before: "05:00", weekday: [mon, sat]}
        - not: ["{{ false }}"]
    - {condition: or, conditions: ["{{ true }}"]}
    - {condition: template, value_template: "{{ broken", enabled: false}
  variables: {batas: 150}
  actions:
    - delay: "00:00:05"
    - delay: {minutes: "{{ 1 }}"}
    - if: "{{ true }}"
      then: {action: log, data: {message: ya}}
      else: [{action: log, data: {message: tidak, level: warning}}]
    - choose:
        - conditions: "{{ true }}"
          sequence: [{stop: selesai}]
      default: [{variables: {a: 1}}]
    - {action: notify.catatan, data: {to: [posko], message: "{{ batas }}"}, continue_on_error: false}
    - {condition: template, value_template: "{{ batas > 100 }}"}
    - {action: recording.burst, data: {before: "{{ batas }}"}, enabled: false, alias: rekam}
  mode: queued
  max: 5
  max_exceeded: silent
  cooldown: "00:15"
"""
    loaded = read_rules(text, tmp_path)
    assert [str(problem) for problem in loaded.problems] == [
        "rules/banjir.yaml:14: conditions[3].value_template: "
        + str(loaded.problems[0]).partition("value_template: ")[2]
    ]
    loaded = read_rules(text.replace("{{ broken", "{{ true }}"), tmp_path)
    assert not loaded.problems
    (rule,) = loaded.rules
    assert (rule.mode, rule.max_runs, rule.is_drop_logged, rule.cooldown_s) == ("queued", 5, False, 900.0)
    assert len(rule.conditions) == 3 and len(rule.steps) == 7
