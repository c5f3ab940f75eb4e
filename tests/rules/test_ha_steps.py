"""Steps behave as Home Assistant documents them; each row names its page, and says where Siaga differs on purpose."""

from typing import NamedTuple

import pytest
from hub_for_rules import event
from step_bench import StepBench, break_down, say

PAGE = "https://www.home-assistant.io/docs/scripts/"
CONDITIONS = "https://www.home-assistant.io/docs/scripts/conditions/"
SCRIPTS = "https://www.home-assistant.io/integrations/script/"
DELAY, TEMPLATE, TRIGGER = (
    f"{PAGE}#{part}" for part in ("wait-for-time-to-pass-delay", "wait-for-a-template", "wait-for-a-trigger")
)
TIMEOUT, WAIT, REPEAT = (f"{PAGE}#{part}" for part in ("wait-timeout", "wait-variable", "repeat-a-group-of-actions"))


def when(expression):
    """Return a template of one expression, quoted for YAML."""
    return f"'{{{{ {expression} }}}}'"


YES, NO = when("true"), when("false")


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


class Row(NamedTuple):
    """One behaviour: its source, the actions, what happens after the run began, and the words that were noted.

    A number lets seconds pass, a text tells an event of that kind.
    """

    source: str
    actions: str
    words: list[str]
    then: tuple = ()
    state: str = "finished"
    scripts: str = ""


