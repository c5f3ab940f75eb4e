"""The command ``siaga plugin new``: a vendor's first plugin, which installs, runs and tests itself."""

from __future__ import annotations

from pathlib import Path

import click

from .command_line import give_up, plugins_of, say
from .core.errors import PluginError
from .kit.scaffold import KINDS, write_plugin


@click.group(name="plugin", help=say("cli.plugin.help"))
def plugin() -> None:
    """Group the commands for those who write plugins."""


@plugin.command(name="new", help=say("cli.plugin.new.help"))
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help=say("cli.plugin.folder")
)
def new_plugin(kind: str, name: str, folder: Path) -> None:
    """Write a plugin and say what to do next."""
    plugins = plugins_of(Path("config.yaml"))
    taken = {"camera": plugins.cameras, "detector": plugins.detectors, "store": plugins.stores}
    taken |= {"notifier": plugins.notifiers}
    if name in taken.get(kind, ()):
        give_up(say("kit.is_taken", kind=kind, name=name))
    try:
        files = write_plugin(kind, name, folder, say)
    except PluginError as err:
        give_up(str(err))
    for file in files:
        click.echo(str(file))
    click.echo("\n" + say("cli.plugin.next", path=files[0].parent))
