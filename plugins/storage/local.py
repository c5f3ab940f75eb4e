"""Store ``local``: pictures as files below one folder of this machine's disk, whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import voluptuous as vol

from ...core import Kind, Store, StoreFailed, Texts, hookimpl

SCHEMA = vol.Schema({})
T = TypeVar("T")


class LocalStore:
    """Fulfil ``Store`` by a folder. A file appears under its name only when it is on the disk."""

    def __init__(self, root: Path, texts: Texts | None = None) -> None:
        self._root = root
        self._texts = texts or Texts()

    async def put(self, relative: str, content: bytes) -> None:
        """Keep ``content`` under ``relative``, in place of what stood there."""
        await self._in_thread(relative, lambda path: _write_whole(path, content))

    async def get(self, relative: str) -> bytes:
        """Return what was kept."""
        return await self._in_thread(relative, Path.read_bytes)

    async def free_bytes(self) -> int:
        """Return how much more can be kept by an ordinary user."""
        return await self._in_thread(".", lambda path: shutil.disk_usage(path).free)

    async def _in_thread(self, relative: str, work: Callable[[Path], T]) -> T:
        try:
            return await asyncio.to_thread(lambda: work(self._inside(relative)))
        except OSError as err:
            raise StoreFailed(self._in_words(err, relative)) from err

    def _inside(self, relative: str) -> Path:
        root = self._root.resolve()
        # resolve() also follows links that somebody put into the folder.
        path = (root / relative).resolve() if "\0" not in relative else root.parent
        if not path.is_relative_to(root) or (path == root and relative != "."):
            raise StoreFailed(self._texts("store.outside", relative=relative))
        return path

    def _in_words(self, err: OSError, relative: str) -> str:
        path = self._root / relative
        if err.errno in {errno.ENOSPC, errno.EDQUOT}:
            return self._texts("store.full", path=path)
        if err.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return self._texts("store.denied", path=path)
        if err.errno == errno.ENOENT:
            return self._texts("store.missing", path=path)
        return self._texts("store.other", path=path, why=err.strerror or err)


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the rename stays on one disk; a name no other writer has.
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too must survive a power cut: the event that names it is committed next
    finally:
        os.close(folder)


@hookimpl
def offer_stores() -> Iterable[Kind[Store]]:
    """Offer ``local``."""
    return (
        Kind("local", SCHEMA, LocalStore, "Menyimpan gambar di disk komputer ini.", "Keeps pictures on this disk."),
    )
