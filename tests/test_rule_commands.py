"""`siaga rules ...` as people type it: tests that pass and fail, rules and their traces as text and JSON."""

import asyncio
import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hub_for_rules import close_hub, event, open_hub, until

from siaga.__main__ import main
from siaga.core.clock import SystemClock
from siaga.core.config import load_settings
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts
from siaga.rules.engine import RuleEngine
from siaga.rules.parse import load_rules

CONFIG = """\
site: {name: Kelurahan Kebon Baru}
storage: {path: .}
cameras:
  kali: {type: demo, scene: canal, name: Kali Ciliwung}
rules:
  - id: air
    alias: Air naik
    triggers: {trigger: event, kind: flood.stage, camera: kali, to: 2}
    conditions: "{{ trigger.event.data.level_cm > 200 }}"
    actions: {action: log, data: {message: "air {{ trigger.event.data.level_cm }}"}}
    tests:
      - {name: naik, events: {kind: flood.stage, camera: kali, data: {to: 2, level_cm: 212}}, expect: {action: log}}
      - {name: turun, events: {kind: flood.stage, camera: kali, data: {to: 2, level_cm: 100}}, expect: []}
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG, "utf-8")
    return file


def siaga(*words):
    answer = CliRunner().invoke(main, ["rules", *map(str, words)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer


def test_tests_that_pass_are_named_and_counted(config):
    answer = siaga("test", config)
    assert answer.exit_code == 0
    assert answer.output.splitlines()[-1] == "2 lulus, 0 gagal"
    assert "lulus  air: naik  (config.yaml:12)" in answer.output


def test_a_test_that_fails_says_why_and_ends_with_one(config):
    config.write_text(CONFIG.replace("level_cm: 212", "level_cm: 150"))
    answer = siaga("test", config, "--rule", "air")
    assert answer.exit_code == 1
    assert "GAGAL  air: naik" in answer.output and "tidak dilakukan: log" in answer.output
    assert "level_cm: 150" in answer.output, "the value that decided"
    assert answer.output.splitlines()[-1] == "1 lulus, 1 gagal"


def test_a_rule_that_is_not_there_is_told_with_the_nearest(config):
    for words in (("test", config, "--rule", "aer"), ("trace", "aer", config)):
        answer = siaga(*words)
        assert answer.exit_code == 1 and "tidak ada aturan 'aer' (maksud Anda 'air'?)" in answer.output


def test_a_mistake_in_a_test_fails_the_check_but_not_the_rule(config):
    config.write_text(CONFIG.replace("expect: []", "expct: []"))
    answer = siaga("test", config)
    assert answer.exit_code == 1 and "config.yaml:13: tests[1].expct" in answer.output
    assert "lulus  air: naik" in answer.output
    check = CliRunner().invoke(main, ["check", str(config)])
    assert check.exit_code == 1 and "config.yaml:13: tests[1].expct" in check.output


def run_once(config, *events):
    """Let the real engine meet events, on the journal that the commands read."""
    plugins = PluginManager(None, in_hub=True)
    plugins.load()
    settings = load_settings(config, plugins).settings

    async def run():
        hub = await open_hub(config.parent / "siaga.db", SystemClock(), site=settings)
        engine = RuleEngine(hub, load_rules(settings.rules, plugins, settings, Texts("id")))
        await engine.start()
        for one in events:
            await hub.emit(one)

        async def is_over():
            return len(await engine.traces("air")) == len(events) and not any(s.running for s in await engine.rules())

        await until(is_over)
        await close_hub(hub, engine)

    asyncio.run(run())


def test_rules_are_listed_before_and_after_they_ran(config):
    answer = siaga("list", config)
    assert answer.exit_code == 0 and answer.output.split() == ["air", "Aktif", "config.yaml:6"]
    run_once(config, event(at=SystemClock().now(), data={"to": 2, "level_cm": 212}))
    assert "berjalan 1 kali, terakhir" in siaga("list", config).output
    config.write_text(CONFIG.replace("to: 2}\n", "too: 2}\n"))
    answer = siaga("list", config)
    assert answer.exit_code == 1 and "Salah" in answer.output and "config.yaml:8: triggers" in answer.output


def test_a_trace_is_readable_and_is_json_where_asked(config):
    assert "belum pernah berjalan" in siaga("trace", "air", config).output
    now = SystemClock().now()
    refused = event(at=now, data={"to": 2, "level_cm": 150})
    run_once(config, event(at=now, data={"to": 2, "level_cm": 212}), refused)
    answer = siaga("trace", "air", config)
    assert answer.exit_code == 0
    for said in ("Selesai", "Syarat tidak terpenuhi", "Pemicu: kejadian", "conditions[0]", "air 212"):
        assert said in answer.output, answer.output
    newest = json.loads(siaga("trace", "air", config, "--json", "--last", "1").output)
    assert [one["event_id"] for one in newest] == [refused.id]
    assert newest[0]["state"] == "conditions_failed"


def test_recorded_events_are_played_to_a_rule_as_text_and_as_json(config):
    at = SystemClock().now()
    events = [event(at=at, data={"to": 2, "level_cm": 212}), event(at=at, data={"to": 2, "level_cm": 150})]
    run_once(config, *events)
    day = at.astimezone(ZoneInfo("Asia/Jakarta"))
    span = (
        "--from",
        f"{day - timedelta(hours=1):%Y-%m-%d %H:%M}",
        "--to",
        f"{day + timedelta(hours=1):%Y-%m-%d %H:%M}",
    )
    answer = siaga("replay", "air", config, *span)
    assert answer.exit_code == 0, answer.output
    for said in ("log {message: air 212}", "syarat tidak terpenuhi", "level_cm: 150", "1 kali akan dijalankan"):
        assert said in answer.output, answer.output
    found = json.loads(siaga("replay", "air", config, *span, "--json").output)
    assert [one["outcome"] for one in found["reactions"]] == ["ran", "conditions_failed"]
    assert "1 kali akan dijalankan" in siaga("replay", "air", config, "--from", "2 jam").output, "until now"
    wider = CONFIG.replace("level_cm > 200", "level_cm > 100")
    config.write_text(wider)
    assert siaga("replay", "air", config, *span, "--json").output.count('"outcome": "ran"') == 2, "as it stands now"


def test_a_replay_that_cannot_be_says_why(config):
    span = ("--from", "2026-11-22 19:00", "--to", "2026-11-22 20.00")
    answer = siaga("replay", "aer", config, *span)
    assert answer.exit_code == 1 and "maksud Anda 'air'?" in answer.output
    answer = siaga("replay", "air", config, *span)
    assert answer.exit_code == 1 and "siaga.db" in answer.output
    assert not (config.parent / "siaga.db").exists()
    wrong = siaga("replay", "air", config, "--from", "kemarin")
    assert wrong.exit_code == 1 and wrong.output.startswith("--from kemarin: perlu waktu setempat seperti")
    turned = siaga("replay", "air", config, "--from", "2026-11-22 20:00", "--to", "2026-11-22 19:00")
    assert turned.exit_code == 1 and "--to harus sesudah --from" in turned.output
