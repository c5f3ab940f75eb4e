"""Every event, in the order it was committed; the bus is told after the commit, never before."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .bus import Bus
from .journal import Journal
from .types import Event, Struct

migrations = Migrations("events")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class Committed(Struct):
    """Say that an event is in the journal; ``seq`` grows by commit and is never used again."""

    seq: int
    event: Event


@migrations()
def create_events(db: Database) -> None:
    """Make the events, and the places up to which each reader has come."""
    for statement in (
        """create table events (
            seq integer primary key autoincrement, id text not null unique, kind text not null,
            camera text, zone text, at text not null, body text not null)""",
        "create index events_kind on events (kind, seq)",
        "create index events_camera on events (camera, seq)",
        "create index events_at on events (at)",
        "create table cursors (name text primary key, seq integer not null)",
    ):
        db.execute(statement)


class EventLog:
    """Add, follow and search events. Every method raises StoreFailed when the disk fails."""

    def __init__(self, journal: Journal, bus: Bus) -> None:
        self._journal = journal
        self._bus = bus

    @classmethod
    async def open(cls, journal: Journal, bus: Bus) -> EventLog:
        """Make the tables where they are missing."""
        await journal.migrate(migrations)
        return cls(journal, bus)

    async def add(self, event: Event) -> int:
        """Commit an event, then publish it as ``Committed``; return its place.

        The same id again is the same event: it keeps its place and is not published again.
        """
        body = _encode(event).decode()
        row = (event.id, event.kind, event.camera, event.zone, stamp(event.at), body)

        def insert(db: Database) -> tuple[int, bool]:
            known = db.conn.execute("select seq from events where id = ?", (event.id,)).fetchone()
            if known:
                return int(known[0]), False
            sql = "insert into events (id, kind, camera, zone, at, body) values (?, ?, ?, ?, ?, ?)"
            return int(db.conn.execute(sql, row).lastrowid or 0), True

        def tell(place: tuple[int, bool]) -> None:
            seq, is_new = place
            if is_new:
                self._bus.publish(Committed(seq=seq, event=event))

        seq, _ = await self._journal.write(insert, tell)
        return seq

    async def after(self, seq: int, limit: int = 500) -> list[Committed]:
        """Return what was committed behind a place, oldest first."""
        return await self._journal.read(
            lambda db: _rows(db, "select seq, body from events where seq > ? order by seq limit ?", [seq, limit])
        )

    async def find(
        self,
        *,
        kind: str | None = None,
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_seq: int | None = None,
        limit: int = 50,
    ) -> list[Committed]:
        """Return the newest events that fit, newest first. ``kind`` may be a prefix: ``flood.``."""
        wheres: list[str] = []
        values: list[str | int] = []
        if kind is not None and kind.endswith("."):
            wheres.append("kind >= ? and kind < ?")
            values += [kind, kind[:-1] + "/"]  # the slash is the sign behind the dot
        elif kind is not None:
            wheres.append("kind = ?")
            values.append(kind)
        for column, value in (
            ("camera = ?", camera),
            ("at >= ?", stamp(since) if since else None),
            ("at < ?", stamp(until) if until else None),
            ("seq < ?", before_seq),
        ):
            if value is not None:
                wheres.append(column)
                values.append(value)
        where = f"where {' and '.join(wheres)}" if wheres else ""
        sql = f"select seq, body from events {where} order by seq desc limit ?"
        return await self._journal.read(lambda db: _rows(db, sql, [*values, limit]))

    async def get(self, event_id: str) -> Event | None:
        """Return one event, or None."""
        found = await self._journal.read(lambda db: _rows(db, "select seq, body from events where id = ?", [event_id]))
        return found[0].event if found else None

    async def cursor(self, name: str) -> int:
        """Return the place up to which a reader has come; 0 when it never read."""

        def look(db: Database) -> int:
            row = db.conn.execute("select seq from cursors where name = ?", (name,)).fetchone()
            return int(row[0]) if row else 0

        return await self._journal.read(look)

    async def advance(self, name: str, seq: int) -> None:
        """Keep how far a reader has come; it never goes back."""
        await self._journal.write(
            lambda db: (
                db.conn.execute(
                    "insert into cursors (name, seq) values (?, ?)"
                    " on conflict (name) do update set seq = max(seq, excluded.seq)",
                    (name, seq),
                ).rowcount
            )
        )

    async def last_seq(self) -> int:
        """Return the place of the newest event; 0 when there is none."""
        return await self._journal.read(
            lambda db: int(db.conn.execute("select coalesce(max(seq), 0) from events").fetchone()[0])
        )


def stamp(at: datetime) -> str:
    """Return a time as the journal's columns hold it: UTC, of one width, so that text sorts as time."""
    return at.astimezone(timezone.utc).isoformat(timespec="microseconds")


def _rows(db: Database, sql: str, values: list[str | int]) -> list[Committed]:
    return [Committed(seq=seq, event=_decode(body)) for seq, body in db.conn.execute(sql, values)]
