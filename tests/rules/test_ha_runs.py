"""Modes, ``for`` and waits for triggers behave as Home Assistant documents them; each row names its page."""

from typing import NamedTuple

import pytest
from hub_for_rules import event
from step_bench import StepBench, say

MODES = "https://www.home-assistant.io/docs/automation/modes/"
FOR = "https://www.home-assistant.io/docs/automation/trigger/#holding-a-state"
NUMERIC = "https://www.home-assistant.io/docs/automation/trigger/#numeric-state-trigger"
EVERY = "https://www.home-assistant.io/docs/automation/trigger/#multiple-triggers"
TRIGGER = "https://www.home-assistant.io/docs/scripts/#wait-for-a-trigger"
TIMEOUT = "https://www.home-assistant.io/docs/scripts/#wait-timeout"
WAIT = "https://www.home-assistant.io/docs/scripts/#wait-variable"
VARIABLES = "https://www.home-assistant.io/docs/automation/templating/#available-trigger-data"

PERSON = "[{trigger: event, kind: object.person}]"
N = "{{ trigger.event.data.n }}"
SLOW = f"[{say(f'mulai {N}')}, {{delay: 60}}, {say(f'usai {N}')}]"
ODD = "  conditions: ['{{ trigger.event.data.n != 2 }}']\n"
STAGE = "{trigger: event, kind: flood.stage, to: 2, for: 60}"
LEVEL = "[{trigger: event, kind: flood.level, above: 200, for: '00:01:00'}]"
ENTER = "{trigger: event, kind: zone.enter}"


class Told(NamedTuple):
    """One event: its kind and data."""

    kind: str
    data: dict


def seen(n):
    return Told("object.person", {"n": n})


def stage(to, n=0):
    return Told("flood.stage", {"to": to, "n": n})


def level(cm, n=0):
    return Told("flood.level", {"level_cm": cm, "n": n})


class Row(NamedTuple):
    """One behaviour: its source, the rule, what happens (a number lets seconds pass), and the words that were noted."""

    source: str
    actions: str
    then: tuple
    words: list[str]
    triggers: str = PERSON
    more: str = ""


