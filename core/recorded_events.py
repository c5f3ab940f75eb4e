"""Reads what a journal recorded, beside a running hub, in batches; changes nothing and takes no lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlite_utils import Database

from .event_log import Committed, stamp
from .journal_files import Reader, in_words
from .texts import Texts
from .types import Event

T = TypeVar("T")

_BATCH = 1_000
# Of one camera and one kind so many are looked through for the newest of each zone.
_AMONG_ZONES = 200
_NO_END = 2**62
_decode = msgspec.json.Decoder(Event).decode


class RecordedEvents:
    """Hold a connection that only reads. Every method raises StoreFailed."""

    def __init__(self, path: Path, texts: Texts) -> None:
        self._path = path
        self._texts = texts
        try:
            self._reader = Reader(path)
        except sqlite3.Error as err:
            raise in_words(err, path, texts) from err

    def between(self, since: datetime, until: datetime) -> Iterator[list[Committed]]:
        """Return the events of a stretch of time in the order in which they were committed, batch by batch."""
        bounds = "select min(seq), max(seq) from events where at >= ? and at < ?"
        span = (stamp(since), stamp(until))
        first, last = self._run(lambda db: db.conn.execute(bounds, span).fetchone())
        if first is None:
            return
        # By its place, not by the index of times: that would sort a whole month for every batch.
        sql = "select seq, body from events where seq > ? and seq <= ? and +at >= ? and +at < ? order by seq limit ?"
        seen = first - 1
        while batch := self._committed(sql, (seen, last, *span, _BATCH)):
            yield batch
            seen = batch[-1].seq

    def newest_before(self, since: datetime) -> list[Committed]:
        """Return the newest event of each kind, camera and zone before a time, oldest first."""

        def look(db: Database) -> list[Committed]:
            row = db.conn.execute("select min(seq) from events where at >= ?", (stamp(since),)).fetchone()
            before = row[0] if row[0] is not None else _NO_END
            found = [one for place in _places(db) for one in _newest(db, place, before)]
            return sorted(found, key=lambda committed: committed.seq)

        return self._run(look)

    def begins(self) -> datetime | None:
        """Return the time of the oldest event that is still there, None when there is none."""
        oldest = self._run(lambda db: db.conn.execute("select min(at) from events").fetchone()[0])
        return datetime.fromisoformat(oldest) if oldest else None

    def gone(self, since: datetime, until: datetime) -> int:
        """Return how many events of a stretch of time, or from right before it, were removed since."""

        def look(db: Database) -> int:
            bounds = "select min(seq), max(seq) from events where at >= ? and at < ?"
            first, last = db.conn.execute(bounds, (stamp(since), stamp(until))).fetchone()
            if first is None:
                return 0
            # A place is never given again, so that a place without an event is one that was removed.
            before = db.conn.execute("select coalesce(max(seq), 0) from events where seq < ?", (first,)).fetchone()[0]
            kept = db.conn.execute("select count(*) from events where seq > ? and seq <= ?", (before, last)).fetchone()
            return int(last - before - kept[0])

        return self._run(look)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def _committed(self, sql: str, values: tuple[object, ...]) -> list[Committed]:
        rows = self._run(lambda db: db.conn.execute(sql, values).fetchall())
        return [Committed(seq=seq, event=_decode(body)) for seq, body in rows]

    def _run(self, job: Callable[[Database], T]) -> T:
        try:
            return self._reader.run(job)
        except sqlite3.Error as err:
            raise in_words(err, self._path, self._texts) from err


def _places(db: Database) -> list[tuple[str | None, str]]:
    """Return the cameras and kinds that were told, by one step in an index for each."""
    found: list[tuple[str | None, str]] = []
    cameras: list[str | None] = [None]
    sql = "select camera from events where camera > ? order by camera limit 1"
    camera = ""
    while row := db.conn.execute(sql, (camera,)).fetchone():
        camera = row[0]
        cameras.append(camera)
    following = "select kind from events where camera is ? and kind > ? order by kind limit 1"
    for of in cameras:
        kind = ""
        while row := db.conn.execute(following, (of, kind)).fetchone():
            kind = row[0]
            found.append((of, kind))
    return found


def _newest(db: Database, place: tuple[str | None, str], before: int) -> list[Committed]:
    sql = "select seq, body from events where camera is ? and kind = ? and seq < ? order by seq desc limit ?"
    newest: dict[str | None, Committed] = {}
    for seq, body in db.conn.execute(sql, (*place, before, _AMONG_ZONES)):
        event = _decode(body)
        newest.setdefault(event.zone, Committed(seq=seq, event=event))
    return list(newest.values())
