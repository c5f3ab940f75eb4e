"""Keeps what the engine waits for: times that run, waits of runs, and when each key of a cooldown ran last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlite_utils import Database

from ..core.journal import Journal
from ..core.types import Event, Struct
from .holds import Hold, HoldKey

KEYS_KEPT = 1_000  # of a rule's cooldown
_event = msgspec.json.Decoder(Event)

TABLES = (
    """create table rule_holds (
        owner text not null, mark text not null, subject text not null, event text not null, due_at text not null,
        for_s real not null, is_over integer not null, primary key (owner, mark, subject)) without rowid""",
    """create table rule_waits (
        run_id text not null, path text not null, seen_seq integer not null, is_watched integer not null,
        trigger_id text, event text, primary key (run_id, path)) without rowid""",
    """create table rule_cooldowns (
        rule_id text not null, key text not null, last_at text not null, primary key (rule_id, key)) without rowid""",
)


class WaitEnd(Struct):
    """Say what ended a wait: an event that was committed, and which trigger it fired."""

    run_id: str
    path: str
    trigger_id: str
    event: Event
    seq: int


class WaitRow(Struct):
    """Keep one wait: behind which place in the journal its events are still to be met, or what ended it."""

    seen_seq: int
    trigger_id: str | None = None
    event: Event | None = None


class Cooled(Struct):
    """Keep when a rule ran last for one key of its cooldown; those before ``until`` cool nothing any more."""

    rule_id: str
    key: str
    at: datetime
    until: datetime


class Watched(Struct):
    """Gather what a stretch of the journal did to all that is waited for."""

    holds: dict[HoldKey, Hold | None] = {}
    ended: list[WaitEnd] = []
    cooled: list[Cooled] = []


def keep_watched(db: Database, watched: Watched) -> None:
    """Keep it, inside the commit of whoever decided it."""
    for key, hold in watched.holds.items():
        if hold is None:
            db.execute("delete from rule_holds where owner = ? and mark = ? and subject = ?", list(key))
        else:
            row = [*hold.key, _json(hold.event), hold.due_at.isoformat(), hold.for_s, hold.is_over]
            db.execute("insert or replace into rule_holds values (?, ?, ?, ?, ?, ?, ?)", row)
    for end in watched.ended:
        # Also where the wait's own row is not there yet: the place behind the event is kept with this.
        row = [end.run_id, end.path, end.seq, end.trigger_id, _json(end.event)]
        db.execute("insert or replace into rule_waits values (?, ?, ?, 0, ?, ?)", row)
    for cooled in watched.cooled:
        row = [cooled.rule_id, cooled.key, cooled.at.isoformat()]
        db.execute("insert or replace into rule_cooldowns values (?, ?, ?)", row)
        _prune_keys(db, cooled)


def drop_waits(db: Database, run_id: str) -> None:
    """Forget what a run waited for, when it has ended."""
    db.execute("delete from rule_waits where run_id = ?", [run_id])
    # ";" is the letter behind ":".
    db.execute("delete from rule_holds where owner >= ? and owner < ?", [f"{run_id}:", f"{run_id};"])


class WatchLog:
    """Read what is kept, and keep what begins between two stretches."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def begin(self) -> None:
        """Note, after a start, up to where the waits that were watched have seen every event."""
        await self._journal.write(
            lambda db: db.execute(
                "update rule_waits set seen_seq = (select seq from rule_cursor), is_watched = 0 where is_watched = 1"
            )
        )

    async def holds(self) -> list[Hold]:
        """Return every time that runs, and those that are over and still the same."""

        def job(db: Database) -> list[Hold]:
            rows = db.execute("select owner, mark, subject, event, due_at, for_s, is_over from rule_holds").fetchall()
            return [
                Hold(
                    owner=owner,
                    mark=mark,
                    subject=subject,
                    event=_event.decode(event),
                    due_at=datetime.fromisoformat(due_at),
                    for_s=for_s,
                    is_over=bool(is_over),
                )
                for owner, mark, subject, event, due_at, for_s, is_over in rows
            ]

        return await self._journal.read(job)

    async def drop_holds(self, holds: Iterable[Hold]) -> None:
        """Forget times that nobody asks for any more."""
        gone: dict[HoldKey, Hold | None] = {hold.key: None for hold in holds}
        if gone:
            await self._journal.write(lambda db: keep_watched(db, Watched(holds=gone)))

    async def cooldowns(self) -> dict[str, dict[str, datetime]]:
        """Return when each rule ran last, by the keys of its cooldown."""

        def job(db: Database) -> dict[str, dict[str, datetime]]:
            found: dict[str, dict[str, datetime]] = {}
            for rule_id, key, at in db.execute("select rule_id, key, last_at from rule_cooldowns").fetchall():
                found.setdefault(rule_id, {})[key] = datetime.fromisoformat(at)
            return found

        return await self._journal.read(job)

    async def wait(self, run_id: str, path: str) -> WaitRow | None:
        """Return a wait that began before, or None."""

        def job(db: Database) -> WaitRow | None:
            sql = "select seen_seq, trigger_id, event from rule_waits where run_id = ? and path = ?"
            row = db.execute(sql, [run_id, path]).fetchone()
            if row is None:
                return None
            return WaitRow(seen_seq=row[0], trigger_id=row[1], event=_event.decode(row[2]) if row[2] else None)

        return await self._journal.read(job)

    async def watch(self, run_id: str, path: str, seen_seq: int, watched: Watched) -> None:
        """Keep that a wait is watched from now on, with what its catching up began."""

        def job(db: Database) -> None:
            # What ended already is of use until its step is kept; a loop would gather them.
            db.execute(
                "delete from rule_waits where run_id = ? and exists (select 1 from rule_steps where"
                " rule_steps.run_id = rule_waits.run_id and rule_steps.path = rule_waits.path"
                " and rule_steps.outcome <> 'waiting')",
                [run_id],
            )
            # One that was ended meanwhile, by an event of the same moment, stays ended.
            db.execute(
                "insert into rule_waits values (?, ?, ?, 1, null, null) on conflict (run_id, path) do update"
                " set seen_seq = excluded.seen_seq, is_watched = 1 where event is null",
                [run_id, path, seen_seq],
            )
            keep_watched(db, watched)

        await self._journal.write(job)


def _prune_keys(db: Database, cooled: Cooled) -> None:
    db.execute(
        "delete from rule_cooldowns where rule_id = ? and last_at < ?", [cooled.rule_id, cooled.until.isoformat()]
    )
    db.execute(
        "delete from rule_cooldowns where rule_id = ? and key in (select key from rule_cooldowns where rule_id = ?"
        " order by last_at desc limit -1 offset ?)",
        [cooled.rule_id, cooled.rule_id, KEYS_KEPT],
    )


def _json(event: Event) -> str:
    return msgspec.json.encode(event).decode()
