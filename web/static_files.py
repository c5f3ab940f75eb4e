"""The style sheet, the ES modules and the icon: read once, served by name, kept by the browser."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aiohttp import web

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}


class StaticFiles:
    """Hold the files in memory: together they are under 100 kB."""

    def __init__(self, folder: Path) -> None:
        self._files = {f.name: f.read_bytes() for f in sorted(folder.iterdir()) if f.suffix in _TYPES}
        # One version for all: a module imports its neighbour by a plain name, so both change together.
        together = b"".join(self._files.values())
        self._version = hashlib.sha256(together).hexdigest()[:12]

    def url(self, name: str) -> str:
        """Return the address of a file; KeyError where there is none."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self._version}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with a file; what is asked by its version may be kept for ever."""
        name = request.match_info["name"]
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound()
        is_current = request.match_info["version"] == self._version
        keep = "public, max-age=31536000, immutable" if is_current else "no-cache"
        charset = None if name.endswith(".svg") else "utf-8"
        return web.Response(
            body=content,
            content_type=_TYPES[Path(name).suffix],
            charset=charset,
            headers={"Cache-Control": keep},
        )
