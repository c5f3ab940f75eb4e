"""Tells when the YAML files of a configuration have changed and rest."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import watchfiles

logger = logging.getLogger(__name__)

# What is looked at says what changed; the system's own word for it (inotify) only wakes earlier. Where there is
# none (a network disk, no watches left) this is how late a change is met.
LOOK_EVERY_S = 2.0
# Editors write in pieces, and several files are copied one after another: nothing may change for so long.
REST_S = 0.4
# Somebody who never stops writing must not keep a mended rule out for ever.
LONGEST_UNREST_S = 10.0
MOST_FILES = 1_000

Signature = tuple[tuple[str, int, int, int], ...]


class FileWatch:
    """Follow the YAML files of some folders, which ``folders`` names anew each time. Runs by real time."""

    def __init__(
        self,
        folders: Callable[[], Iterable[Path]],
        *,
        look_every_s: float = LOOK_EVERY_S,
        rest_s: float = REST_S,
        with_inotify: bool = True,
    ) -> None:
        self._folders = folders
        self._look_every_s = look_every_s
        self._rest_s = rest_s
        self._with_inotify = with_inotify
        self._woken = asyncio.Event()
        self._moved = asyncio.Event()
        self._seen = self._signature()

    async def changed(self) -> None:
        """Return when something differs from what was there at the last return, and has come to rest."""
        while True:
            self._woken.clear()
            found = self._signature()
            if found != self._seen:
                self._seen = await self._rested(found)
                return
            await self._doze()

    def note_folders(self) -> None:
        """Learn that the folders may have changed."""
        self._moved.set()

    async def listen(self) -> None:
        """Wake ``changed`` early, for as long as the system tells of changes; returns where it does not."""
        while self._with_inotify:
            self._moved = asyncio.Event()
            watched = sorted({str(folder) for folder in self._folders() if folder.is_dir()})
            if not watched:
                await self._moved.wait()
                continue
            try:
                # Folders, not files: an editor that renames a new file over the old one leaves a watch on a dead one.
                changes = watchfiles.awatch(
                    *watched,
                    # A log that grows in the same folder must not wake anybody: what wakes is logged.
                    watch_filter=lambda _change, path: _is_ours(Path(path).name),
                    recursive=False,
                    debounce=200,
                    rust_timeout=1_000,
                    stop_event=self._moved,
                )
                async for _ in changes:
                    self._woken.set()
            except (OSError, RuntimeError) as err:
                logger.info("files are looked at every %.0f s: the system does not tell of changes: %s", 2.0, err)
                return

    def _signature(self) -> Signature:
        found = []
        for folder in dict.fromkeys(self._folders()):
            found += _looks_of(folder)
        return tuple(sorted(found)[:MOST_FILES])

    async def _rested(self, found: Signature) -> Signature:
        waited_s = 0.0
        while waited_s < LONGEST_UNREST_S:
            await asyncio.sleep(self._rest_s)
            waited_s += self._rest_s
            newer = self._signature()
            if newer == found:
                break
            found = newer
        return found

    async def _doze(self) -> None:
        try:
            async with asyncio.timeout(self._look_every_s):
                await self._woken.wait()
        except TimeoutError:
            return


def _looks_of(folder: Path) -> list[tuple[str, int, int, int]]:
    looks = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_ours(entry.name) and entry.is_file():
                    stat = entry.stat()
                    looks.append((entry.path, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except OSError:
        return looks  # gone for a moment, or for good: what is missing is a change as well
    return looks


def _is_ours(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) and name[0] not in "._"
