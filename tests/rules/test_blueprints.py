"""Blueprints: a rule with blanks becomes an ordinary rule, and what is wrong is told where it was written."""

import json
import re
from pathlib import Path

import pytest
from hub_for_rules import built_in_words, read_rules
from hub_for_rules import settings as site_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from siaga.core.texts import Texts
from siaga.core.yaml_lines import load_yaml
from siaga.rules.blueprint_list import listed
from siaga.rules.blueprints import library

OFFLINE = """
blueprint:
  name: {id: Kamera putus, en: Camera offline}
  description: Beri tahu bila kamera putus.
  domain: automation
  input:
    kamera: {name: Kamera, selector: {camera: {multiple: true}}}
    kepada: {name: Diberi tahu, selector: {recipient: {}}}
    lanjutan:
      name: Lanjutan
      collapsed: true
      input:
        lama: {name: Lama, default: 5 min, selector: {duration: {min: 10 s, max: 1 h}}}
        lain: {name: Tindakan lain, default: [], selector: {action: {}}}
variables: {lama: !input lama, kamera: !input kamera}
triggers:
  - {trigger: event, kind: camera.offline, camera: !input kamera}
actions:
  - delay: !input lama
  - {action: recording.burst, target: {camera: [!input kamera, ptz]}}
  - {action: notify, target: !input kepada, data: {message: "putus {{ lama }}"}}
  - sequence: !input lain
mode: queued
"""
USE = """
- id: putus
  use_blueprint:
    path: putus
    input:
      kamera: [kali, sekolah]
      kepada: posko
"""


@pytest.fixture
def site(tmp_path):
    """Return a folder with the blueprint ``putus``."""
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "putus.yaml").write_text(OFFLINE, "utf-8")
    return tmp_path


def told(text, folder, language="id"):
    return [str(problem) for problem in read_rules(text, folder, language).problems]


def rule_of(text, folder, **more):
    loaded = read_rules(text, folder, **more)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    (rule,) = loaded.rules
    return rule


def change(site, old, new):
    assert old in OFFLINE
    (site / "blueprints" / "putus.yaml").write_text(OFFLINE.replace(old, new), "utf-8")


def test_a_rule_of_a_blueprint_is_the_rule_that_one_would_have_written(site):
    rule = rule_of(USE, site)
    written = rule_of(
        """
- id: putus
  variables: {lama: 300, kamera: [kali, sekolah]}
  triggers:
    - {trigger: event, kind: camera.offline, camera: [kali, sekolah]}
  actions:
    - delay: 300
    - {action: recording.burst, target: {camera: [kali, sekolah, ptz]}}
    - {action: notify, target: {contact: [posko]}, data: {message: "putus {{ lama }}"}}
    - sequence: []
  mode: queued
""",
        site,
    )
    assert rule.fingerprint == written.fingerprint
    assert rule.variables == written.variables
    assert rule.triggers[0].trigger.cameras == ("kali", "sekolah")
    assert (rule.mode, rule.file, rule.line) == ("queued", "rules/banjir.yaml", 2)


def test_a_rule_is_called_as_its_blueprint_in_the_language_of_the_site(site):
    assert rule_of(USE, site).alias == "Kamera putus"
    assert rule_of(USE, site, language="en").alias == "Camera offline"
    assert rule_of(USE, site).description == "Beri tahu bila kamera putus."
    assert rule_of(USE.replace("- id: putus", "- id: putus\n  alias: Punya saya"), site).alias == "Punya saya"


def test_a_rule_without_an_id_is_told_at_the_rule_and_not_at_its_blueprint(site):
    (line,) = told(USE.replace("- id: putus", "- alias: tanpa id"), site)
    assert line.startswith("rules/banjir.yaml:2: id: ")


def test_keys_beside_a_blueprint_replace_its_own_as_in_home_assistant(site):
    text = USE + "  mode: single\n  cooldown: 10 min\n  enabled: false\n  variables: {lain: 1}\n"
    rule = rule_of(text, site)
    assert (rule.mode, rule.cooldown_s, rule.is_enabled) == ("single", 600.0, False)
    assert rule.variables == {"lama": 300, "kamera": ["kali", "sekolah"], "lain": 1}
    rule = rule_of(USE + "  triggers: [{trigger: event, kind: camera.online}]\n", site)
    assert rule.triggers[0].trigger.kinds == ("camera.online",)


