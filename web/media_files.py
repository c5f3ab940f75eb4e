"""Pictures and clips of the storage folder, for those who are in: ranges, right types, no way out."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from .parts import Parts, parts_of, visitor_of

# Nothing else of the storage folder is served: the journal stands there too.
TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4"}
FOLDERS = {"snapshots", "clips"}


async def show_media(request: web.Request) -> web.StreamResponse:
    """Send a file below the storage folder; a clip that is seen or taken away stands in the audit."""
    parts = parts_of(request)
    relative = request.match_info["path"]
    file = _inside(parts.hub.storage, relative)
    if file is None:
        raise web.HTTPNotFound()
    headers = {"Cache-Control": "private, max-age=3600", "Content-Type": TYPES[file.suffix]}
    is_download = request.query.get("download") == "1"
    if is_download:
        headers["Content-Disposition"] = f'attachment; filename="{plain(file.name)}"'
    if file.suffix == ".mp4":
        await _note_view(request, parts, "clip.download" if is_download else "clip.view", relative)
    return web.FileResponse(file, headers=headers)


def _inside(storage: Path, relative: str) -> Path | None:
    """Return the file, or None for anything that is not a picture or clip of ours."""
    if "\0" in relative or Path(relative).suffix not in TYPES:
        return None
    root = storage.resolve()
    file = (root / relative).resolve()
    if not any(file.is_relative_to(root / folder) for folder in FOLDERS) or not file.is_file():
        return None
    return file


def plain(name: str) -> str:
    """Return a name that any disk takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)


async def _note_view(request: web.Request, parts: Parts, what: str, path: str) -> None:
    session = visitor_of(request).session
    if session is not None and parts.views.is_new(session.hash, what, path):
        await parts.note(request, what, path)