ROWS = {
    # --- conditions ---------------------------------------------------------------------------------
    "a condition that does not hold ends the actions": Row(
        PAGE + "#test-a-condition",
        f"[{say('a')}, {NO}, {say('b')}]",
        ["a"],
    ),
    "a condition in its long form does the same": Row(
        CONDITIONS,
        f"[{{condition: template, value_template: {NO}}}, {say('b')}]",
        [],
    ),
    "conditions may be or, and, not": Row(
        CONDITIONS + "#or-condition",
        f"[{{or: [{NO}, {YES}]}}, {{not: [{NO}]}}, {{and: [{YES}]}}, {say('a')}]",
        ["a"],
    ),
    "a condition in a repeat ends its turn only": Row(
        PAGE + "#test-a-condition",
        f"[{{repeat: {{count: 3, sequence: [{when('repeat.index != 2')}, {say('{{ repeat.index }}')}]}}}}, {say('z')}]",
        ["1", "3", "z"],
    ),
    "a condition in a choose ends that way only": Row(
        PAGE + "#test-a-condition",
        f"[{{choose: [{{conditions: {YES}, sequence: [{NO}, {say('a')}]}}]}}, {say('z')}]",
        ["z"],
    ),
    "a condition in a parallel branch ends that branch only": Row(
        PAGE + "#test-a-condition",
        f"[{{parallel: [{{sequence: [{NO}, {say('a')}]}}, {say('b')}]}}, {say('z')}]",
        ["b", "z"],
    ),
    "a condition that is switched off is passed over": Row(
        CONDITIONS + "#disabling-a-condition",
        f"[{{condition: template, value_template: {NO}, enabled: false}}, {say('a')}]",
        ["a"],
    ),
    # --- delay --------------------------------------------------------------------------------------
    "a delay in seconds": Row(DELAY, f"[{{delay: 5}}, {say('a')}]", [], (4.9,), "running"),
    "a delay in seconds is over": Row(DELAY, f"[{{delay: 5}}, {say('a')}]", ["a"], (5,)),
    "01:00 is an hour": Row(DELAY, f"[{{delay: '01:00'}}, {say('a')}]", [], (3599,), "running"),
    "00:01:30 is a minute and a half": Row(DELAY, f"[{{delay: '00:01:30'}}, {say('a')}]", ["a"], (90,)),
    "units may be combined": Row(
        DELAY,
        f"[{{delay: {{minutes: 1, seconds: 5, milliseconds: 500}}}}, {say('a')}]",
        ["a"],
        (65.5,),
    ),
    "a delay takes templates in every form": Row(
        DELAY,
        f"[{{variables: {{n: 2}}}}, {{delay: {when('n * 60')}}}, {{delay: {{minutes: {when('n')}}}}},"
        f" {{delay: '00:0{{{{ n }}}}:00'}}, {say('a')}]",
        ["a"],
        (120, 120, 120),
    ),
    # --- waits --------------------------------------------------------------------------------------
    "a template that is true already is not waited for": Row(
        TEMPLATE, f"[{{wait_template: {YES}}}, {say('{{ wait.completed }}')}]", ["True"]
    ),
    "a template is waited for (Siaga also looks every second, so now() works)": Row(
        TEMPLATE,
        f"[{{variables: {{t: {when('now().timestamp()')}}}}},"
        f" {{wait_template: {when('now().timestamp() > t + 5')}}}, {say('a')}]",
        ["a"],
        (4, 3),
    ),
    "after its timeout a wait goes on": Row(
        TIMEOUT,
        f"[{{wait_template: {NO}, timeout: '00:01:00'}}, {say('{{ wait.completed }} {{ wait.remaining }}')}]",
        ["False 0.0"],
        (61,),
    ),
    "before its timeout it waits": Row(
        TIMEOUT,
        f"[{{wait_template: {NO}, timeout: '00:01:00'}}, {say('a')}]",
        [],
        (59,),
        "running",
    ),
    "continue_on_timeout false ends the run": Row(
        TIMEOUT,
        f"[{{wait_template: {NO}, timeout: 10, continue_on_timeout: false}}, {say('a')}]",
        [],
        (11,),
    ),
    "a timeout takes templates": Row(
        TIMEOUT,
        f"[{{variables: {{m: 1}}}}, {{wait_template: {NO}, timeout: {{minutes: {when('m')}}}}}, {say('a')}]",
        ["a"],
        (61,),
    ),
    "wait.remaining is none without a timeout": Row(
        WAIT,
        f"[{{wait_template: {YES}}}, {say('{{ wait.remaining is none }} {{ wait.trigger is defined }}')}]",
        ["True False"],
    ),
    "two waits share one timeout by wait.remaining": Row(
        WAIT,
        f"[{{variables: {{t: {when('now().timestamp()')}}}}},"
        f" {{wait_template: {when('now().timestamp() >= t + 6')}, timeout: 10}},"
        f" {{wait_template: {NO}, timeout: {when('wait.remaining')}}}, {say('{{ wait.completed }}')}]",
        ["False"],
        (6, 5),
    ),
    "a trigger is waited for": Row(
        TRIGGER,
        f"[{{wait_for_trigger: [{{trigger: event, kind: object.bus, id: bus}}]}},"
        f" {say('{{ wait.completed }} {{ wait.trigger.id }} {{ wait.trigger.event.camera.name }}')}]",
        ["True bus Kali Ciliwung"],
        ("zone.enter", "object.bus"),
    ),
    "any of several triggers ends the wait": Row(
        TRIGGER,
        f"[{{wait_for_trigger: [{{trigger: event, kind: object.bus}}, {{trigger: event, kind: object.car}}]}},"
        f" {say('{{ wait.trigger.event.kind }}')}]",
        ["object.car"],
        ("object.car", "object.bus"),
    ),
    "wait.trigger is none after the timeout": Row(
        WAIT,
        f"[{{wait_for_trigger: {{trigger: event, kind: object.bus}}, timeout: 30}},"
        f" {say('{{ wait.trigger is none }}')}]",
        ["True"],
        (31,),
    ),
    "wait.remaining tells what is left after a trigger": Row(
        WAIT,
        f"[{{wait_for_trigger: {{trigger: event, kind: object.bus}}, timeout: 30}},"
        f" {say('{{ wait.remaining | round }}')}]",
        ["20"],
        (10, "object.bus"),
    ),
    "a wait for a trigger may end the run when its time is over": Row(
        TIMEOUT,
        "[{wait_for_trigger: {trigger: event, kind: object.bus}, timeout: 30, continue_on_timeout: false},"
        f" {say('a')}]",
        [],
        (31,),
    ),
    # --- repeat -------------------------------------------------------------------------------------
    "repeat counts": Row(
        PAGE + "#counted-repeat", f"[{{repeat: {{count: 3, sequence: {say('{{ repeat.index }}')}}}}}]", ["1", "2", "3"]
    ),
    "a count may be a template, decided once": Row(
        PAGE + "#counted-repeat",
        f"[{{variables: {{n: 2}}}}, {{repeat: {{count: {when('n')}, sequence: [{{variables: {{n: 9}}}},"
        f" {say('x')}]}}}}]",
        ["x", "x"],
    ),
    "a count of nothing takes no turn": Row(
        PAGE + "#counted-repeat", f"[{{repeat: {{count: 0, sequence: {say('x')}}}}}, {say('z')}]", ["z"]
    ),
    "repeat knows its first and last turn": Row(
        PAGE + "#repeat-loop-variable",
        f"[{{repeat: {{count: 3, sequence: {say('{{ repeat.first }} {{ repeat.last }}')}}}}}]",
        ["True False", "False False", "False True"],
    ),
    "for_each takes a list": Row(
        PAGE + "#for-each",
        f"[{{repeat: {{for_each: [kali, sekolah], sequence: {say('{{ repeat.item }}')}}}}}]",
        ["kali", "sekolah"],
    ),
    "for_each takes mappings": Row(
        PAGE + "#for-each",
        "[{repeat: {for_each: [{bahasa: id, pesan: Halo}, {bahasa: en, pesan: Hello}],"
        f" sequence: {say('{{ repeat.item.bahasa }} {{ repeat.item.pesan }}')}}}}}]",
        ["id Halo", "en Hello"],
    ),
    "for_each takes a list that a template makes": Row(
        PAGE + "#for-each",
        f"[{{repeat: {{for_each: {when('[1, 2]')}, sequence: {say('{{ repeat.item + 1 }}')}}}}}]",
        ["2", "3"],
    ),
    "items may be templates": Row(
        PAGE + "#for-each",
        f"[{{variables: {{a: x}}}}, {{repeat: {{for_each: [{when('a')}, b], sequence: {say('{{ repeat.item }}')}}}}}]",
        ["x", "b"],
    ),
    "while looks before each turn": Row(
        PAGE + "#while-loop",
        f"[{{repeat: {{while: {when('repeat.index <= 2')}, sequence: {say('{{ repeat.index }}')}}}}}, {say('z')}]",
        ["1", "2", "z"],
    ),
    "while that does not hold takes no turn": Row(
        PAGE + "#while-loop", f"[{{repeat: {{while: [{NO}], sequence: {say('x')}}}}}, {say('z')}]", ["z"]
    ),
    "until looks after each turn": Row(
        PAGE + "#repeat-until",
        f"[{{repeat: {{until: {when('repeat.index == 2')}, sequence: {say('{{ repeat.index }}')}}}}}, {say('z')}]",
        ["1", "2", "z"],
    ),
    "until takes at least one turn": Row(
        PAGE + "#repeat-until", f"[{{repeat: {{until: [{YES}], sequence: {say('x')}}}}}]", ["x"]
    ),
    "loops nest, and the inner repeat is the nearest": Row(
        REPEAT,
        f"[{{repeat: {{count: 2, sequence: [{{variables: {{luar: {when('repeat.index')}}}}},"
        f" {{repeat: {{count: 2, sequence: {say('{{ luar }}{{ repeat.index }}')}}}}},"
        f" {say('{{ repeat.index }}')}]}}}}]",
        ["11", "12", "1", "21", "22", "2"],
    ),
    # --- if, choose ---------------------------------------------------------------------------------
    "if takes then": Row(PAGE + "#if-then", f"[{{if: {YES}, then: {say('a')}, else: {say('b')}}}]", ["a"]),
    "if takes else": Row(PAGE + "#if-then", f"[{{if: [{NO}], then: [{say('a')}], else: [{say('b')}]}}]", ["b"]),
    "if without else goes on": Row(PAGE + "#if-then", f"[{{if: {NO}, then: {say('a')}}}, {say('z')}]", ["z"]),
    "every condition of an if must hold": Row(
        PAGE + "#if-then", f"[{{if: [{YES}, {NO}], then: {say('a')}}}, {say('z')}]", ["z"]
    ),
    "choose takes the first way that holds": Row(
        PAGE + "#choose-a-group-of-actions",
        f"[{{choose: [{{conditions: {NO}, sequence: {say('a')}}}, {{conditions: {YES}, sequence: {say('b')}}},"
        f" {{conditions: {YES}, sequence: {say('c')}}}]}}]",
        ["b"],
    ),
    "choose takes its default": Row(
        PAGE + "#choose-a-group-of-actions",
        f"[{{choose: [{{conditions: {NO}, sequence: {say('a')}}}], default: {say('b')}}}]",
        ["b"],
    ),
    "a choose may hold one way without a list": Row(
        PAGE + "#choose-a-group-of-actions",
        f"[{{choose: {{conditions: {YES}, sequence: {say('a')}}}}}]",
        ["a"],
    ),
    # --- sequence, parallel -------------------------------------------------------------------------
    "sequences are taken one after the other": Row(
        PAGE + "#grouping-actions",
        f"[{{alias: satu, sequence: [{say('a')}, {{delay: 5}}, {say('b')}]}}, {{sequence: [{say('c')}]}}]",
        ["a", "b", "c"],
        (5,),
    ),
    "parallel steps do not wait for each other": Row(
        PAGE + "#parallelizing-actions",
        f"[{{parallel: [{{sequence: [{{delay: 10}}, {say('lambat')}]}}, {say('cepat')}]}}, {say('z')}]",
        ["cepat"],
        (9,),
        "running",
    ),
    "what stands behind a parallel waits for its last branch": Row(
        PAGE + "#parallelizing-actions",
        f"[{{parallel: [{{sequence: [{{delay: 10}}, {say('lambat')}]}}, {say('cepat')}]}}, {say('z')}]",
        ["cepat", "lambat", "z"],
        (10,),
    ),
    "a branch may be a list": Row(
        PAGE + "#parallelizing-actions",
        f"[{{parallel: [[{say('a')}, {{delay: 1}}, {say('b')}], {say('c')}]}}]",
        ["a", "c", "b"],
        (1,),
    ),
    "a branch that fails stops no other": Row(
        PAGE + "#parallelizing-actions",
        f"[{{parallel: [{break_down('a', ', continue_on_error: false')}, {{sequence: [{{delay: 5}},"
        f" {say('b')}]}}]}}, {say('z')}]",
        ["a", "b"],
        (5,),
        "failed",
    ),
    "each branch has a wait of its own": Row(
        WAIT,
        "[{parallel: [{sequence: [{wait_template: '{{ false }}', timeout: 5}, {delay: 5}, "
        + say("{{ wait.completed }}")
        + "]},"
        " {sequence: [{delay: 7}, {wait_template: '{{ true }}'}, " + say("{{ wait.completed }}") + "]}]}]",
        ["True", "False"],
        (5, 2, 4),
    ),
    # --- variables ----------------------------------------------------------------------------------
    "a variable set inside is known outside": Row(
        PAGE + "#scope-of-variables",
        f"[{{variables: {{orang: 0}}}}, {{if: {YES}, then: [{{variables: {{orang: {when('orang + 1')}, budi: true}}}},"
        f" {say('{{ orang }}')}]}}, {say('{{ orang }} {{ budi is defined }}')}]",
        ["1", "1 True"],
    ),
    "a variable grows in a loop": Row(
        PAGE + "#scope-of-variables",
        f"[{{variables: {{n: 0}}}},"
        f" {{repeat: {{count: 3, sequence: {{variables: {{n: {when('n + repeat.index')}}}}}}}}}, {say('{{ n }}')}]",
        ["6"],
    ),
    "variables may look at those before them": Row(
        PAGE + "#variables", f"[{{variables: {{a: 2, b: {when('a * 2')}}}}}, {say('{{ b }}')}]", ["4"]
    ),
    # --- stop ---------------------------------------------------------------------------------------
    "stop ends the run": Row(PAGE + "#stopping-a-script-sequence", f"[{say('a')}, {{stop: cukup}}, {say('b')}]", ["a"]),
    "stop ends the run from inside a loop": Row(
        PAGE + "#stopping-a-script-sequence",
        f"[{{repeat: {{count: 5, sequence: [{say('{{ repeat.index }}')},"
        f" {{if: {when('repeat.index == 2')}, then: {{stop: cukup}}}}]}}}}, {say('z')}]",
        ["1", "2"],
    ),
    "stop with error marks the run as failed": Row(
        PAGE + "#stopping-a-script-sequence", f"[{{stop: aneh, error: true}}, {say('b')}]", [], (), "failed"
    ),
    # --- errors -------------------------------------------------------------------------------------
    "a step that fails does not end the run (Home Assistant's would: decision 015)": Row(
        PAGE + "#continuing-on-error", f"[{break_down('a')}, {say('b')}]", ["a", "b"]
    ),
    "continue_on_error true says so": Row(
        PAGE + "#continuing-on-error", f"[{break_down('a', ', continue_on_error: true')}, {say('b')}]", ["a", "b"]
    ),
    "continue_on_error false ends the run as failed": Row(
        PAGE + "#continuing-on-error",
        f"[{break_down('a', ', continue_on_error: false')}, {say('b')}]",
        ["a"],
        (),
        "failed",
    ),
    "continue_on_error false ends the run from inside a loop": Row(
        PAGE + "#continuing-on-error",
        f"[{{repeat: {{count: 3, sequence: [{break_down('a', ', continue_on_error: false')}]}}}}, {say('b')}]",
        ["a"],
        (),
        "failed",
    ),
    "a step that is switched off is passed over": Row(
        PAGE + "#disabling-an-action", f"[{say('a', ', enabled: false')}, {say('b')}]", ["b"]
    ),
    "enabled may be a limited template": Row(
        PAGE + "#disabling-an-action",
        f"[{say('a', ', enabled: ' + when('1 > 2'))}, {say('b', ', enabled: ' + when('2 > 1'))}]",
        ["b"],
    ),
    "an action's answer is kept in response_variable": Row(
        "https://www.home-assistant.io/docs/scripts/perform-actions/#use-templates-to-handle-response-data",
        f"[{say('a', ', target: {camera: kali}, response_variable: jawab')},"
        f" {say('{{ jawab.kata }} {{ jawab.kamera[0] }}')}]",
        ["a", "a kali"],
    ),
    # --- scripts ------------------------------------------------------------------------------------
    "a script sees what its caller gives, and the trigger": Row(
        SCRIPTS + "#passing-variables-to-scripts",
        f"[{{variables: {{lokal: 1}}}}, {{action: script.kirim, data: {{siapa: {when('lokal + 1')}}}}}]",
        ["2 object.person False"],
        scripts="kirim:\n  fields: {siapa: {description: x}}\n  sequence:\n"
        f"    - {say('{{ siapa }} {{ trigger.event.kind }} {{ lokal is defined }}')}\n",
    ),
    "a script answers by stop and response_variable": Row(
        SCRIPTS + "#retrieving-response-data",
        "[{action: script.hitung, data: {n: 4}, response_variable: hasil}, " + say("{{ hasil.kali_dua }}") + "]",
        ["8"],
        scripts="hitung:\n  fields: {n: {}}\n  sequence:\n    - variables: {jawab: {kali_dua: '{{ n * 2 }}'}}\n"
        "    - {stop: selesai, response_variable: jawab}\n    - " + say("tidak") + "\n",
    ),
    "stop in a script ends the script alone": Row(
        SCRIPTS,
        f"[{{action: script.henti}}, {say('z')}]",
        ["a", "z"],
        scripts=f"henti:\n  sequence: [{say('a')}, {{stop: cukup}}, {say('b')}]\n",
    ),
    "a script's variables do not reach its caller": Row(
        SCRIPTS,
        f"[{{action: script.atur}}, {say('{{ x is defined }}')}]",
        ["False"],
        scripts="atur:\n  sequence: [{variables: {x: 1}}]\n",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_a_step_does_what_home_assistant_documents(row, bench):
    await bench.open(f" {row.actions}", scripts=row.scripts)
    await bench.tell()
    for step in row.then:
        if isinstance(step, str):
            await bench.tell(event(step, at=bench.hub.clock.now()))
        else:
            await bench.advance(step)
    assert bench.done == row.words
    assert (await bench.trace()).state == row.state
    assert row.source.startswith("https://www.home-assistant.io/")
