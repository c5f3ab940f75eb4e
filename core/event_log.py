"""Every event, in the order it was committed; the bus is told after the commit, never before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
_Where = tuple[str, str | int]
# Of a kind that is told with and without a zone, so many are looked through for one without.
_AMONG_ZONES = 200


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


@migrations()
def index_camera_and_kind(db: Database) -> None:
    """Let the newest of one camera and one kind be found without a walk through all its others."""
    db.execute("create index events_camera_kind on events (camera, kind, seq)")


@migrations()
def index_zones(db: Database) -> None:
    """Let the newest of each zone be found; events without a zone, the most, pay nothing for it."""
    db.execute("create index events_zone on events (camera, kind, zone, seq) where zone is not null")


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
        return (await self.add_all((event,)))[0]

    async def add_all(
        self, events: Sequence[Event], also: Callable[[Database], object] | None = None
    ) -> tuple[int, ...]:
        """Commit events together, with what a job changes beside them; all of it is kept, or nothing."""
        rows = [(one.id, one.kind, one.camera, one.zone, stamp(one.at), _encode(one).decode()) for one in events]

        def insert(db: Database) -> list[tuple[int, bool]]:
            places = [_insert(db, row) for row in rows]
            if also is not None:
                also(db)
            return places

        def tell(places: list[tuple[int, bool]]) -> None:
            for event, (seq, is_new) in zip(events, places, strict=True):
                if is_new:
                    self._bus.publish(Committed(seq=seq, event=event))

        return tuple(seq for seq, _ in await self._journal.write(insert, tell))

    async def after(self, seq: int, limit: int = 500) -> list[Committed]:
        """Return what was committed behind a place, oldest first."""
        sql = "select seq, body from events where seq > ? order by seq limit ?"
        return await self._journal.read(lambda db: _rows(db, sql, [("", seq)], limit))

    async def of_kinds(self, kinds: Sequence[str], after_seq: int, limit: int) -> list[Committed]:
        """Return what was committed of some kinds behind a place, oldest first; others cost nothing."""
        sql = "select seq, body from events where kind = ? and seq > ? order by seq limit ?"

        def look(db: Database) -> list[Committed]:
            found = [one for kind in kinds for one in _rows(db, sql, [("", kind), ("", after_seq)], limit)]
            return sorted(found, key=lambda committed: committed.seq)[:limit]

        return await self._journal.read(look)

    async def find(
        self,
        *,
        kind: str | None = None,
        without: Sequence[str] = (),
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_seq: int | None = None,
        limit: int = 50,
    ) -> list[Committed]:
        """Return the newest events that fit, newest first.

        ``kind`` and each of ``without`` (which counts where no ``kind`` is asked) may be a prefix: ``flood.``.
        """
        wheres = [
            ("camera = ?", camera),
            ("at >= ?", stamp(since) if since else None),
            ("at < ?", stamp(until) if until else None),
            ("seq < ?", before_seq),
        ]
        asked = [(text, value) for text, value in wheres if value is not None]

        def look(db: Database) -> list[Committed]:
            where = [*asked, *_bounds(db, since, until)]
            if (kind is None and without) or (kind is not None and kind.endswith(".")):
                return _newest_of_kinds(db, list(_kinds(db, camera, kind or "", without)), where, limit)
            if kind is not None:
                where.append(("kind = ?", kind))
            return _rows(db, f"select seq, body from events {_sql(where)} order by seq desc limit ?", where, limit)

        return await self._journal.read(look)

    async def newest(self, cameras: Sequence[str | None], *, without: Sequence[str] = ()) -> list[Committed]:
        """Return the newest event of each kind and zone of these cameras (None: of those without a camera).

        ``without`` may hold prefixes. Each is found by some steps in an index, however many others there are.
        """

        def look(db: Database) -> list[Committed]:
            seqs = [seq for camera in cameras for seq in _newest_of_camera(db, camera, without)]
            sql = "select seq, body from events where seq = ? limit ?"
            return [found for seq in seqs for found in _rows(db, sql, [("", seq)], 1)]

        return await self._journal.read(look)

    async def prune(
        self, before: datetime, *, kinds: Sequence[str] = (), without: Sequence[str] = (), limit: int = 500
    ) -> int:
        """Remove up to ``limit`` of the oldest events; return how many went, ``limit`` when there may be more.

        ``kinds`` (all when empty) and ``without`` may hold prefixes. A place in the journal is never given again.
        """

        def remove(db: Database) -> int:
            gone = 0
            for kind in list(_kinds(db, None, "", without)):
                if kinds and not _is_of(kind, kinds):
                    continue
                # The oldest of a kind stand first in its index: nothing is walked that stays.
                oldest = "select seq, at from events where kind = ? order by seq limit ?"
                sql = f"delete from events where seq in (select seq from ({oldest}) where at < ?)"
                gone += db.conn.execute(sql, (kind, limit - gone, stamp(before))).rowcount
                if gone >= limit:
                    break
            return gone

        return await self._journal.write(remove)

    async def get(self, event_id: str) -> Event | None:
        """Return one event, or None."""
        sql = "select seq, body from events where id = ? limit ?"
        found = await self._journal.read(lambda db: _rows(db, sql, [("", event_id)], 1))
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


def _insert(db: Database, row: tuple[str | None, ...]) -> tuple[int, bool]:
    known = db.conn.execute("select seq from events where id = ?", (row[0],)).fetchone()
    if known:
        return int(known[0]), False
    sql = "insert into events (id, kind, camera, zone, at, body) values (?, ?, ?, ?, ?, ?)"
    return int(db.conn.execute(sql, row).lastrowid or 0), True


def _sql(where: list[_Where]) -> str:
    return f"where {' and '.join(text for text, _ in where)}" if where else ""


def _rows(db: Database, sql: str, where: list[_Where], limit: int) -> list[Committed]:
    values = [*(value for _, value in where), limit]
    return [Committed(seq=seq, event=_decode(body)) for seq, body in db.conn.execute(sql, values)]


def _newest_of_kinds(db: Database, kinds: list[str], where: list[_Where], limit: int) -> list[Committed]:
    """Merge the newest of each kind: every one comes from its index, however many others lie between."""
    seqs: list[int] = []
    for kind in kinds:
        one = [("kind = ?", kind), *where]
        values = [*(value for _, value in one), limit]
        seqs += [
            row[0] for row in db.conn.execute(f"select seq from events {_sql(one)} order by seq desc limit ?", values)
        ]
    newest = sorted(seqs, reverse=True)[:limit]
    sql = "select seq, body from events where seq = ? limit ?"
    return [found for seq in newest for found in _rows(db, sql, [("", seq)], 1)]


def _newest_of_camera(db: Database, camera: str | None, without: Sequence[str]) -> Iterator[int]:
    kinds, kind = "select kind from events where camera is ? and kind > ? order by kind limit 1", ""
    while row := db.conn.execute(kinds, (camera, kind)).fetchone():
        kind = row[0]
        if not _is_of(kind, without):
            yield from _newest_of_zones(db, camera, kind)


def _newest_of_zones(db: Database, camera: str | None, kind: str) -> Iterator[int]:
    # The one without a zone is among the newest of its kind, or there is none that counts any more.
    newest = "select seq, zone from events where camera is ? and kind = ? order by seq desc limit ?"
    sql = f"select seq from ({newest}) where zone is null order by seq desc limit 1"
    if row := db.conn.execute(sql, (camera, kind, _AMONG_ZONES)).fetchone():
        yield row[0]
    zones, zone = "select zone from events where camera is ? and kind = ? and zone > ? order by zone limit 1", ""
    last = "select max(seq) from events where camera is ? and kind = ? and zone = ?"
    while row := db.conn.execute(zones, (camera, kind, zone)).fetchone():
        zone = row[0]
        yield db.conn.execute(last, (camera, kind, zone)).fetchone()[0]


def _kinds(db: Database, camera: str | None, prefix: str, without: Sequence[str]) -> Iterator[str]:
    """Walk the kinds that were told, by one step in the index for each; ``flood.`` is a prefix, "" is all."""
    of_camera = "camera = ? and" if camera is not None else ""
    sql = f"select kind from events where {of_camera} kind > ? order by kind limit 1"
    kind = prefix
    while row := db.conn.execute(sql, (camera, kind) if camera is not None else (kind,)).fetchone():
        kind = row[0]
        if not kind.startswith(prefix):
            return
        if not _is_of(kind, without):
            yield kind


def _is_of(kind: str, words: Sequence[str]) -> bool:
    return any(kind.startswith(word) if word.endswith(".") else kind == word for word in words)


def _bounds(db: Database, since: datetime | None, until: datetime | None) -> list[_Where]:
    """Return the places between which a stretch of time lies; it is found by its time, walked by its place."""
    if since is None or until is None:
        return []
    sql = "select min(seq), max(seq) from events where at >= ? and at < ?"
    first, last = db.conn.execute(sql, (stamp(since), stamp(until))).fetchone()
    return [("seq >= ?", first or 0), ("seq <= ?", last or 0)]