ROWS = {
    # --- modes --------------------------------------------------------------------------------------
    "single is the default: no new run while one runs": Row(
        MODES, SLOW, (seen(1), seen(2), 60, seen(3)), ["mulai 1", "usai 1", "mulai 3"]
    ),
    "restart stops the run, its delay too, and starts anew": Row(
        MODES, SLOW, (seen(1), 30, seen(2), 60), ["mulai 1", "mulai 2", "usai 2"], more="  mode: restart\n"
    ),
    "restart restarts only if the conditions are met": Row(
        MODES, SLOW, (seen(1), seen(2), 60), ["mulai 1", "usai 1"], more="  mode: restart\n" + ODD
    ),
    "restart stops a wait for a trigger too": Row(
        MODES,
        f"[{say(f'mulai {N}')}, {{wait_for_trigger: {ENTER}}}, {say(f'usai {N}')}]",
        (seen(1), seen(2), Told("zone.enter", {})),
        ["mulai 1", "mulai 2", "usai 2"],
        more="  mode: restart\n",
    ),
    "queued starts after all previous runs have finished, in their order": Row(
        MODES,
        SLOW,
        (seen(1), seen(2), seen(3), 60, 60, 60),
        ["mulai 1", "usai 1", "mulai 2", "usai 2", "mulai 3", "usai 3"],
        more="  mode: queued\n",
    ),
    "a run joins the queue only if the conditions are met when it starts": Row(
        MODES,
        SLOW,
        (seen(1), seen(2), seen(3), 60, 60),
        ["mulai 1", "usai 1", "mulai 3", "usai 3"],
        more="  mode: queued\n" + ODD,
    ),
    "max counts those that run and those that wait in the queue": Row(
        MODES,
        SLOW,
        (seen(1), seen(2), seen(3), 60, 60, seen(4)),
        ["mulai 1", "usai 1", "mulai 2", "usai 2", "mulai 4"],
        more="  mode: queued\n  max: 2\n",
    ),
    "parallel starts an independent run right away": Row(
        MODES,
        SLOW,
        (seen(1), 30, seen(2), 30, 30),
        ["mulai 1", "mulai 2", "usai 1", "usai 2"],
        more="  mode: parallel\n",
    ),
    "max bounds parallel runs; max_exceeded silent leaves out without a word": Row(
        MODES,
        SLOW,
        (seen(1), seen(2), seen(3)),
        ["mulai 1", "mulai 2"],
        more="  mode: parallel\n  max: 2\n  max_exceeded: silent\n",
    ),
    "a stop ends its own run and no other": Row(
        MODES,
        f"[{say(f'mulai {N}')}, {{delay: 5}}, {{if: '{{{{ trigger.event.data.n == 1 }}}}', then: {{stop: cukup}}}},"
        f" {say(f'usai {N}')}]",
        (seen(1), seen(2), 5),
        ["mulai 1", "mulai 2", "usai 2"],
        more="  mode: parallel\n",
    ),
    # --- for ----------------------------------------------------------------------------------------
    "for fires when it stayed so": Row(FOR, f"[{say(N)}]", (stage(2, 1), 59, 1), ["1"], triggers=f"[{STAGE}]"),
    "for does not fire before": Row(FOR, f"[{say(N)}]", (stage(2, 1), 59), [], triggers=f"[{STAGE}]"),
    "a change in between ends it, a new one begins anew": Row(
        FOR, f"[{say(N)}]", (stage(2, 1), 50, stage(3), stage(2, 2), 59), [], triggers=f"[{STAGE}]"
    ),
    "the same state again does not begin the time again": Row(
        FOR, f"[{say(N)}]", (stage(2, 1), 50, stage(2, 2), 10), ["1"], triggers=f"[{STAGE}]"
    ),
    "a number must cross the limit again before it fires again": Row(
        NUMERIC,
        f"[{say(N)}]",
        (level(250, 1), 60, level(260, 2), 60, level(150), level(250, 3), 60),
        ["1", "3"],
        triggers=LEVEL,
    ),
    "a number that dips below the limit begins anew": Row(
        NUMERIC, f"[{say(N)}]", (level(250, 1), 40, level(200), 1, level(250, 2), 59), [], triggers=LEVEL
    ),
    "trigger.for says for how long (seconds; a timedelta there)": Row(
        VARIABLES, f"[{say('{{ trigger.for }}')}]", (stage(2), 60), ["60.0"], triggers=f"[{STAGE}]"
    ),
    "trigger.for is none without for": Row(VARIABLES, f"[{say('{{ trigger.for is none }}')}]", (seen(1),), ["True"]),
    "conditions are looked at when the time is over": Row(
        FOR,
        f"[{say(N)}]",
        (stage(2, 1), 60),
        ["1"],
        triggers=f"[{STAGE}]",
        more="  conditions: ['{{ now().timestamp() >= trigger.event.at.timestamp() + 60 }}']\n",
    ),
    "any of several triggers is enough, each with an id": Row(
        EVERY,
        f"[{say('{{ trigger.id }}')}]",
        (seen(1), stage(2), 60, Told("zone.enter", {})),
        ["orang", "1", "zona"],
        triggers=f"[{{trigger: event, kind: object.person, id: orang}}, {STAGE},"
        " {trigger: event, kind: zone.enter, id: zona}]",
    ),
    # --- wait_for_trigger ---------------------------------------------------------------------------
    "any of the triggers ends the wait; wait.trigger says which": Row(
        TRIGGER,
        f"[{{wait_for_trigger: [{{trigger: event, kind: zone.leave, id: keluar}}, {ENTER}]}},"
        f" {say('{{ wait.trigger.id }} {{ wait.trigger.event.kind }}')}]",
        (seen(1), Told("zone.enter", {})),
        ["1 zone.enter"],
    ),
    "a trigger that fired before the wait does not count": Row(
        TRIGGER, f"[{{delay: 5}}, {{wait_for_trigger: {ENTER}}}, {say('a')}]", (seen(1), Told("zone.enter", {}), 5), []
    ),
    "the timeout goes on, with wait.trigger none and wait.completed false": Row(
        TIMEOUT,
        f"[{{wait_for_trigger: {ENTER}, timeout: {{seconds: 30}}}},"
        f" {say('{{ wait.trigger is none }} {{ wait.completed }} {{ wait.remaining }}')}]",
        (seen(1), 30),
        ["True False 0.0"],
    ),
    "continue_on_timeout false ends the run": Row(
        TIMEOUT,
        f"[{{wait_for_trigger: {ENTER}, timeout: 30, continue_on_timeout: false}}, {say('a')}]",
        (seen(1), 30),
        [],
    ),
    "wait.remaining is what was left of the timeout": Row(
        WAIT,
        f"[{{wait_for_trigger: {ENTER}, timeout: 30}}, {say('{{ wait.completed }} {{ wait.remaining }}')}]",
        (seen(1), 20, Told("zone.enter", {})),
        ["True 10.0"],
    ),
    "wait.remaining is none without a timeout": Row(
        WAIT,
        f"[{{wait_for_trigger: {ENTER}}}, {say('{{ wait.remaining is none }}')}]",
        (seen(1), Told("zone.enter", {})),
        ["True"],
    ),
    "a trigger that is waited for may have a for": Row(
        TRIGGER,
        f"[{{wait_for_trigger: {STAGE}, timeout: 300}}, {say('{{ wait.trigger.event.data.n }}')}]",
        (seen(1), stage(2, 1), 30, stage(3), stage(2, 2), 60),
        ["2"],
    ),
    "a timeout before its for is over ends the wait": Row(
        TIMEOUT,
        f"[{{wait_for_trigger: {STAGE}, timeout: 40}}, {say('{{ wait.completed }}')}]",
        (seen(1), stage(2, 1), 40),
        ["False"],
    ),
    "a wait may wait again in a loop": Row(
        TRIGGER,
        f"[{{repeat: {{count: 2, sequence: [{{wait_for_trigger: {ENTER}}}, {say('{{ repeat.index }}')}]}}}}]",
        (seen(1), Told("zone.enter", {}), Told("zone.enter", {}), Told("zone.enter", {})),
        ["1", "2"],
    ),
}


@pytest.fixture
async def bench(tmp_path):
    bench = StepBench(tmp_path)
    yield bench
    await bench.close()


@pytest.mark.parametrize("name", ROWS)
async def test_a_row(name, bench):
    row = ROWS[name]
    bench.triggers = row.triggers
    await bench.open(f" {row.actions}", row.more)
    for one in row.then:
        if isinstance(one, Told):
            await bench.tell(event(one.kind, at=bench.hub.clock.now(), data=one.data))
        else:
            await bench.advance(one)
    assert bench.done == row.words, row.source