def test_one_blueprint_serves_several_rules_each_with_its_own_values(site):
    second = USE.replace("id: putus", "id: lain").replace("[kali, sekolah]", "ptz").replace("posko", "lurah")
    loaded = read_rules(USE + second, site)
    assert not loaded.problems
    assert [rule.triggers[0].trigger.cameras for rule in loaded.rules] == [("kali", "sekolah"), ("ptz",)]
    assert loaded.rules[0].fingerprint != loaded.rules[1].fingerprint


def test_a_changed_input_changes_the_fingerprint_and_the_same_one_does_not(site):
    before = rule_of(USE, site).fingerprint
    assert rule_of(USE.replace("kepada: posko", "kepada: [posko]"), site).fingerprint == before
    assert rule_of(USE + "      lama: 10 min\n", site).fingerprint != before


def test_a_secret_given_to_an_input_stays_hidden(site):
    change(site, '"putus {{ lama }}"', "!input pesan")
    text = (site / "blueprints" / "putus.yaml").read_text("utf-8")
    text = text.replace("    lanjutan:", "    pesan: {selector: {text: {}}}\n    lanjutan:")
    (site / "blueprints" / "putus.yaml").write_text(text, "utf-8")
    assert rule_of(USE + "      pesan: !secret kunci\n", site).secrets == ("rahasia-sekali",)


def test_a_secret_that_is_no_camera_is_not_shown_by_its_mistake(site):
    (line,) = told(USE.replace("[kali, sekolah]", "!secret kunci"), site)
    assert line.startswith("rules/banjir.yaml:6: ") and "***" in line and "rahasia" not in line


def test_a_missing_an_unknown_and_a_wrong_input_are_told_at_the_line_of_the_rule(site):
    text = """
- id: putus
  use_blueprint:
    path: putus
    input:
      kamera: [kali, sekolahh]
      lamaa: 5
      lama: 2 h
"""
    assert told(text, site) == [
        "rules/banjir.yaml:7: use_blueprint.input.lamaa: cetak biru 'putus' tidak punya input 'lamaa'"
        " (maksud Anda 'lama'?)",
        "rules/banjir.yaml:6: use_blueprint.input.kamera[1]: tidak ada kamera 'sekolahh' (maksud Anda 'sekolah'?)",
        "rules/banjir.yaml:5: use_blueprint.input.kepada: cetak biru 'putus' perlu input 'kepada' (Diberi tahu)",
        "rules/banjir.yaml:8: use_blueprint.input.lama: harus paling banyak 3600 s",
    ]


def test_a_name_that_is_no_blueprint_gets_the_nearest_and_none_may_lead_outside(site):
    def of(path):
        return told(USE.replace("path: putus", f"path: {path}"), site, "en")

    assert of("putuss") == [
        "rules/banjir.yaml:4: use_blueprint.path: there is no blueprint 'putuss' (did you mean 'putus'?)"
    ]
    (site / "luar.yaml").write_text(OFFLINE, "utf-8")
    for path in ("../luar.yaml", "/etc/passwd", "sub/../../luar", "C:/luar", "..\\\\luar"):
        assert "points outside the folder blueprints" in of(path)[0]


def test_a_blueprint_may_stand_in_a_folder_of_its_own_and_be_named_with_its_ending(site):
    (site / "blueprints" / "rw05").mkdir()
    (site / "blueprints" / "putus.yaml").rename(site / "blueprints" / "rw05" / "putus.yaml")
    for path in ("rw05/putus", "rw05/putus.yaml", "./rw05/putus.yaml"):
        assert rule_of(USE.replace("path: putus", f"path: {path}"), site).id == "putus"
    assert "rw05/putus" in told(USE, site)[0]


def test_a_mistake_inside_names_the_blueprint_its_line_and_the_rule_that_uses_it(site):
    change(site, "message:", "mesage:")
    assert told(USE, site) == [
        "blueprints/putus.yaml:21: actions[2].data.mesage: kunci ini tidak dikenal (maksud Anda 'message'?)"
        " [cetak biru 'putus', dipakai aturan 'putus' di rules/banjir.yaml:3]"
    ]


def test_a_mistake_in_actions_given_to_an_input_is_told_at_the_rule(site):
    text = USE + "      lain:\n        - {action: snapshott}\n"
    assert told(text, site) == [
        "rules/banjir.yaml:9: actions[3].sequence[0].action: tidak ada tindakan 'snapshott'"
        " (maksud Anda 'snapshot'?) [lewat cetak biru 'putus']"
    ]


