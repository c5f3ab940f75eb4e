"""The command ``siaga redact``: a copy of a recording for others, in which nobody can be recognised."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from pathlib import Path

import click
import msgspec

from .command_line import give_up, say
from .core.errors import MediaError
from .core.settings import PrivacySettings
from .core.texts import Texts
from .core.validators import Wrong, polygon

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _mask(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[object, ...]:
    found = []
    for value in values:
        try:
            found.append(polygon([[float(part) for part in point.split(",")] for point in value.split()]))
        except (Wrong, ValueError) as err:
            raise click.BadParameter(say("cli.redact.bad_mask", value=value)) from err
    return tuple(found)


@click.command(name="redact", help=say("cli.redact.help"))
@click.argument("source", type=_FILE)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--ground", required=True, help=say("cli.redact.ground"))
@click.option("--mask", "masks", multiple=True, callback=_mask, help=say("cli.redact.mask"))
@click.option("--keep-faces", is_flag=True, help=say("cli.redact.keep_faces"))
def redact_recording(source: Path, target: Path, ground: str, masks: tuple[object, ...], keep_faces: bool) -> None:
    """Write the copy, and beside it a JSON paper with both hashes, the ground, who and when."""
    # Pixels are for this command alone: the hub never loads them.
    from .core.media.redact import redact

    if target.exists():
        give_up(say("cli.redact.exists", file=target))
    if not ground.strip():
        give_up(say("cli.redact.no_ground"))
    privacy = PrivacySettings(masks=masks, hides_faces=not keep_faces)  # type: ignore[arg-type]
    now = datetime.now(timezone.utc)
    try:
        done = redact(source, target, privacy, ground=ground, by=getpass.getuser(), at=now, texts=Texts())
    except MediaError as err:
        give_up(str(err))
    paper = target.with_suffix(f"{target.suffix}.json")
    paper.write_bytes(msgspec.json.format(msgspec.json.encode(done), indent=2) + b"\n")
    click.echo(say("cli.redact.done", file=target, pictures=done.pictures, faces=done.faces, paper=paper))
