"""The commands that look for cameras: ``siaga discover`` on the network, ``siaga import`` behind one device."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from .command_line import give_up, plain_config_argument, plugins_of, read_configuration, say
from .core.camera_search import as_yaml, channels
from .core.camera_search import discover as look_around
from .core.checks import did_you_mean
from .core.device_contracts import FoundCamera
from .core.errors import SiagaError
from .core.settings import Settings


@click.command(name="discover", help=say("cli.discover.help"))
@plain_config_argument
@click.option(
    "--seconds", type=click.FloatRange(1, 60), default=5.0, show_default=True, help=say("cli.discover.seconds")
)
@click.option("--json", "as_json", is_flag=True, help=say("cli.search.json"))
def discover_cameras(config: Path, seconds: float, as_json: bool) -> None:
    """Show the cameras of the local network, and the YAML for those that are new."""
    plugins = plugins_of(config)
    found, wrong = asyncio.run(look_around(plugins.cameras.values(), say, config.resolve().parent, seconds))
    for line in wrong:
        click.echo(line, err=True)
    settings = read_configuration(config)[1] if config.exists() else None
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(camera) for camera in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo(say("cli.discover.nothing", seconds=f"{seconds:g}"))
        return
    known = _known_hosts(settings)
    _show(found, known)
    new = [camera for camera in found if camera.options.get("host") not in known]
    if new:
        written = [msgspec.structs.replace(camera, options={**camera.options, "username": "admin"}) for camera in new]
        click.echo("\n" + say("cli.search.paste"))
        click.echo(as_yaml(written, "kata_sandi_kamera", settings.cameras if settings else ()))


@click.command(name="import", help=say("cli.import.help"))
@click.argument("kind")
@click.argument("host")
@plain_config_argument
@click.option("--user", "-u", default="", help=say("cli.import.user"))
@click.option("--port", type=click.IntRange(1, 65535), help=say("cli.import.port"))
@click.option("--secret", default="", help=say("cli.import.secret"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.search.json"))
def import_cameras(kind: str, host: str, config: Path, user: str, port: int | None, secret: str, as_json: bool) -> None:
    """Show the cameras behind a recorder, a VMS or a camera itself, as YAML."""
    plugins = plugins_of(config)
    if kind not in plugins.cameras:
        near = did_you_mean(kind, plugins.cameras, say)
        give_up(say("cli.import.no_kind", kind=kind, near=near, known=", ".join(sorted(plugins.cameras))))
    options: dict[str, Any] = {"host": host}
    if port:
        options["port"] = port
    if user:
        options |= {"username": user, "password": click.prompt(say("cli.import.password"), hide_input=True, err=True)}
    try:
        found = asyncio.run(channels(plugins.cameras[kind], options, say, config.resolve().parent))
    except SiagaError as err:
        give_up(str(err))
    settings = read_configuration(config)[1] if config.exists() else None
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(camera) for camera in found], ensure_ascii=False, indent=2))
        return
    _show(found, frozenset())
    name = secret or "".join(letter if letter.isalnum() else "_" for letter in f"{kind}_{host}").lower()
    click.echo("\n" + say("cli.search.paste"))
    click.echo(as_yaml(found, name, settings.cameras if settings else ()))
    if user:
        click.echo(say("cli.import.keep", secret=name))


def _known_hosts(settings: Settings | None) -> frozenset[Any]:
    return frozenset(camera.options.get("host") for camera in settings.cameras.values()) if settings else frozenset()


def _show(found: Sequence[FoundCamera], known: frozenset[Any]) -> None:
    rows = [
        (
            camera.name,
            camera.model,
            camera.address,
            camera.type,
            say("cli.search.known") if camera.options.get("host") in known else "",
        )
        for camera in found
    ]
    heads = (say("cli.search.name"), say("cli.search.model"), say("cli.search.address"), say("cli.search.kind"), "")
    widths = [max(len(row[k]) for row in (heads, *rows)) for k in range(len(heads))]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
