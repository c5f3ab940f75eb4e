"""Tests beside a rule: what passes, what fails and in which words, and mistakes in them that cost no alert."""

import time

import pytest
from hub_for_rules import built_in_words, read_rules, settings

from siaga.core.texts import Texts
from siaga.rules.trial.try_rule import try_rule

RULE = """
- id: siaga-2
  alias: Kali Siaga 2
  triggers: {trigger: event, kind: flood.stage, camera: kali, to: 2}
  conditions:
    - "{{ trigger.event.data.level_cm > 200 }}"
    - {condition: state, camera: ptz, state: online}
  actions:
    - {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: pintu-air}}
    - {action: log, data: {message: "naik"}}
    - delay: 5 min
    - {action: notify, target: {contact: posko}, data: {message: "Air {{ trigger.event.data.level_cm | angka }} cm"}}
  cooldown: {minutes: 15}
  tests:
"""
HIGH = "events: {kind: flood.stage, camera: kali, data: {from: 3, to: 2, level_cm: 212}}"
ONLINE = "states: [{kind: camera, camera: ptz, value: online}]"
BOTH = "[{action: ptz.goto_preset, data: {preset: pintu-air}}, {action: notify, target: {contact: posko}, data: {message: 'Air * cm'}, after: 5 min}]"  # noqa: E501


def rule_with(tmp_path, *tests):
    body = "".join(f"    - {{{test}}}\n" for test in tests)
    loaded = read_rules(RULE + body, tmp_path)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return loaded.rules[0]


def tried(tmp_path, *tests):
    rule = rule_with(tmp_path, *tests)
    assert not rule.test_problems, [str(problem) for problem in rule.test_problems]
    return try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)


def test_a_rule_that_does_what_is_expected_passes_and_an_hour_takes_a_moment(tmp_path):
    began_s = time.perf_counter()
    results = tried(
        tmp_path,
        f"name: naik, {ONLINE}, {HIGH}, expect: {BOTH}",
        f"name: tanpa ptz, {HIGH}, expect: []",
        f"name: dua kali, {ONLINE}, events: [{HIGH[8:]}, {{after: 10 min, {HIGH[9:]}], expect: {BOTH}",
        f"name: log, {ONLINE}, {HIGH}, expect: [{{action: ptz.goto_preset}}, {{action: log}}, {{action: notify}}]",
        "name: surut, events: {kind: flood.stage, camera: kali, data: {to: 3, level_cm: 190}}, expect: []",
    )
    assert [(result.test.name, result.faults) for result in results if not result.has_passed] == []
    assert time.perf_counter() - began_s < 20


FAILURES = [
    (
        f"{ONLINE}, {HIGH}, expect: []",
        "tidak diharapkan: ptz.goto_preset {camera: ptz} {preset: pintu-air} (mulai)",
        "",
    ),
    (f"{HIGH}, expect: [{{action: notify}}]", "tidak dilakukan: notify", "conditions[1]: value: -"),
    (
        f"{ONLINE}, {HIGH}, expect: [{{action: ptz.goto_preset, data: {{preset: jembatan}}}}, {{action: notify}}]",
        "ptz.goto_preset: data.preset adalah pintu-air, diharapkan jembatan",
        "",
    ),
    (
        f"{ONLINE}, {HIGH}, expect: [{{action: ptz.goto_preset}}, {{action: notify, after: 1 min}}]",
        "notify: 5 menit setelah mulai, diharapkan 1 menit",
        "",
    ),
    (
        f"{ONLINE}, {HIGH}, expect: [{{action: notify}}, {{action: ptz.goto_preset}}]",
        "pada langkah 1 diharapkan notify, yang dilakukan ptz.goto_preset",
        "",
    ),
    (
        "events: {kind: flood.stage, camera: kali, data: {to: 3, level_cm: 212}}, expect: {action: notify}",
        "tidak dilakukan: notify",
        "triggers[0]: to",
    ),
    ("events: {kind: motion.start, camera: kali}, expect: {action: notify}", "tidak dilakukan", "tidak ada kejadian"),
    (f"{ONLINE}, {HIGH}, until: 1 min, expect: {BOTH}", "tidak dilakukan: notify", ""),
]


@pytest.mark.parametrize(("test", "fault", "why"), FAILURES)
def test_a_failure_says_what_was_done_instead_and_what_decided(tmp_path, test, fault, why):
    (result,) = tried(tmp_path, f"name: uji, {test}")
    assert not result.has_passed
    assert fault in "\n".join(result.faults), result.faults
    assert why in "\n".join(result.why), result.why


MISTAKES = [
    (
        "name: x, expect: [{action: notfy}]",
        "tests[0].expect[0].action: tidak ada tindakan 'notfy' (maksud Anda 'notify'?)",
    ),
    ("name: x, events: {kind: flod.stage}, expect: []", "tests[0].events[0].kind: "),
    ("name: x, events: [{kind: flood.stage, camera: kalli}], expect: []", "tests[0].events[0].camera: "),
    ("name: x, expct: []", "tests[0].expct: "),
    ("name: x, at: besok, expect: []", "tests[0].at: perlu waktu setempat"),
    ("name: x, until: 90 d, expect: []", "tests[0].until: paling lama 31 hari"),
    ("events: [], expect: []", "tests[0].name: "),
    ("name: x, events: {kind: 'flood.*'}, expect: []", "tests[0].events[0].kind: yang terjadi adalah satu jenis"),
    (
        "name: x, states: {kind: camera, camera: ptz, value: offlin}, expect: []",
        "tests[0].states[0].value: keadaan ini tidak ada (maksud Anda 'offline'?)",
    ),
    ("name: x, states: {kind: camera, value: offline}, expect: []", "tests[0].states[0].kind: perlu 'camera'"),
]


