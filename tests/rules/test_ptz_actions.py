"""A rule that turns a camera, is refused, gives it back: what stands in its trace, and in a trial."""

import pytest
from dome import Dome
from hub_for_rules import RecordingCamera, built_in_words, close_hub, event, open_hub, read_rules, settings, until

from siaga.core.ptz.lease import Mover
from siaga.core.texts import Texts
from siaga.rules.engine import RuleEngine
from siaga.rules.trial.try_rule import try_rule

RULE = """
- id: banjir
  triggers: {trigger: event, kind: flood.stage}
  actions:
    - {action: ptz.goto_preset, target: {camera: ptz}, data: {preset: pintu-air, hold: 60 s, priority: high}}
    - {action: ptz.move, target: {camera: ptz}, data: {pan: 0.5, seconds: 2 s}}
    - {action: ptz.stop, target: {camera: ptz}}
    - {action: ptz.release, target: {camera: ptz}}
    - {action: ptz.home, target: {camera: ptz}}
  tests:
    - name: mengarahkan
      events: {kind: flood.stage, camera: kali}
      expect:
        - {action: ptz.goto_preset, data: {preset: pintu-air, hold: 60}}
        - {action: ptz.move}
        - {action: ptz.stop}
        - {action: ptz.release}
        - {action: ptz.home}
"""
BUDI = Mover(kind="person", name="Pak Budi")


@pytest.fixture
async def ran(tmp_path):
    """Run the rule once and return the hub and the trace."""
    hub = await open_hub(tmp_path / "siaga.db")
    dome = Dome()
    hub.cameras["ptz"] = RecordingCamera(dome)
    engine = RuleEngine(hub, read_rules(RULE, tmp_path))
    await engine.start()

    async def run():
        await hub.emit(event("flood.stage", "kali"))

        async def over():
            traces = await engine.traces("banjir", 1)
            return traces and traces[0].state != "running" and traces[0]

        return dome, await until(over)

    run.hub = hub
    yield run
    await close_hub(hub, engine)


async def test_a_rule_turns_moves_stops_and_gives_the_camera_back(ran):
    dome, trace = await ran()
    assert [what[0] for what in dome.told] == ["goto", "move", "stop"]
    outcomes = {step.path: step.outcome for step in trace.steps if step.path.startswith("actions")}
    assert list(outcomes.values()) == ["done", "done", "done", "done", "failed"], "this camera has no home"
    assert ran.hub.ptz.state("ptz").lease is None
    audited = [(one.who, one.what, one.detail.get("run")) for one in await ran.hub.audit.find(20)]
    assert ("banjir", "ptz.goto", trace.run_id) in audited and ("banjir", "ptz.release", trace.run_id) in audited


async def test_a_rule_that_is_refused_says_in_its_trace_who_holds_the_camera_and_until_when(ran):
    await ran.hub.ptz.goto("ptz", "jalan", BUDI)
    dome, trace = await ran()
    assert dome.told == [("goto", "jalan")]
    refused = [step for step in trace.steps if step.outcome == "failed"]
    assert "dipegang Pak Budi sampai 19.05" in refused[0].error
    assert "actions[0]" in trace.reason


@pytest.mark.parametrize("wrong", ["hold: 2 h", "hold: -1", "priority: urgent", "hold: [1]"])
def test_a_hold_that_would_keep_everybody_away_is_a_mistake(tmp_path, wrong):
    loaded = read_rules(RULE.replace("hold: 60 s", wrong).replace(", priority: high}}", "}}"), tmp_path)
    assert loaded.problems


def test_a_trial_writes_down_what_would_be_turned(tmp_path):
    rule = read_rules(RULE, tmp_path).rules[0]
    assert not rule.test_problems, [str(problem) for problem in rule.test_problems]
    (result,) = try_rule(rule, settings(), Texts("id"), built_in_words().template_functions)
    assert result.has_passed, result.faults