def test_a_blueprint_without_what_a_rule_needs_is_told(site):
    change(site, "triggers:", "trigger:")
    (line,) = told(USE, site)
    assert line.startswith("blueprints/putus.yaml:16: trigger: ") and "dipakai aturan 'putus'" in line


BROKEN = {
    "an input that was not declared": ("!input lain", "!input lainn", ":22:", "'lainn' tidak ada di blueprint.input"),
    "an unknown selector": ("{camera: {multiple: true}}", "{kamera: {}}", ":7:", "tidak ada pemilih 'kamera'"),
    "an unknown option": ("multiple: true", "multipel: true", ":7:", "maksud Anda 'multiple'?"),
    "two selectors": ("{recipient: {}}", "{recipient: {}, text: {}}", ":8:", "tulis satu pemilih"),
    "another domain": ("domain: automation", "domain: script", ":5:", "automation"),
    "an unknown key of the head": ("domain:", "domian:", ":5:", "maksud Anda 'domain'?"),
    "an id": ("mode: queued", "id: x", ":23:", "milik aturan yang memakai"),
    "an input in the head": ("default: []", "default: !input lama", ":14:", "!input tidak boleh di bagian ini"),
    "a secret": ("mode: queued", "mode: !secret kunci", ":23:", "tidak memuat !secret"),
    "no YAML": ("mode: queued", "mode: [", ":24:", "bukan YAML"),
    "a wrong default": ("default: 5 min", "default: sebentar", ":13:", "harus berupa lama waktu"),
}


@pytest.mark.parametrize(("old", "new", "line", "what"), BROKEN.values(), ids=BROKEN)
def test_a_broken_blueprint_is_told_at_its_line_whether_it_is_used_or_not(old, new, line, what, site):
    change(site, old, new)
    assert any(line in one and what in one for one in told("", site)), told("", site)
    lines = told(USE, site)
    assert any(one.startswith("rules/banjir.yaml:") or "dipakai aturan" in one for one in lines), lines


def test_input_in_a_rule_is_a_mistake_with_a_line(tmp_path):
    (tmp_path / "siaga.yaml").write_text("rules:\n  - id: a\n    mode: !input mode\n", "utf-8")
    loaded = load_yaml(tmp_path / "siaga.yaml", find_secret={}.get, texts=Texts("id"))
    assert [str(problem) for problem in loaded.problems] == [
        "siaga.yaml:3: rules[0].mode: !input hanya ada di berkas cetak biru; di aturan tulis nilainya"
    ]


SELECTED = {
    # selector: (right value, what it becomes, wrong value, what is told)
    "camera: {}": ("kali", "kali", "[kali]", "harus satu nama kamera"),
    "camera: {multiple: true}": ("kali", ["kali"], "[]", "isi paling sedikit satu kamera"),
    "zone: {}": ("halaman", "halaman", "halamam", "maksud Anda 'halaman'?"),
    "contact: {}": ("posko", "posko", "7", "harus nama kontak"),
    "place: {}": ("rw05", "rw05", "rw5", "maksud Anda 'rw05'?"),
    "group: {}": ("sungai", "sungai", "sungay", "maksud Anda 'sungai'?"),
    "notifier: {}": ("wa", "wa", "sms", "tidak ada notifier 'sms'"),
    "kind: {multiple: true}": ("fire.*", ["fire.*"], "fyre.*", "tidak ada jenis kejadian"),
    "stage: {}": ('"2"', 2, "5", "harus tahap Siaga"),
    "number: {min: 1, max: 5}": ("2.5", 2.5, "6", "harus paling banyak 5"),
    "number: {}": ("-3", -3, '"3"', "harus berupa bilangan"),
    "duration: {}": ("{minutes: 2}", 120, "lama sekali", ""),
    "time: {}": ('"22:00"', "22:00", "jam sepuluh", ""),
    "boolean: {}": ("ya", True, "mungkin", ""),
    "text: {}": ("halo", "halo", "[a]", "harus berupa teks"),
    "template: {}": ('"{{ 1 }}"', "{{ 1 }}", "{a: 1}", "harus berupa teks"),
    "select: {options: [a, b]}": ("b", "b", "c", "harus salah satu dari a, b"),
    "preset: {}": ("pintu-air", "pintu-air", "[]", "harus satu nama preset"),
    "object: {}": ("{a: [1]}", {"a": [1]}, None, ""),
    "recipient: {}": ("[posko, lurah]", {"contact": ["posko", "lurah"]}, "{kontak: posko}", "kunci ini tidak dikenal"),
}


