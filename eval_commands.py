"""The command ``siaga eval``: what a detector is worth on labelled footage."""

from __future__ import annotations

from pathlib import Path

import click

from .command_line import give_up, say
from .core.checks import did_you_mean
from .core.errors import SiagaError
from .core.plugin_manager import PluginManager
from .core.texts import Texts

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(name="eval", help=say("cli.eval.help"))
@click.argument("detectors", nargs=-1)
@click.option("--data", type=_FOLDER, required=True, help=say("cli.eval.data"))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help=say("cli.eval.json"))
@click.option("--plugins", type=_FOLDER, help=say("cli.eval.plugins"))
def evaluate(detectors: tuple[str, ...], data: Path, json_file: Path | None, plugins: Path | None) -> None:
    """Measure detectors, print a table, write JSON where asked; what has no footage is said, and exits 1."""
    # Pixels are for this command alone: the hub never loads them.
    from .evaluation.cases import ALL, CASES, measured
    from .evaluation.report import as_json, table

    for name in detectors:
        if name not in CASES:
            give_up(say("cli.eval.unknown", name=name, known=", ".join(CASES)) + did_you_mean(name, CASES, say))
    manager = PluginManager(plugins, in_hub=False, texts=Texts("en"))
    manager.load()
    reports, missing = [], []
    for name in detectors or ALL:
        try:
            reports += measured(name, data, manager)
        except SiagaError as err:
            missing.append(say("cli.eval.missing", name=name, why=err))
    click.echo(table(reports), nl=False)
    if json_file is not None:
        json_file.write_bytes(as_json(reports) + b"\n")
    if missing:
        give_up("\n".join(missing))
