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
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import NoReturn

import click

from .camera_commands import discover_cameras, import_cameras
from .command_line import (
    check_configuration,
    config_argument,
    give_up,
    plain_config_argument,
    plugins_of,
    read_configuration,
    say,
)
from .core.clock import SystemClock
from .core.errors import SiagaError
from .core.hub import Hub
from .core.journal import Journal
from .core.log import set_up_logging
from .core.loop_watch import LoopWatch
from .core.tasks import unless
from .eval_commands import evaluate
from .media_commands import pack_evidence, redact_recording
from .plugin_commands import plugin as plugin_group
from .rule_commands import rules
from .rules.engine import RuleEngine
from .rules.parse import load_rules
from .rules.rule import LoadedRules
from .rules.rule_files import RuleFiles
from .rules.sources import TriggerSources
from .web.accounts import ROLES, Account, AccountRefused, Accounts
from .web.app import WebApp
from .web.sessions import Sessions

logger = logging.getLogger(__name__)


@click.group(help=say("cli.help"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="siaga", message="Siaga %(version)s", help=say("cli.version"))
def main() -> None:
    """Read the command and hand over."""


@main.command(help=say("cli.run.help"))
@config_argument
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help=say("cli.run.log_level"),
)
def run(config: Path, log_level: str) -> None:
    """Run the hub until Ctrl-C."""
    set_up_logging(log_level)
    try:
        asyncio.run(_run(config))
    except SiagaError as err:
        give_up(str(err))
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
    check_configuration(config)


@main.command(name="plugins", help=say("cli.plugins.help"))
@plain_config_argument
def list_plugins(config: Path) -> None:
    """List every plugin, what it offers, and why one is off; also where no configuration is yet."""
    manager = plugins_of(config)
    for plugin in manager.plugins:
        state = say("cli.plugins.on") if plugin.is_on else say("cli.plugins.off", reason=plugin.reason)
        click.echo(f"{plugin.name:44} {state}  {', '.join(plugin.offers)}")


main.add_command(plugin_group)
main.add_command(discover_cameras)
main.add_command(import_cameras)
main.add_command(rules)
main.add_command(evaluate)
main.add_command(redact_recording)
main.add_command(pack_evidence)


@main.group(help=say("cli.user.help"))
def user() -> None:
    """Group the commands about accounts."""


@user.command(name="add", help=say("cli.user.add.help"))
@click.argument("name")
@config_argument
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True, help=say("cli.user.role"))
def add_user(name: str, config: Path, role: str) -> None:
    """Add an account with a one-time password."""
    password = _one_time()
    account = _with_accounts(config, lambda a, _: a.add(name, password, role=role, must_change=True))
    click.echo(say("cli.user.added", name=account.name, role=role, password=password))


@user.command(name="password", help=say("cli.user.password.help"))
@click.argument("name")
@config_argument
def renew_password(name: str, config: Path) -> None:
    """Give an account a new one-time password and end its sessions."""
    password = _one_time()

    async def renew(accounts: Accounts, sessions: Sessions) -> Account:
        account = await accounts.renew(name, password)
        await sessions.end_all_of(account.name)
        return account

    account = _with_accounts(config, renew)
    click.echo(say("cli.user.renewed", name=account.name, password=password))


@user.command(name="off", help=say("cli.user.off.help"))
@click.argument("name")
@config_argument
def switch_user_off(name: str, config: Path) -> None:
    """Let an account in no more and end its sessions."""

    async def switch_off(accounts: Accounts, sessions: Sessions) -> Account:
        account = await accounts.switch(name, is_on=False)
        await sessions.end_all_of(account.name)
        return account

    click.echo(say("cli.user.is_off", name=_with_accounts(config, switch_off).name))


@user.command(name="on", help=say("cli.user.on.help"))
@click.argument("name")
@config_argument
def switch_user_on(name: str, config: Path) -> None:
    """Let an account in again."""
    click.echo(say("cli.user.is_on", name=_with_accounts(config, lambda a, _: a.switch(name, is_on=True)).name))


def _one_time() -> str:
    return secrets.token_urlsafe(12)


def _with_accounts(config: Path, work: Callable[[Accounts, Sessions], Awaitable[Account]]) -> Account:
    """Change accounts in the journal, beside a running hub or without one."""
    _, settings, problems = read_configuration(config)
    if settings is None:
        give_up("\n".join(map(str, problems)))

    async def change() -> Account:
        settings.storage_folder.mkdir(parents=True, exist_ok=True)
        journal = await Journal.open(settings.journal_file, is_shared=True)
        try:
            clock = SystemClock()
            accounts = await Accounts.open(journal, clock)
            return await work(accounts, await Sessions.open(journal, accounts, clock))
        finally:
            await journal.close()

    try:
        return asyncio.run(change())
    except AccountRefused as err:
        give_up(say(err.key, **err.values))
    except OSError as err:
        give_up(say("hub.storage_not_made", path=settings.storage_folder, why=err.strerror))
    except SiagaError as err:
        give_up(str(err))


async def _run(config: Path) -> None:
    # Ctrl-C is heard during the start too: a plugin, a camera or a disk may make it long.
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    reload = _Reload()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.ask)
    plugins, settings, problems = read_configuration(config)
    if settings is None:
        raise SiagaError("\n".join([say("cli.run.cannot"), *map(str, problems)]))
    for problem in problems:
        logger.error("%s", problem)
    hub = Hub(settings, plugins, problems=problems)
    error = ""
    try:
        if await unless(stopping, lambda: _begin(hub, reload)):
            await stopping.wait()
        click.echo(say("cli.run.stopping"))
    except SiagaError as err:
        error = str(err)
    finally:
        late = await hub.stop()
    if late:
        _leave_by_force(late, error)
    if error:
        raise SiagaError(error)


class _Reload:
    """Take SIGHUP, which ends a program that does not hear it; before the rules are there it means nothing."""

    files: RuleFiles | None = None

    def ask(self) -> None:
        """Have the rules read again."""
        if self.files is not None:
            self.files.ask()


async def _begin(hub: Hub, reload: _Reload) -> None:
    await hub.open()
    loaded = _rules(hub)
    engine = RuleEngine(hub, loaded, sources=TriggerSources(hub, loaded.template_functions))
    reload.files = RuleFiles(hub, engine)
    web = WebApp(hub, engine, reload.files)
    hub.add(LoopWatch(hub.health, hub.texts))
    hub.add(engine)
    hub.add(reload.files)
    hub.add(web)
    await hub.start()
    password = await web.accounts.ensure_admin()
    click.echo(say("cli.run.address", url=web.url))
    if password:
        click.echo(say("cli.run.admin", password=password))


def _leave_by_force(late: tuple[str, ...], error: str) -> NoReturn:
    """End at once: who is late now would hold up the interpreter's own end without limit."""
    click.echo(say("cli.run.late", names=", ".join(late)), err=True)
    if error:
        click.echo(error, err=True)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if error else 0)


def _rules(hub: Hub) -> LoadedRules:
    loaded = load_rules(hub.settings.rules, hub.plugins, hub.settings, hub.texts)
    for problem in loaded.problems:
        logger.error("%s", problem)
    return loaded


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(prog_name="siaga")
