"""The ``siaga`` command line: the one place that knows every room."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
from importlib import resources
from pathlib import Path
from typing import NoReturn

import click

from .core.config import load_settings, peek
from .core.errors import Problem, SiagaError
from .core.hub import Hub
from .core.journal import Journal
from .core.log import set_up_logging
from .core.plugin_manager import PluginManager
from .core.settings import Settings
from .core.texts import Texts
from .rules.engine import RuleEngine
from .rules.parse import load_rules
from .rules.rule import LoadedRules
from .web.accounts import ROLES, Accounts
from .web.app import WebApp

logger = logging.getLogger(__name__)

say = Texts(os.environ.get("SIAGA_LANG", "id"))
CONFIG = click.Path(exists=True, dir_okay=False, path_type=Path)
config_argument = click.argument("config", type=CONFIG, default=Path("config.yaml"), metavar="[CONFIG]")


@click.group(help=say("cli.help"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="siaga", message="Siaga %(version)s", help=say("cli.version"))
def main() -> None:
    """Read the command and hand over."""


@main.command(help=say("cli.run.help"))
@config_argument
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def run(config: Path, log_level: str) -> None:
    """Run the hub until Ctrl-C."""
    set_up_logging(log_level)
    try:
        late = asyncio.run(_run(config))
    except SiagaError as err:
        _give_up(str(err))
    if late:
        click.echo(say("cli.run.late", names=", ".join(late)), err=True)
    click.echo(say("cli.run.ended"))


@main.command(help=say("cli.demo.help"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("siaga-demo"))
def demo(folder: Path) -> None:
    """Lay the example configuration into a folder and run it."""
    source = Path(str(resources.files(__package__)))
    config = folder / "config.yaml"
    if not config.exists():
        (folder / "rules").mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "config.example.yaml", config)
        shutil.copytree(source / "rules" / "examples", folder / "rules" / "examples", dirs_exist_ok=True)
    click.echo(say("cli.demo.folder", folder=folder))
    click.get_current_context().invoke(run, config=config, log_level="info")


@main.command(help=say("cli.check.help"))
@config_argument
def check(config: Path) -> None:
    """Check configuration and rules; exit 1 when something is wrong."""
    plugins, settings, problems = _read(config)
    wrong = [str(problem) for problem in problems]
    wrong += [
        say("cli.check.plugin", name=p.name, why=p.reason) for p in plugins.plugins if not (p.is_on or p.is_disabled)
    ]
    count = 0
    if settings is not None:
        loaded = load_rules(settings.rules, plugins, settings, Texts(settings.site.language))
        wrong += [str(problem) for problem in loaded.problems]
        count = len(loaded.rules)
    for line in wrong:
        click.echo(line, err=True)
    if settings is None or wrong:
        click.echo(say("cli.check.wrong", count=len(wrong)), err=True)
        sys.exit(1)
    click.echo(say("cli.check.right", cameras=len(settings.cameras), rules=count))


@main.command(name="plugins", help=say("cli.plugins.help"))
@click.argument("config", type=CONFIG, required=False)
def list_plugins(config: Path | None) -> None:
    """List every plugin, what it offers, and why one is off."""
    manager = _plugins(config or Path.cwd() / "config.yaml")
    for plugin in manager.plugins:
        state = say("cli.plugins.on") if plugin.is_on else say("cli.plugins.off", reason=plugin.reason)
        click.echo(f"{plugin.name:44} {state}  {', '.join(plugin.offers)}")


@main.group(help=say("cli.user.help"))
def user() -> None:
    """Group the commands about accounts."""


@user.command(name="add", help=say("cli.user.add.help"))
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True, help=say("cli.user.role"))
@click.option("--config", type=CONFIG, default=Path("config.yaml"), show_default=True, help=say("cli.user.config"))
def add_user(name: str, role: str, config: Path) -> None:
    """Add an account with a one-time password."""
    _, settings, problems = _read(config)
    if settings is None:
        _give_up("\n".join(map(str, problems)))
    password = secrets.token_urlsafe(12)
    try:
        asyncio.run(_add_user(settings, name, role, password))
    except SiagaError as err:
        _give_up(str(err))
    click.echo(say("cli.user.added", name=name, role=role, password=password))


async def _add_user(settings: Settings, name: str, role: str, password: str) -> None:
    folder = Path(settings.folder) / settings.storage.path
    folder.mkdir(parents=True, exist_ok=True)
    journal = await Journal.open(folder / "siaga.db", is_shared=True)
    try:
        accounts = await Accounts.open(journal)
        await accounts.add(name, password, role=role, must_change=True)
    finally:
        await journal.close()


async def _run(config: Path) -> tuple[str, ...]:
    plugins, settings, problems = _read(config)
    if settings is None:
        raise SiagaError("\n".join([say("cli.run.cannot"), *map(str, problems)]))
    for problem in problems:
        logger.error("%s", problem)
    hub = Hub(settings, plugins, problems=problems)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    await hub.open()
    try:
        engine = RuleEngine(hub, _rules(hub))
        web = WebApp(hub, engine)
        hub.add(engine)
        hub.add(web)
        await hub.start()
        password = await web.accounts.ensure_admin()
        click.echo(say("cli.run.address", url=web.url))
        if password:
            click.echo(say("cli.run.admin", password=password))
        await stopping.wait()
        click.echo(say("cli.run.stopping"))
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
        late = await hub.stop()
    return late


def _rules(hub: Hub) -> LoadedRules:
    loaded = load_rules(hub.settings.rules, hub.plugins, hub.settings, hub.texts)
    for problem in loaded.problems:
        logger.error("%s", problem)
    return loaded


def _plugins(config: Path) -> PluginManager:
    peeked = peek(config)
    manager = PluginManager(
        config.resolve().parent, in_hub=True, disabled=peeked.disabled, texts=Texts(peeked.language)
    )
    manager.load()
    return manager


def _read(config: Path) -> tuple[PluginManager, Settings | None, tuple[Problem, ...]]:
    plugins = _plugins(config)
    loaded = load_settings(config, plugins)
    return plugins, loaded.settings, loaded.problems


def _give_up(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(prog_name="siaga")
