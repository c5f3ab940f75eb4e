"""What is wrong with a trigger or condition of states and times is said where it stands, with the nearest name."""

import pytest
from hub_for_rules import read_rules

RULE = """
- id: aturan
  triggers:
    - {triggers}
  conditions:
    - {conditions}
  actions: [{{action: snapshot, target: {{camera: kali}}}}]
"""
EVENT = "{trigger: event, kind: object.person}"
TRUE = "{condition: template, value_template: true}"


def read(folder, trigger=EVENT, condition=TRUE):
    return read_rules(RULE.format(triggers=trigger, conditions=condition), folder)


WRONG_TRIGGERS = [
    ("{trigger: state, camera: kalii}", "triggers[0].camera", "maksud Anda 'kali'"),
    ("{trigger: state, kind: flood.levle, camera: kali}", "triggers[0].kind", "maksud Anda 'flood.level'"),
    ("{trigger: state, kind: crowd.count, camera: sekolah, zone: halamn}", "triggers[0].zone", "maksud Anda 'halaman'"),
    ("{trigger: state, kind: flood.stage, group: sunga}", "triggers[0].group", "maksud Anda 'sungai'"),
    ("{trigger: state, to: online}", "triggers[0]", "sebutkan yang diamati"),
    ("{trigger: state, incident: x, camera: kali}", "triggers[0]", "incident tidak dapat bersama"),
    ("{trigger: state, camera: kali, from: a, not_from: b}", "triggers[0]", "from dan not_from"),
    ("{trigger: state, camera: kali, zone: bantaran}", "triggers[0]", "zone hanya bersama kind"),
    ("{trigger: state, kind: 'flood.*', camera: kali}", "triggers[0].kind", "tanpa *"),
    ("{trigger: state, camera: kali, form: online}", "triggers[0].form", "maksud Anda 'for"),
    ("{trigger: numeric_state, kind: flood.level}", "triggers[0]", "above, below"),
    ("{trigger: numeric_state, kind: flood.level, above: 20, below: 10}", "triggers[0]", "di atas 20 dan di bawah 10"),
    ("{trigger: numeric_state, camera: kali, above: 20}", "triggers[0]", "tambahkan kind"),
    ("{trigger: numeric_state, kind: flood.level, above: tinggi}", "triggers[0].above", "bilangan"),
    (
        "{trigger: numeric_state, kind: flood.level, above: 1, value_template: '{{ value + }}'}",
        "triggers[0].value_template",
        "tidak dapat dibaca",
    ),
    ('{trigger: time, at: "25:00"}', "triggers[0].at", "jam"),
    ('{trigger: time, at: "07:00", weekday: senin}', "triggers[0].weekday", "mon"),
    ("{trigger: time_pattern}", "triggers[0]", "hours, minutes, seconds"),
    ('{trigger: time_pattern, minutes: "05"}', "triggers[0].minutes", "tanpa nol di depan"),
    ('{trigger: time_pattern, minutes: "/0"}', "triggers[0].minutes", "0 sampai 59"),
    ("{trigger: time_pattern, hours: 24}", "triggers[0].hours", "0 sampai 23"),
    ('{trigger: cron, cron: "61 * * * *"}', "triggers[0].cron", "lima bagian"),
    ('{trigger: cron, cron: "0 0 30 2 *"}', "triggers[0].cron", "day-of-month"),
    ("{trigger: sun, event: sunst}", "triggers[0].event", "sunset"),
    ("{trigger: sun, event: sunset, offset: sejam}", "triggers[0].offset", "lama"),
    ("{trigger: camera, to: ofline}", "triggers[0].to:", "maksud Anda 'offline'"),
    ("{trigger: incident, to: open}", "triggers[0].to:", "opened"),
    ("{trigger: hub, event: stop}", "triggers[0].event", "start"),
]
WRONG_CONDITIONS = [
    ("{condition: state, camera: kali}", "conditions[0]", "state"),
    ("{condition: state, camera: kalii, state: online}", "conditions[0].camera", "maksud Anda 'kali'"),
    ("{condition: numeric_state, kind: flood.level}", "conditions[0]", "above, below"),
    ("{condition: sun}", "conditions[0]", "after, before"),
    ("{condition: sun, after: senja}", "conditions[0].after", "sunset"),
    ("{condition: zone, zone: halamn}", "conditions[0].zone", "maksud Anda 'halaman'"),
    ("{condition: holiday, holiday: mungkin}", "conditions[0].holiday", "true"),
]


