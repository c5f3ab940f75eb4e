"""When a camera could not be recorded: from when to when, why, and what has filled the gap since."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .errors import StoreFailed
from .event_log import stamp
from .journal import Journal
from .types import Struct

logger = logging.getLogger(__name__)
migrations = Migrations("gaps")

# Shorter than this, a gap is a hiccup: the ring hides it.
LEAST_S = 2.0


class Gap(Struct):
    """Hold one gap. ``end`` None: it is still open. ``filled_by``: the clip that was fetched for it later."""

    number: int
    camera: str
    begin: datetime
    end: datetime | None
    reason: str
    filled_by: str | None = None


@migrations()
def create_gaps(db: Database) -> None:
    """Make the one table; at most one gap of a camera is open."""
    for statement in (
        """create table gaps (
            number integer primary key autoincrement, camera text not null, begin text not null, end text,
            reason text not null, filled_by text)""",
        "create index gaps_camera on gaps (camera, begin)",
        "create unique index gaps_open on gaps (camera) where end is null",
    ):
        db.execute(statement)


@migrations()
def create_lived(db: Database) -> None:
    """Make the one row that says when the hub was last at work."""
    db.execute("create table lived (id integer primary key check (id = 1), at text not null)")


class GapBook:
    """Begin and end gaps, and find them. Reading raises StoreFailed; writing waits for nobody and logs it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: set[str] = set()

    @classmethod
    async def open(cls, journal: Journal, cameras: Iterable[str] = (), away: str = "") -> GapBook:
        """Make the tables where they are missing; what was open when the hub ended is open still.

        ``cameras`` were not recorded since the hub was last at work, for the reason ``away``.
        """
        await journal.migrate(migrations)
        book = cls(journal)
        book._open = {gap.camera for gap in await book._select("end is null", ())}
        rows = await journal.read(lambda db: list(db.execute("select at from lived")))
        if rows:
            await book._begin(cameras, datetime.fromisoformat(rows[0][0]), away)
        return book

    async def live(self, at: datetime) -> None:
        """Note that the hub is at work; asked every half minute. A full disk is told elsewhere."""

        def note(db: Database) -> None:
            db.execute(
                "insert into lived (id, at) values (1, ?) on conflict (id) do update set at = ?", (stamp(at),) * 2
            )

        try:
            await self._journal.write(note)
        except StoreFailed as err:
            logger.warning("that the hub is at work was not noted: %s", err)

    async def begin(self, camera: str, at: datetime, reason: str) -> None:
        """Note that a camera is not recorded from now on; an open gap stays as it began."""
        await self._begin((camera,), at, reason)

    async def end(self, camera: str, at: datetime) -> None:
        """Note that it is recorded again; a hiccup is forgotten."""
        if camera not in self._open:
            return

        def close(db: Database) -> None:
            db.execute("update gaps set end = ? where camera = ? and end is null", (stamp(at), camera))
            least = stamp(at - timedelta(seconds=LEAST_S))
            db.execute("delete from gaps where camera = ? and end = ? and begin > ?", (camera, stamp(at), least))

        try:
            await self._journal.write(close)
        except StoreFailed as err:
            logger.error("%s: the end of its gap was not noted: %s", camera, err)
            return
        self._open.discard(camera)

    async def find(self, camera: str, since: datetime, limit: int = 50) -> list[Gap]:
        """Return a camera's gaps that were open at or after a moment, the newest first."""
        where = "camera = ? and (end is null or end >= ?) order by begin desc limit ?"
        return await self._select(where, (camera, stamp(since), limit))

    async def unfilled(self, since: datetime, least_s: float, limit: int = 20) -> list[Gap]:
        """Return closed gaps that began after a moment, lasted long enough and are not filled, the oldest first."""
        found = await self._select(
            "end is not null and filled_by is null and begin >= ? order by begin limit ?", (stamp(since), limit)
        )
        return [gap for gap in found if gap.end is not None and (gap.end - gap.begin).total_seconds() >= least_s]

    async def mark_filled(self, number: int, clip: str) -> None:
        """Note which clip shows what was missed. StoreFailed."""

        def mark(db: Database) -> None:
            db.execute("update gaps set filled_by = ? where number = ?", (clip, number))

        await self._journal.write(mark)

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove up to so many closed gaps that ended before a moment; return how many. StoreFailed."""

        def remove(db: Database) -> int:
            inner = "select number from gaps where end < ? limit ?"
            return db.execute(f"delete from gaps where number in ({inner})", (stamp(before), limit)).rowcount

        return await self._journal.write(remove)

    async def _begin(self, cameras: Iterable[str], at: datetime, reason: str) -> None:
        new = [camera for camera in cameras if camera not in self._open]
        if not new:
            return
        self._open.update(new)
        statement = "insert or ignore into gaps (camera, begin, reason) values (?, ?, ?)"
        rows = [(camera, stamp(at), reason) for camera in new]
        try:
            await self._journal.write(lambda db: db.conn.executemany(statement, rows))
        except StoreFailed as err:
            self._open.difference_update(new)
            logger.error("%s: its gap was not noted: %s", ", ".join(new), err)

    async def _select(self, where: str, values: Iterable[object]) -> list[Gap]:
        def look(db: Database) -> list[Gap]:
            rows = db.execute(
                f"select number, camera, begin, end, reason, filled_by from gaps where {where}", tuple(values)
            )
            return [_gap(*row) for row in rows]

        return await self._journal.read(look)


def _gap(number: int, camera: str, begin: str, end: str | None, reason: str, filled_by: str | None) -> Gap:
    return Gap(
        number=number,
        camera=camera,
        begin=datetime.fromisoformat(begin),
        end=datetime.fromisoformat(end) if end else None,
        reason=reason,
        filled_by=filled_by,
    )
