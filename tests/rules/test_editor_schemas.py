# ruff: noqa: E501
"""What an editor checks while somebody types: right files are right to it, and slips are seen."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from hub_for_rules import built_in_words, settings

from siaga.__main__ import main
from siaga.core.texts import Texts
from siaga.core.yaml_lines import load_yaml, plain
from siaga.rules.editor_schemas import editor_schemas, editor_settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.yaml"


@pytest.fixture(scope="module")
def schemas():
    return editor_schemas(built_in_words(), Texts("id"), settings())


@pytest.fixture(scope="module")
def nameless():
    """The schemas of a site whose names are not known, for files that speak of another site's cameras."""
    return editor_schemas(built_in_words(), Texts("en"), None)


def read(path):
    loaded = load_yaml(path, find_secret=lambda name: "rahasia-sekali", texts=Texts("id"), environ={})
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return plain(loaded.value)


def read_text(folder, text):
    (folder / "r.yaml").write_text(text, "utf-8")
    return read(folder / "r.yaml")


def complaints(schema, value):
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


@pytest.mark.parametrize("name", ["rules", "scripts", "config"])
def test_each_schema_is_itself_a_right_schema(schemas, name):
    jsonschema.Draft202012Validator.check_schema(schemas[name])
    json.dumps(schemas[name])


def test_the_example_configuration_is_right(nameless):
    assert complaints(nameless["config"], read(EXAMPLE)) == []


@pytest.mark.parametrize("file", sorted((ROOT / "rules" / "examples").glob("*.yaml")), ids=lambda file: file.name)
def test_the_example_rules_are_right(nameless, file):
    assert complaints(nameless["rules"], read(file)) == []


HEAD = "- id: a\n  triggers: {trigger: event, kind: flood.stage, camera: kali, to: 2}\n"
RIGHT = {
    "a list of triggers": "- id: a\n  triggers:\n    - {trigger: event, kind: hub.start}\n  actions: {action: snapshot}\n",
    "a template for a switch": HEAD
    + "  actions: [{action: snapshot, enabled: '{{ true }}', target: {camera: kali}}]\n",
    "steps in steps": HEAD
    + "  actions:\n    - if: '{{ 1 > 0 }}'\n      then: [{delay: 5}, {delay: '00:01'}]\n      else: {stop: ya}\n"
    + "    - choose:\n        - {conditions: '{{ true }}', sequence: [{action: log, data: {message: x}}]}\n"
    + "      default: [{variables: {a: 1}}]\n"
    + "    - repeat: {count: 2, sequence: [{action: snapshot, target: {group: sungai}}]}\n"
    + "    - parallel: [[{delay: 1}], {delay: 2}]\n    - {wait_template: '{{ true }}', timeout: {seconds: 5}}\n"
    + "    - wait_for_trigger: [{trigger: event, kind: 'flood.*'}]\n    - '{{ 1 }}'\n    - and: ['{{ 1 }}']\n",
    "templates in data": HEAD
    + "  actions: [{action: recording.burst, target: {camera: kali}, data: {before: '{{ x }}', after: 60}}]\n",
    "a name that a template gives": HEAD + "  actions: [{action: snapshot, target: {camera: '{{ x }}'}}]\n",
    "a script and a notifier": HEAD
    + "  actions: [{action: script.kirim, data: {a: 1}}, {action: notify.wa, data: {message: x}}]\n",
    "conditions": HEAD
    + "  conditions: [{condition: time, after: '19:00', weekday: [mon]}, {or: ['{{ 1 }}', {condition: template, "
    + "value_template: '{{ 2 }}'}]}]\n  actions: {action: snapshot}\n",
    "a blueprint": "- id: a\n  use_blueprint: {path: api, input: {camera: kali}}\n  mode: queued\n",
}
WRONG = {
    "an unknown key": HEAD + "  actions: {action: snapshot}\n  mod: single\n",
    "an unknown mode": HEAD + "  actions: {action: snapshot}\n  mode: singel\n",
    "no actions": HEAD,
    "an unknown trigger": "- id: a\n  triggers: {trigger: evnt, kind: x}\n  actions: {action: snapshot}\n",
    "an unknown key of a trigger": "- id: a\n  triggers: {trigger: event, kind: x, cam: y}\n  actions: {action: log}\n",
    "a camera that is not there": "- id: a\n  triggers: {trigger: event, kind: x, camera: kal}\n  actions: {stop: x}\n",
    "an unknown action": HEAD + "  actions: {action: snapshoot}\n",
    "an unknown key of an action": HEAD + "  actions: {action: snapshot, targets: {camera: kali}}\n",
    "an unknown key of data": HEAD + "  actions: {action: ptz.goto_preset, target: {camera: ptz}, data: {prest: x}}\n",
    "no data": HEAD + "  actions: [{action: ptz.goto_preset, target: {camera: ptz}, data: {}}]\n",
    "a target that is not there": HEAD + "  actions: [{action: snapshot, target: {camera: kalli}}]\n",
    "a key of the target": HEAD + "  actions: [{action: snapshot, target: {kamera: kali}}]\n",
    "deep in a step": HEAD + "  actions: [{if: '{{ 1 }}', then: [{repeat: {count: 2, sequnce: []}}]}]\n",
    "no word for a step": HEAD + "  actions: [{data: {message: x}}]\n",
    "an unknown condition": HEAD + "  conditions: {condition: tim, after: '19:00'}\n  actions: {action: snapshot}\n",
    "a time that is none": HEAD + "  conditions: {condition: time, after: '29:00'}\n  actions: {action: snapshot}\n",
    "an id with a space": HEAD.replace("id: a", "id: 'a b'") + "  actions: {action: snapshot}\n",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_a_right_rule_is_right(schemas, tmp_path, text):
    assert complaints(schemas["rules"], read_text(tmp_path, text)) == []


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_slip_is_seen(schemas, tmp_path, text):
    assert complaints(schemas["rules"], read_text(tmp_path, text)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: demo", "type: dmo"),
        ("scene:", "scen:"),
        ("keep_days: 14", "keep_days: empat"),
        ("port: 8080", "port: 99999999"),
        ("language: id", "language: jawa"),
        ("cameras:", "camera:"),
    ],
)
def test_a_slip_in_the_configuration_is_seen(nameless, tmp_path, old, new):
    text = EXAMPLE.read_text("utf-8")
    assert old in text
    file = tmp_path / "config.yaml"
    file.write_text(text.replace(old, new, 1).split("\nrules:")[0], "utf-8")
    assert complaints(nameless["config"], read(file)) != []