@pytest.mark.parametrize(("trigger", "path", "what"), WRONG_TRIGGERS)
def test_a_wrong_trigger_says_what_and_where(tmp_path, trigger, path, what):
    problems = [str(one.problem) for one in read(tmp_path, trigger).problems]
    assert any(path in told and what in told and "banjir.yaml:4" in told for told in problems), problems


@pytest.mark.parametrize(("condition", "path", "what"), WRONG_CONDITIONS)
def test_a_wrong_condition_says_what_and_where(tmp_path, condition, path, what):
    problems = [str(one.problem) for one in read(tmp_path, condition=condition).problems]
    assert any(path in told and what in told for told in problems), problems


@pytest.mark.parametrize(
    ("trigger", "cameras"),
    [
        ("{trigger: event, kind: object.person, group: sungai}", {"kali", "ptz"}),
        ("{trigger: event, kind: object.person, place: rw05}", {"kali", "ptz", "sekolah"}),
        ("{trigger: camera, group: sungai, camera: sekolah, to: offline}", {"kali", "ptz", "sekolah"}),
    ],
)
def test_a_group_or_place_is_its_cameras(tmp_path, trigger, cameras):
    [rule] = read(tmp_path, trigger).rules
    assert set(rule.triggers[0].trigger.cameras) == cameras


def test_a_state_of_a_group_watches_each_of_its_cameras(tmp_path):
    [rule] = read(tmp_path, "{trigger: state, group: sungai, to: offline}").rules
    assert set(rule.triggers[0].trigger.watched.of) == {"kali", "ptz"}


OPENERS = """
- id: banjir
  triggers: [{trigger: event, kind: flood.stage, camera: kali}]
  actions:
    - choose:
        - conditions: "{{ true }}"
          sequence: [{action: notify, target: {contact: posko}, data: {message: x, incident: banjir-kali}}]
"""


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("banjir-kali", ""),
        ("banjir-kalli", "maksud Anda 'banjir-kali'"),
        ("banjir/kali", ""),  # the rule's own, by camera
        ("banjir/kal", "maksud Anda 'banjir/kali'"),
        ("dari-plugin-lain", ""),  # nobody here opens it, and it resembles none that somebody does
    ],
)
def test_an_incident_s_key_that_is_misspelt_is_told(tmp_path, key, near):
    for word in (f"{{trigger: state, incident: {key}}}", f"{{trigger: incident, key: [{key}]}}"):
        waiting = f"- id: tunggu\n  triggers: [{word}]\n  actions: [{{action: snapshot, target: {{camera: kali}}}}]\n"
        loaded = read_rules(OPENERS + waiting, tmp_path)
        told = [str(one.problem) for one in loaded.problems]
        assert len(told) == bool(near) and all(near in one and "banjir.yaml:9" in one for one in told), told
        assert [rule.id for rule in loaded.rules] == (["banjir"] if near else ["banjir", "tunggu"])


def test_where_a_template_makes_keys_none_is_wrong(tmp_path):
    opener = OPENERS.replace("banjir-kali", "'banjir-{{ trigger.event.camera.id }}'")
    waiting = (
        "- id: tunggu\n  triggers: [{trigger: state, incident: banjir-kal}]\n"
        "  actions: [{action: snapshot, target: {camera: kali}}]\n"
    )
    assert not read_rules(opener + waiting, tmp_path).problems