@pytest.mark.parametrize(("test", "told"), MISTAKES)
def test_a_mistake_in_a_test_is_told_with_its_line_and_leaves_the_rule_on(tmp_path, test, told):
    rule = rule_with(tmp_path, test)
    found = [str(problem) for problem in rule.test_problems]
    assert any(f"rules/banjir.yaml:15: {told}" in one for one in found), found
    assert rule.is_enabled


def test_changed_tests_change_nothing_of_a_rule_that_runs(tmp_path):
    before, after = rule_with(tmp_path, "name: a, expect: []"), rule_with(tmp_path, f"name: b, {HIGH}, expect: {BOTH}")
    assert (before.fingerprint, before.edition) == (after.fingerprint, after.edition)


def test_a_time_of_the_day_is_tried_at_the_local_time_that_the_test_names(tmp_path):
    text = """
- id: malam
  triggers: {trigger: time, at: "22:00"}
  conditions: {condition: time, weekday: sat}
  actions: {action: snapshot, target: {camera: kali}}
  tests:
    - name: sabtu
      at: "2026-11-21 21.59"
      until: 5 min
      expect: {action: snapshot, target: {camera: kali}, after: 1 min}
    - {name: minggu, at: "2026-11-22 21:59", until: 5 min, expect: []}
"""
    (rule,) = read_rules(text, tmp_path).rules
    results = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
    assert [result.faults for result in results] == [(), ()]


def test_a_rule_that_is_switched_off_is_tried_all_the_same(tmp_path):
    text = (
        RULE.replace("  alias:", "  enabled: false\n  alias:")
        + f"    - {{name: naik, {ONLINE}, {HIGH}, expect: {BOTH}}}\n"
    )
    (rule,) = read_rules(text, tmp_path).rules
    assert not rule.is_enabled
    (result,) = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
    assert result.has_passed, result.faults


def test_a_failure_shows_no_secret(tmp_path):
    text = """
- id: rahasia
  triggers: {trigger: event, kind: flood.stage}
  variables: {pin: !secret kunci}
  actions: {action: notify, target: {contact: posko}, data: {message: "PIN {{ pin }}"}}
  tests:
    - {name: bocor, events: {kind: flood.stage, camera: kali, data: {to: 2}}, expect: []}
    - name: beda
      events: {kind: flood.stage, camera: kali, data: {to: 2}}
      expect: {action: notify, data: {message: x}}
"""
    (rule,) = read_rules(text, tmp_path).rules
    results = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
    for result in results:
        assert not result.has_passed and "***" in " ".join(result.faults)
        assert "rahasia-sekali" not in repr(result)


WORDS_IN_TIME = """
- id: mati
  triggers: {trigger: state, camera: kali, to: offline, for: 5 min}
  actions: {action: snapshot, target: {camera: kali}}
  tests:
    - {name: sudah mati, states: {kind: camera, camera: kali, value: offline}, until: 10 min, expect: []}
    - name: mati
      states: {kind: camera, camera: kali, value: online}
      events: {after: 1 min, kind: camera.offline, camera: kali}
      until: 10 min
      expect: {action: snapshot, after: 6 min}
- id: tinggi
  triggers: {trigger: numeric_state, kind: flood.level, camera: kali, above: 150}
  actions: {action: snapshot, target: {camera: kali}}
  tests:
    - name: naik
      states: {kind: flood.level, camera: kali, value: 120}
      events: {after: 1 min, kind: flood.level, camera: kali, data: {level_cm: 170}}
      expect: {action: snapshot, after: 1 min}
    - name: tetap tinggi
      states: {kind: flood.level, camera: kali, value: 160}
      events: {after: 1 min, kind: flood.level, camera: kali, data: {level_cm: 170}}
      expect: []
- id: dijawab
  triggers: {trigger: event, kind: flood.stage}
  actions:
    - {action: incident.open, data: {incident: banjir, title: Banjir}}
    - {wait_for_trigger: {trigger: event, kind: incident.acknowledged}, timeout: 1 h}
    - "{{ wait.trigger is none }}"
    - {action: notify, target: {contact: posko}, data: {message: belum dijawab}}
  tests:
    - name: belum dijawab
      events: {kind: flood.stage, camera: kali, data: {to: 2}}
      until: 2 h
      expect: [{action: incident.open}, {action: notify, after: 1 h}]
"""


def test_states_holds_waits_and_incidents_come_at_their_simulated_time(tmp_path):
    loaded = read_rules(WORDS_IN_TIME, tmp_path)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    for rule in loaded.rules:
        assert not rule.test_problems, [str(problem) for problem in rule.test_problems]
        results = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
        assert [(one.test.name, one.faults) for one in results if not one.has_passed] == []


def test_a_rule_that_never_ends_fails_its_test_instead_of_holding_it_up(tmp_path):
    text = """
- id: putar
  triggers: {trigger: event, kind: flood.stage}
  actions: {repeat: {while: "{{ true }}", sequence: [{variables: {a: 1}}]}}
  tests:
    - {name: putar, events: {kind: flood.stage, camera: kali, data: {to: 2}}, expect: {action: notify}}
"""
    (rule,) = read_rules(text, tmp_path).rules
    (result,) = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
    assert any("10000 putaran" in why for why in result.why), result.why