@pytest.mark.parametrize(("selector", "row"), SELECTED.items(), ids=SELECTED)
def test_a_selector_takes_what_it_is_for_and_tells_what_it_is_not(selector, row, tmp_path):
    right, becomes, wrong, what = row
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "uji.yaml").write_text(
        f"blueprint: {{name: Uji, input: {{x: {{selector: {{{selector}}}}}}}}}\n"
        "variables: {x: !input x}\n"
        "triggers: [{trigger: event, kind: hub.start}]\nactions: [{action: log, data: {message: a}}]\n",
        "utf-8",
    )
    use = "- id: satu\n  use_blueprint:\n    path: uji\n    input:\n      x: "
    assert rule_of(use + right, tmp_path).variables == {"x": becomes}
    if wrong is not None:
        lines = told(use + wrong, tmp_path)
        assert lines and all(line.startswith("rules/banjir.yaml:5: use_blueprint.input.x") for line in lines)
        assert what in lines[0]


def test_cameras_are_also_named_by_their_group_or_their_place(site):
    def cameras_of(written):
        rule = rule_of(USE.replace("[kali, sekolah]", written), site)
        return rule.triggers[0].trigger.cameras

    assert cameras_of("{group: sungai}") == ("kali", "ptz")
    assert cameras_of("{camera: sekolah, group: [sungai]}") == ("sekolah", "kali", "ptz")
    assert cameras_of("{place: rw05}") == ("kali", "sekolah", "ptz")
    (line,) = told(USE.replace("[kali, sekolah]", "{group: sungay}"), site)
    assert line.startswith("rules/banjir.yaml:6: use_blueprint.input.kamera.group") and "'sungai'" in line
    (line,) = told(USE.replace("[kali, sekolah]", "{grup: sungai}"), site)
    assert "maksud Anda 'group'?" in line
    assert "isi paling sedikit satu kamera" in told(USE.replace("[kali, sekolah]", "{}"), site)[0]


def test_a_zone_is_looked_for_on_the_cameras_of_another_input(tmp_path):
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "uji.yaml").write_text(
        "blueprint:\n  name: Uji\n  input:\n"
        "    zona: {selector: {zone: {camera: kamera}}}\n    kamera: {selector: {camera: {}}}\n"
        "triggers: [{trigger: event, kind: zone.enter, camera: !input kamera, zone: !input zona}]\n"
        "actions: [{action: log, data: {message: a}}]\n",
        "utf-8",
    )
    use = "- id: satu\n  use_blueprint: {path: uji, input: {kamera: kali, zona: %s}}\n"
    assert rule_of(use % "bantaran", tmp_path).id == "satu"
    assert "kamera yang dipilih tidak punya zona 'halaman'" in told(use % "halaman", tmp_path)[0]


def test_a_blueprint_that_blows_a_rule_up_beyond_all_bounds_is_refused(tmp_path):
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "uji.yaml").write_text(
        "blueprint: {name: Uji, input: {x: {}}}\n"
        "triggers: [{trigger: event, kind: hub.start}]\nactions:\n" + "  - sequence: !input x\n" * 2_000,
        "utf-8",
    )
    big = "[" + ", ".join(["{action: snapshot}"] * 100) + "]"
    (line,) = told(f"- id: satu\n  use_blueprint: {{path: uji, input: {{x: {big}}}}}\n", tmp_path)
    assert "terlalu besar" in line and line.startswith("rules/banjir.yaml:2")


ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 10**6),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.sampled_from(
            ["kali", "posko", "putus", "", "{{ x }}", "{{", "!input x", "5 min", "../x", "\u0000", "<<", "id"]
        ),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "path",
                    "group",
                    "place",
                    "camera",
                    "input",
                    "kamera",
                    "kepada",
                    "lama",
                    "lain",
                    "contact",
                    "selector",
                    "name",
                    "x",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


