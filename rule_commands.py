"""The commands ``siaga rules ...``: look at rules, try them, follow what they did."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click
import msgspec

from .command_line import (
    check_configuration,
    config_argument,
    give_up,
    plain_config_argument,
    read_configuration,
    say,
    usable_configuration,
)
from .core.checks import did_you_mean
from .core.clock import SystemClock
from .core.config import peek
from .core.errors import SiagaError
from .core.journal import Journal
from .core.journal_files import owner_of
from .core.settings import Settings
from .core.texts import Texts
from .core.validators import Wrong
from .rules.blueprint_list import listed
from .rules.blueprints import library
from .rules.editor_schemas import editor_schemas, editor_settings
from .rules.rule_states import rule_states
from .rules.run_log import RunLog
from .rules.trial.moments import moment_of
from .rules.trial.replay import replay
from .rules.trial.replay_text import replay_lines
from .rules.trial.try_rule import result_text, try_rule
from .web.event_words import EventWords
from .web.trace_text import rules_text, trace_text
from .web.trace_words import TraceWords
from .web.wording import Wording

T = TypeVar("T")


@click.group(help=say("cli.rules.help"))
def rules() -> None:
    """Group the commands about rules."""


@rules.command(name="reload", help=say("cli.rules.reload.help"))
@config_argument
def reload_rules(config: Path) -> None:
    """Check the configuration, then tell the running hub to read its rules again."""
    _, settings, problems = read_configuration(config)
    if settings is None:
        give_up("\n".join(map(str, problems)))
    journal = settings.journal_file
    pid = owner_of(journal)
    if pid is None:
        give_up(say("cli.rules.reload.not_running", path=journal))
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as err:
        give_up(say("cli.rules.reload.not_told", pid=pid, why=err.strerror or str(err)))
    click.echo(say("cli.rules.reload.asked", pid=pid))
    check_configuration(config)


@rules.command(name="schema", help=say("cli.rules.schema.help"))
@plain_config_argument
@click.option("--show", type=click.Choice(["rules", "scripts", "config"]), help=say("cli.rules.schema.show"))
def write_schemas(config: Path, show: str | None) -> None:
    """Write what an editor needs to complete and check; the configuration may be missing or wrong."""
    plugins, settings, _ = read_configuration(config)
    found = editor_schemas(plugins, Texts(peek(config).language), settings)
    if show:
        click.echo(json.dumps(found[show], ensure_ascii=False, indent=2))
        return
    folder = config.parent / "schema"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in found.items():
            (folder / f"{name}.json").write_text(json.dumps(schema, ensure_ascii=False, indent=1), "utf-8")
    except OSError as err:
        give_up(say("hub.storage_not_made", path=folder, why=err.strerror))
    click.echo(say("cli.rules.schema.written", folder=folder), err=True)
    click.echo(json.dumps(editor_settings(), indent=2))


@rules.command(name="blueprints", help=say("cli.rules.blueprints.help"))
@config_argument
def list_blueprints(config: Path) -> None:
    """List what rules can be made from, each with what it needs; exit 1 when one of the site's own is wrong."""
    plugins, settings, problems = read_configuration(config)
    if settings is None:
        give_up("\n".join(map(str, problems)))
    texts = Texts(settings.site.language)
    found = library(plugins, settings, texts).all()
    for line in listed(found, texts):
        click.echo(line)
    if any(blueprint.problems for blueprint in found):
        sys.exit(1)


@rules.command(name="list", help=say("cli.rules.list.help"))
@config_argument
def list_rules(config: Path) -> None:
    """List every rule with its figures; exit 1 when one is wrong."""
    _, settings, loaded = usable_configuration(config)
    figures = _read_journal(settings, lambda log: log.figures()) or {}
    states = rule_states(loaded.rules, loaded.problems, figures)
    click.echo(rules_text(states, _wording(settings)) if states else say("cli.rules.list.none"))
    if loaded.problems:
        sys.exit(1)


