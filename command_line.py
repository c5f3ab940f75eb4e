"""What every command of ``siaga`` stands on: its words, the configuration it is given, how it gives up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from .core.config import load_settings, peek
from .core.errors import Problem
from .core.plugin_manager import PluginManager
from .core.settings import Settings
from .core.texts import Texts
from .rules.parse import load_rules
from .rules.rule import LoadedRules

say = Texts(os.environ.get("SIAGA_LANG", "id"))
CONFIG = click.Path(exists=True, dir_okay=False, path_type=Path)
config_argument = click.argument("config", type=CONFIG, default=Path("config.yaml"), metavar="[CONFIG]")
plain_config_argument = click.argument(
    "config", type=click.Path(dir_okay=False, path_type=Path), default=Path("config.yaml"), metavar="[CONFIG]"
)


def plugins_of(config: Path) -> PluginManager:
    """Load the plugins of a configuration, whatever else is wrong with it."""
    peeked = peek(config)
    manager = PluginManager(
        config.resolve().parent, in_hub=True, disabled=peeked.disabled, texts=Texts(peeked.language)
    )
    manager.load()
    return manager


def read_configuration(config: Path) -> tuple[PluginManager, Settings | None, tuple[Problem, ...]]:
    """Return the plugins, the settings (None where the hub could not start on them), and every mistake."""
    plugins = plugins_of(config)
    loaded = load_settings(config, plugins)
    return plugins, loaded.settings, loaded.problems


def usable_configuration(config: Path) -> tuple[PluginManager, Settings, LoadedRules]:
    """Return what a command about rules needs; gives up where the hub could not start."""
    plugins, settings, problems = read_configuration(config)
    if settings is None:
        give_up("\n".join(map(str, problems)))
    texts = Texts(settings.site.language)
    return plugins, settings, load_rules(settings.rules, plugins, settings, texts)


def check_configuration(config: Path) -> None:
    """Say everything that is wrong, or that nothing is; exit 1 when something is wrong."""
    plugins, settings, problems = read_configuration(config)
    wrong = [str(problem) for problem in problems]
    wrong += [
        say("cli.check.plugin", name=p.name, why=p.reason) for p in plugins.plugins if not (p.is_on or p.is_disabled)
    ]
    count = 0
    if settings is not None:
        loaded = load_rules(settings.rules, plugins, settings, Texts(settings.site.language))
        wrong += [str(problem) for problem in loaded.problems]
        wrong += [str(problem) for rule in loaded.rules for problem in rule.test_problems]
        count = len(loaded.rules)
    for line in wrong:
        click.echo(line, err=True)
    if settings is None or wrong:
        click.echo(say("cli.check.wrong", count=len(wrong)), err=True)
        sys.exit(1)
    click.echo(say("cli.check.right", cameras=len(settings.cameras), rules=count))


def give_up(message: str) -> NoReturn:
    """Say why a command cannot do what it is for, and end it."""
    click.echo(message, err=True)
    sys.exit(1)
