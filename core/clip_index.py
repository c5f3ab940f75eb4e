"""Every finished clip, in a hash chain: a row that is changed, swapped or taken away is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .event_log import stamp
from .journal import Journal
from .texts import Texts
from .types import Clip

migrations = Migrations("clips")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Clip).decode
# No clip is longer: how far back one that holds a moment may begin.
_LONGEST = timedelta(hours=1)


@migrations()
def create_clips(db: Database) -> None:
    """Make the index and the keys by which a clip was asked for."""
    for statement in (
        """create table clips (
            number integer primary key autoincrement, id text not null unique, camera text not null,
            start text not null, body text not null)""",
        "create index clips_camera on clips (camera, start)",
        "create index clips_start on clips (start)",
        "create table clip_keys (key text primary key, clip text not null references clips (id))",
    ):
        db.execute(statement)


class ClipIndex:
    """Add and find clips. Every method raises StoreFailed when the disk fails.

    A row stays when its file went with the days that are kept: the chain must hold. Where the
    storage ``folder`` is known, what is shown (``asked_by``, ``showing``, ``find``) has its file.
    """

    def __init__(self, journal: Journal, texts: Texts, folder: Path | None) -> None:
        self._journal = journal
        self._texts = texts
        self._folder = folder

    @classmethod
    async def open(cls, journal: Journal, texts: Texts | None = None, folder: Path | None = None) -> ClipIndex:
        """Make the tables where they are missing."""
        await journal.migrate(migrations)
        return cls(journal, texts or Texts(), folder)

    async def add(self, clip: Clip) -> Clip:
        """Index a clip and return it with its chain; the same id again returns the first row."""

        def insert(db: Database) -> Clip:
            known = db.conn.execute("select body from clips where id = ?", (clip.id,)).fetchone()
            if known:
                return _decode(known[0])
            last = db.conn.execute("select body from clips order by number desc limit 1").fetchone()
            chained = msgspec.structs.replace(clip, chain=link(_decode(last[0]).chain if last else "", clip.sha256))
            db.conn.execute(
                "insert into clips (id, camera, start, body) values (?, ?, ?, ?)",
                (clip.id, clip.camera, stamp(clip.start), _encode(chained).decode()),
            )
            for key in clip.keys:
                db.conn.execute("insert or ignore into clip_keys (key, clip) values (?, ?)", (key, clip.id))
            return chained

        return await self._journal.write(insert)

    async def get(self, clip_id: str) -> Clip | None:
        """Return one clip, or None while it is not finished."""
        return await self._first("select body from clips where id = ?", clip_id)

    async def for_key(self, key: str) -> Clip | None:
        """Return the clip that was asked for under a key, or None while it is not finished."""
        return await self._first(
            "select body from clips join clip_keys on clip_keys.clip = clips.id where clip_keys.key = ?", key
        )

    async def asked_by(self, prefix: str) -> list[Clip]:
        """Return the clips with a key that begins with ``prefix``, oldest first: all that one run asked for."""
        sql = """select body from clips where id in (select clip from clip_keys where key >= ? and key < ?)
            order by start, number"""
        bounds = (prefix, prefix + "\U0010ffff")
        return await self._journal.read(lambda db: self._there(_decode(row[0]) for row in db.conn.execute(sql, bounds)))

    async def showing(self, camera: str, at: datetime) -> list[Clip]:
        """Return the clips of a camera that hold a moment, oldest first."""
        sql = "select body from clips where camera = ? and start > ? and start <= ? order by start, number"
        bounds = (camera, stamp(at - _LONGEST), stamp(at))

        def look(db: Database) -> list[Clip]:
            found = (_decode(row[0]) for row in db.conn.execute(sql, bounds))
            return self._there(clip for clip in found if clip.end >= at)

        return await self._journal.read(look)

    async def find(self, *, camera: str | None = None, since: datetime | None = None, limit: int = 50) -> list[Clip]:
        """Return the newest clips that fit, newest first."""
        wheres = [text for text, value in (("camera = ?", camera), ("start >= ?", since)) if value is not None]
        values: list[str | int] = [camera] if camera is not None else []
        if since is not None:
            values.append(stamp(since))
        where = f"where {' and '.join(wheres)}" if wheres else ""
        sql = f"select body from clips {where} order by start desc, number desc limit ?"
        bounds = [*values, limit]
        return await self._journal.read(lambda db: self._there(_decode(row[0]) for row in db.conn.execute(sql, bounds)))

    async def verify(self) -> str | None:
        """Walk the whole chain; return None when it holds, else which row is broken, in words."""

        def walk(db: Database) -> str | None:
            chain, expected = "", 1
            for number, clip_id, body in db.conn.execute("select number, id, body from clips order by number"):
                if number != expected:
                    return self._texts("clips.row_missing", number=expected)
                clip = _decode(body)
                chain = link(chain, clip.sha256)
                if clip.chain != chain or clip.id != clip_id:
                    return self._texts("clips.chain_broken", number=number, clip=clip_id)
                expected += 1
            # SQLite remembers the highest number ever given: rows cut off at the end are missed too.
            row = db.conn.execute("select seq from sqlite_sequence where name = 'clips'").fetchone()
            return self._texts("clips.row_missing", number=expected) if row and row[0] >= expected else None

        return await self._journal.read(walk)

    def _there(self, clips: Iterable[Clip]) -> list[Clip]:
        # Asked in the journal's reading thread, for a page's handful: also what was removed by hand is known.
        folder = self._folder
        return [clip for clip in clips if folder is None or (folder / clip.path).is_file()]

    async def _first(self, sql: str, value: str) -> Clip | None:
        def look(db: Database) -> Clip | None:
            row = db.conn.execute(sql, (value,)).fetchone()
            return _decode(row[0]) if row else None

        return await self._journal.read(look)


def link(chain: str, sha256: str) -> str:
    """Return the next link: SHA-256 over the previous chain and a file's SHA-256, all in hex."""
    return hashlib.sha256((chain + sha256).encode("ascii")).hexdigest()