@rules.command(name="trace", help=say("cli.rules.trace.help"))
@click.argument("rule")
@config_argument
@click.option("--last", type=click.IntRange(1, 50), default=5, show_default=True, help=say("cli.rules.trace.last"))
@click.option("--json", "is_json", is_flag=True, help=say("cli.rules.trace.json"))
def show_traces(rule: str, config: Path, last: int, is_json: bool) -> None:
    """Show the newest traces of a rule, beside a running hub or without one."""
    plugins, settings, loaded = usable_configuration(config)
    found = _read_journal(settings, lambda log: log.traces(rule, last)) or ()
    names = {one.id: one.alias for one in loaded.rules}
    if not found and rule not in names:
        known = dict.fromkeys([*names, *(problem.rule_id for problem in loaded.problems)])
        give_up(say("cli.rules.no_rule", rule=rule) + did_you_mean(rule, known, say))
    if is_json:
        click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo(say("cli.rules.trace.none", rule=rule))
        return
    wording = _wording(settings)
    words = TraceWords(wording, EventWords(wording, settings, plugins.event_kinds))
    click.echo(trace_text(found, names.get(rule, rule), words, wording))


@rules.command(name="replay", help=say("cli.rules.replay.help"))
@click.argument("rule")
@config_argument
@click.option("--from", "since", required=True, help=say("cli.rules.replay.from"))
@click.option("--to", "until", default="0 s", help=say("cli.rules.replay.to"))
@click.option("--json", "is_json", is_flag=True, help=say("cli.rules.trace.json"))
def replay_rule(rule: str, config: Path, since: str, until: str, is_json: bool) -> None:
    """Play what was recorded to a rule as it stands now; nothing is done, and the hub may run beside it."""
    plugins, settings, loaded = usable_configuration(config)
    texts, zone = Texts(settings.site.language), ZoneInfo(settings.site.timezone)
    chosen = next((one for one in loaded.rules if one.id == rule), None)
    if chosen is None:
        wrong = [str(problem) for problem in loaded.problems if problem.rule_id == rule]
        names = [one.id for one in loaded.rules]
        give_up("\n".join(wrong) or say("cli.rules.no_rule", rule=rule) + did_you_mean(rule, names, say))
    span = _span(since, until, zone)
    file = settings.journal_file
    try:
        found = replay(chosen, settings, texts, functions=plugins.template_functions, journal=file, span=span)
    except SiagaError as err:
        give_up(str(err))
    if is_json:
        click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        return
    for line in replay_lines(found, zone, say):
        click.echo(line)


@rules.command(name="test", help=say("cli.rules.test.help"))
@config_argument
@click.option("--rule", "only", multiple=True, help=say("cli.rules.test.rule"))
def test_rules(config: Path, only: tuple[str, ...]) -> None:
    """Run the tests that stand beside the rules, on simulated time; exit 1 when one fails."""
    plugins, settings, loaded = usable_configuration(config)
    texts = Texts(settings.site.language)
    known = {rule.id: rule for rule in loaded.rules}
    for name in only:
        if name not in known:
            wrong = [str(problem) for problem in loaded.problems if problem.rule_id == name]
            give_up("\n".join(wrong) or say("cli.rules.no_rule", rule=name) + did_you_mean(name, known, say))
    wrong = [str(problem) for problem in loaded.problems if not only]
    chosen = [rule for rule in loaded.rules if not only or rule.id in only]
    wrong += [str(problem) for rule in chosen for problem in rule.test_problems]
    for line in wrong:
        click.echo(line, err=True)
    counts = {True: 0, False: 0}
    for rule in chosen:
        for result in try_rule(rule, settings, texts, plugins.template_functions):
            counts[result.has_passed] += 1
            click.echo(result_text(result, texts))
    click.echo(say("cli.rules.test.summary", passed=counts[True], failed=counts[False]))
    if wrong or counts[False]:
        sys.exit(1)


def _span(since: str, until: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return what ``--from`` and ``--to`` mean, by one clock; say what is wrong with them."""
    now, span = SystemClock().now(), []
    for option, text in (("--from", since), ("--to", until)):
        try:
            span.append(moment_of(text, now, zone))
        except Wrong as err:
            give_up(f"{option} {text}: {err.say(say)}")
    if span[1] <= span[0]:
        give_up(say("cli.rules.replay.order"))
    return span[0], span[1]


def _wording(settings: Settings) -> Wording:
    return Wording(say.language, settings.site.timezone, SystemClock())


def _read_journal(settings: Settings, look: Callable[[RunLog], Awaitable[T]]) -> T | None:
    """Return what the engine's log says, beside a running hub; None where no hub ran yet."""
    file = settings.journal_file
    if not file.exists():
        return None

    async def read() -> T:
        journal = await Journal.open(file, is_shared=True, texts=Texts(settings.site.language))
        try:
            return await look(await RunLog.open(journal))
        finally:
            await journal.close()

    try:
        return asyncio.run(read())
    except SiagaError as err:
        give_up(str(err))
