"""What the sources must not forget: the last time that each trigger reached, and what it saw of each state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ..core.event_log import EventLog, stamp
from ..core.journal import Journal
from ..core.types import Event, Json

migrations = Migrations("rule_sources")
# A yearly time is still remembered; what belongs to a rule that is gone is not for ever.
_KEPT = timedelta(days=400)
# What belongs to a run that waited and was never met again.
_KEPT_OF_RUNS = timedelta(days=40)
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Key(NamedTuple):
    """Name what is remembered: of whose trigger, and of which subject ("" for a time)."""

    owner: str
    path: str
    subject: str = ""


class Kept(NamedTuple):
    """Hold what is remembered: ``what`` the trigger waits for, up to when, and what it saw."""

    what: str
    at: datetime
    value: Json = None


@migrations()
def create_sources(db: Database) -> None:
    """Make the table."""
    db.execute(
        """create table rule_sources (
            owner text not null, path text not null, subject text not null,
            what text not null, at text not null, value text not null,
            primary key (owner, path, subject)) without rowid"""
    )


class SourceLog:
    """Keep it, in the same commit as the events that it led to. Every method raises StoreFailed."""

    def __init__(self, journal: Journal, events: EventLog) -> None:
        self._journal = journal
        self._events = events

    @classmethod
    async def open(cls, journal: Journal, events: EventLog) -> SourceLog:
        """Make the table where it is missing."""
        await journal.migrate(migrations)
        return cls(journal, events)

    async def all(self, now: datetime) -> dict[Key, Kept]:
        """Return everything, without what is too old to be of anybody's."""

        def look(db: Database) -> dict[Key, Kept]:
            db.conn.execute("delete from rule_sources where at < ?", (stamp(now - _KEPT),))
            old_runs = "delete from rule_sources where at < ? and instr(owner, ':') > 0"
            db.conn.execute(old_runs, (stamp(now - _KEPT_OF_RUNS),))
            rows = db.conn.execute("select owner, path, subject, what, at, value from rule_sources")
            return {
                Key(owner, path, subject): Kept(what, datetime.fromisoformat(at), _decode(value))
                for owner, path, subject, what, at, value in rows
            }

        return await self._journal.write(look)

    async def commit(self, events: Iterable[Event], kept: dict[Key, Kept], dropped: Iterable[Key]) -> None:
        """Commit events, what is remembered with them, and what is forgotten."""
        rows = [(*key, one.what, stamp(one.at), _encode(one.value).decode()) for key, one in kept.items()]
        gone = list(dropped)

        def change(db: Database) -> None:
            forget = "delete from rule_sources where owner = ? and path = ? and subject = ?"
            db.conn.executemany(forget, gone)
            db.conn.executemany("insert or replace into rule_sources values (?, ?, ?, ?, ?, ?)", rows)

        await self._events.add_all(tuple(events), change)
