"""The trigger ``webhook`` in the real engine: what listens is known, also inside steps that wait."""

import pytest
from hub_for_rules import close_hub, event, open_hub, read_rules, until

from siaga.rules.engine import RuleEngine
from siaga.rules.trigger_webhook import webhook_print

RULE = """
- id: pintu-air
  triggers: {trigger: webhook, webhook_id: pintu-air-9f3kq81zz}
  actions:
    - wait_for_trigger: {trigger: webhook, webhook_id: surut-air-9f3kq81zz, allowed_methods: GET}
    - {action: log, data: {message: "{{ trigger.event.data.json.tinggi }}"}}
- id: mati
  enabled: false
  triggers: {trigger: webhook, webhook_id: lain-air-9f3kq81zzz}
  actions: [{action: snapshot}]
"""


def call(webhook_id, method="POST", **data):
    return event("webhook.call", None, data={"webhook": webhook_print(webhook_id), "method": method, **data})


@pytest.fixture
async def running(tmp_path):
    loaded = read_rules(RULE, tmp_path)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    hub = await open_hub(tmp_path / "siaga.db")
    engine = RuleEngine(hub, loaded)
    await engine.start()
    yield hub, engine
    await close_hub(hub, engine)


async def test_the_engine_knows_which_addresses_rules_and_their_waits_listen_to(running):
    _, engine = running
    assert engine.webhook_methods(webhook_print("pintu-air-9f3kq81zz")) == {"POST", "PUT"}
    assert engine.webhook_methods(webhook_print("surut-air-9f3kq81zz")) == {"GET"}
    assert not engine.webhook_methods(webhook_print("lain-air-9f3kq81zzz")), "the rule is off"


async def test_a_call_starts_its_rule_and_another_call_says_why_not(running):
    hub, engine = running
    await hub.emit(call("pintu-air-9f3kq81zz", json={"tinggi": 212}))
    await hub.emit(call("pintu-air-9f3kq81zz", "GET"))

    await until(lambda: engine.near_misses("pintu-air"))
    assert "method" in engine.near_misses("pintu-air")[0].reason
    (trace,) = await engine.traces("pintu-air")
    assert trace.steps[0].outcome == "true" and "212" in str(trace.steps[0].values)


@pytest.mark.parametrize(
    "webhook_id", ["pendek", "dengan spasi di dalamnya", 12345678901234567, "../../etc/passwd-xxxx"]
)
def test_an_address_that_can_be_guessed_or_is_none_is_refused(tmp_path, webhook_id):
    loaded = read_rules(RULE.replace("pintu-air-9f3kq81zz", str(webhook_id)), tmp_path)
    assert "webhook_id perlu paling sedikit 16" in str(loaded.problems[0])