def test_every_key_says_in_the_sites_language_what_it_is_for(schemas, nameless):
    for given, language in ((schemas, "id"), (nameless, "en")):
        rule = given["rules"]["$defs"]["rule"]["else"]["properties"]
        assert rule["cooldown"]["description"] == Texts(language)("rules.option.cooldown")
        assert all(one.get("description") for one in rule.values())


def test_the_command_writes_the_schemas_and_says_how_an_editor_takes_them(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("site: {name: X}\ncameras:\n  kali: {type: demo, scene: canal}\n", "utf-8")
    answer = CliRunner().invoke(main, ["rules", "schema", str(config)])
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == editor_settings()
    for file in editor_settings()["yaml.schemas"]:
        jsonschema.Draft202012Validator.check_schema(json.loads((tmp_path / file).read_text("utf-8")))
    shown = CliRunner().invoke(main, ["rules", "schema", str(config), "--show", "rules"])
    assert "kali" in shown.stdout and json.loads(shown.stdout)["$schema"].endswith("2020-12/schema")


TESTED = """
- id: a
  triggers: {trigger: event, kind: flood.stage}
  actions: {action: log, data: {message: halo}}
  tests:
    - {name: satu, at: "2026-11-22 19:05", events: {kind: flood.stage, after: 5 min}, expect: {action: log, after: 5 min}}
    - {name: dua, states: [{kind: camera, camera: kali, value: offline}], events: [{kind: flood.stage}], expect: []}
"""


def test_the_tests_of_a_rule_are_known_to_the_editor(schemas, tmp_path):
    assert complaints(schemas["rules"], read_text(tmp_path, TESTED)) == []
    for old, new in (
        ("expect: []", "expct: []"),
        ("after: 5 min}, expect", "aftr: 5 min}, expect"),
        ("name: dua, ", ""),
    ):
        assert complaints(schemas["rules"], read_text(tmp_path, TESTED.replace(old, new))), new