def checked(text, folder):
    (folder / "rules.yaml").write_text(text, "utf-8")
    nodes = load_yaml(folder / "rules.yaml", find_secret={}.get, texts=Texts("id"))
    if nodes.problems:
        return nodes.problems, ()
    loaded = read_rules(text, folder)
    return [one.problem for one in loaded.problems], loaded.rules


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(use=None, value={"group": {}}, name="kamera")
@given(use=ODD, value=ODD, name=st.sampled_from(["kamera", "kepada", "lama", "lain"]))
def test_odd_uses_and_inputs_are_mistakes_with_a_line_and_never_a_traceback(site, use, value, name):
    change(site, "mode: queued", "mode: queued")
    inputs = json.dumps({"kamera": "kali", "kepada": "posko", name: value})
    for text in (
        f"- id: satu\n  use_blueprint: {json.dumps(use)}\n",
        f"- id: satu\n  use_blueprint:\n    path: putus\n    input: {inputs}\n",
    ):
        problems, rules = checked(text, site)
        assert problems or rules
        assert all(problem.line and problem.file for problem in problems), problems


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    odd=ODD, part=st.sampled_from(["name", "input", "selector", "default", "kamera", "triggers", "actions", "whole"])
)
def test_odd_blueprints_are_mistakes_with_a_line_and_never_a_traceback(site, odd, part):
    odd = json.dumps(odd)
    places = {
        "name": ("{id: Kamera putus, en: Camera offline}", odd),
        "input": ("    kamera: {name: Kamera, selector: {camera: {multiple: true}}}", f"    kamera: {odd}"),
        "selector": ("{camera: {multiple: true}}", odd),
        "default": ("default: 5 min", f"default: {odd}"),
        "kamera": ("{multiple: true}", odd),
        "triggers": ("{trigger: event, kind: camera.offline, camera: !input kamera}", odd),
        "actions": ("{action: recording.burst, target: {camera: [!input kamera, ptz]}}", odd),
    }
    if part == "whole":
        (site / "blueprints" / "putus.yaml").write_text(odd, "utf-8")
    else:
        change(site, *places[part])
    problems, rules = checked(USE, site)
    assert problems or rules
    assert all(problem.line and problem.file for problem in problems), problems


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=ODD, selector=st.sampled_from(list(SELECTED)))
def test_odd_values_of_every_selector_are_taken_or_told_at_the_rule(tmp_path, odd, selector):
    (tmp_path / "blueprints").mkdir(exist_ok=True)
    (tmp_path / "blueprints" / "uji.yaml").write_text(
        f"blueprint: {{name: Uji, input: {{x: {{selector: {{{selector}}}}}}}}}\n"
        "variables: {x: !input x}\n"
        "triggers: [{trigger: event, kind: hub.start}]\nactions: [{action: log, data: {message: a}}]\n",
        "utf-8",
    )
    text = f"- id: satu\n  use_blueprint:\n    path: uji\n    input:\n      x: {json.dumps(odd)}\n"
    problems, rules = checked(text, tmp_path)
    assert problems or rules
    assert all(problem.line == 5 and problem.file.endswith(".yaml") for problem in problems), problems


def test_the_examples_of_the_page_work(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "operators" / "cetak-biru.md").read_text("utf-8")
    use, blueprint = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert rule_of(use, tmp_path).alias == "Banjir Kali Ciliwung"
    (tmp_path / "blueprints" / "sendiri").mkdir(parents=True)
    (tmp_path / "blueprints" / "sendiri" / "putus.yaml").write_text(blueprint, "utf-8")
    rule = rule_of("- id: a\n  use_blueprint: {path: sendiri/putus, input: {kamera: kali, kepada: posko}}\n", tmp_path)
    assert [step.path for step in rule.steps] == ["actions[0]", "actions[1]"]


def test_a_sites_own_blueprint_comes_before_the_built_in_one_of_its_name(tmp_path):
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "disk-penuh.yaml").write_text(
        "blueprint: {name: Punya saya}\n"
        "triggers: [{trigger: event, kind: hub.start}]\nactions: [{action: log, data: {message: a}}]\n",
        "utf-8",
    )
    rule = rule_of("- id: a\n  use_blueprint: {path: disk-penuh}\n", tmp_path)
    assert rule.alias == "Punya saya"


def test_a_list_says_what_each_blueprint_needs_in_the_language_of_the_site(site):
    texts = Texts("en")
    shelf = library(built_in_words(), replace(site_settings("en"), folder=str(site)), texts)
    lines = list(listed(shelf.all(), texts))
    assert lines[:3] == [
        "putus: Camera offline (blueprints/putus.yaml)",
        "    kamera             camera     Kamera [needed]",
        "    kepada             recipient  Diberi tahu [needed]",
    ]
    assert "    lama               duration   Lama [default: 5 min]" in lines
    assert "banjir-siaga: Flood: stages Siaga 4 to 1 (built in)" in lines
