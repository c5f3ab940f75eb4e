"""The commands that hand out recordings: a copy in which nobody can be recognised, and what proves one event."""

from __future__ import annotations

import asyncio
import getpass
from datetime import datetime, timezone
from pathlib import Path

import click
import msgspec

from .command_line import give_up, read_configuration, say
from .core.audit_log import AuditLog
from .core.bus import Bus
from .core.clip_index import ClipIndex
from .core.errors import SiagaError
from .core.event_log import EventLog
from .core.journal import Journal
from .core.settings import PrivacySettings, Settings
from .core.texts import Texts
from .core.types import AuditEntry, Clip, Event, Json, Polygon
from .core.validators import Wrong, polygon

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _mask(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[Polygon, ...]:
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
@click.option("--config", type=_FILE, help=say("cli.redact.config"))
@click.option("--camera", help=say("cli.redact.camera"))
def redact_recording(
    source: Path,
    target: Path,
    ground: str,
    masks: tuple[Polygon, ...],
    keep_faces: bool,
    config: Path | None,
    camera: str | None,
) -> None:
    """Write the copy, and beside it a JSON paper with both hashes, the ground, who and when.

    With ``--config`` it stands in the audit, and with ``--camera`` the camera's own masks are covered too.
    """
    # Pixels are for this command alone: the hub never loads them.
    from .core.media.redact import redact

    if target.exists():
        give_up(say("cli.redact.exists", file=target))
    if not ground.strip():
        give_up(say("cli.redact.no_ground"))
    settings = _settings(config) if config is not None else None
    if camera is not None:
        if settings is None or camera not in settings.cameras:
            give_up(say("cli.redact.no_camera", camera=camera))
        masks = (*settings.cameras[camera].privacy.masks, *masks)
    privacy = PrivacySettings(masks=masks, hides_faces=not keep_faces)
    now = datetime.now(timezone.utc)
    try:
        if settings is not None:
            asyncio.run(_note(settings, "recording.redact", source.name, {"ground": ground, "target": target.name}))
        done = redact(source, target, privacy, ground=ground, by=getpass.getuser(), at=now, texts=Texts())
    except SiagaError as err:
        give_up(str(err))
    paper = target.with_suffix(f"{target.suffix}.json")
    paper.write_bytes(msgspec.json.format(msgspec.json.encode(done), indent=2) + b"\n")
    click.echo(say("cli.redact.done", file=target, pictures=done.pictures, faces=done.faces, paper=paper))


@click.command(name="evidence", help=say("cli.evidence.help"))
@click.argument("event_id")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--config", type=_FILE, default=Path("config.yaml"), show_default=True, help=say("cli.evidence.config"))
@click.option("--ground", required=True, help=say("cli.redact.ground"))
def pack_evidence(event_id: str, target: Path, config: Path, ground: str) -> None:
    """Write a ZIP with the recording as it was cut, three stills, and a paper with place, time and hashes."""
    from .core.media.evidence import fitting, pack

    settings = _settings(config)
    if target.exists():
        give_up(say("cli.redact.exists", file=target))
    if not ground.strip():
        give_up(say("cli.redact.no_ground"))
    try:
        event, clips = asyncio.run(_of_event(settings, event_id))
    except SiagaError as err:
        give_up(str(err))
    if event is None:
        give_up(say("cli.evidence.no_event", event=event_id))
    clip = fitting(clips, event.at)
    if clip is None:
        give_up(say("cli.evidence.no_clip", event=event_id))
    paper = {
        **_place_of(settings, event),
        "ground": ground,
        "by": getpass.getuser(),
        "made_at": datetime.now(timezone.utc),
    }
    try:
        asyncio.run(_note(settings, "recording.evidence", event_id, {"ground": ground, "clip": clip.id}))
        made = pack(target, event=event, clip=clip, storage=settings.storage_folder, paper=paper, texts=Texts())
    except SiagaError as err:
        give_up(str(err))
    click.echo(say("cli.evidence.done", file=target, parts=len(made.parts)))


def _settings(config: Path) -> Settings:
    _, settings, problems = read_configuration(config)
    if settings is None:
        give_up("\n".join(map(str, problems)))
    return settings


async def _note(settings: Settings, what: str, subject: str, detail: dict[str, Json]) -> None:
    """Write what leaves into the audit before it is made. StoreFailed: then it is not made."""
    journal = await Journal.open(settings.journal_file, is_shared=True)
    try:
        now = datetime.now(timezone.utc)
        entry = AuditEntry(at=now, who=getpass.getuser(), what=what, subject=subject, detail=detail)
        await (await AuditLog.open(journal)).add(entry)
    finally:
        await journal.close()


async def _of_event(settings: Settings, event_id: str) -> tuple[Event | None, list[Clip]]:
    """Return an event and the recordings of its camera that show it, beside a hub that may run."""
    if not settings.journal_file.is_file():
        return None, []
    journal = await Journal.open(settings.journal_file, is_shared=True)
    try:
        event = await (await EventLog.open(journal, Bus())).get(event_id)
        if event is None or event.camera is None:
            return event, []
        index = await ClipIndex.open(journal, folder=settings.storage_folder)
        return event, await index.showing(event.camera, event.at)
    finally:
        await journal.close()


def _place_of(settings: Settings, event: Event) -> dict[str, dict[str, str]]:
    site, camera = settings.site, settings.cameras.get(event.camera or "")
    place = settings.places.get(camera.place) if camera is not None and camera.place else None
    return {
        "site": {"id": site.id, "name": site.name, "kecamatan": site.kecamatan, "kota": site.kota},
        "camera": {
            "id": event.camera or "",
            "name": camera.name if camera is not None else "",
            "place": place.name if place is not None else "",
            "purpose": camera.purpose if camera is not None else "",
        },
    }
