"""The outbox's table: every notice with its state, each change committed before anything follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .bus import Bus
from .event_log import stamp
from .journal import Journal
from .notice_states import FINISHED_STATES, NoticeRecord, NoticeState
from .types import Notice, Struct

migrations = Migrations("outbox")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(NoticeRecord).decode
_RANK = {"high": 0, "normal": 1, "low": 2}

Decide = Callable[[NoticeRecord], NoticeRecord]


class NoticeChanged(Struct):
    """Say on the bus that a notice was put, tried, received or given up; committed before."""

    notice: Notice
    state: NoticeState
    at: datetime
    attempts: int = 0
    error: str = ""


class Taken(NamedTuple):
    """What a desk took: the notices to send now, and when it has to look again."""

    to_send: list[NoticeRecord]
    look_at: datetime | None


@migrations()
def create_notices(db: Database) -> None:
    """Make the outbox; columns are what is searched, ``body`` is the record."""
    for statement in (
        """create table notices (
            number integer primary key autoincrement, key text not null unique, id text not null unique,
            notifier text not null, state text not null, rank integer not null, next_at text not null,
            expires_at text not null, tell text, provider_id text, event_id text, body text not null)""",
        "create index notices_due on notices (notifier, state, next_at)",
        "create index notices_state on notices (state, number)",
        "create index notices_provider on notices (provider_id) where provider_id is not null",
        "create index notices_event on notices (event_id) where event_id is not null",
        "create index notices_tell on notices (notifier) where tell is not null",
    ):
        db.execute(statement)


class NoticeBook:
    """Put, take and change notices; each change is told on the bus after its commit."""

    def __init__(self, journal: Journal, bus: Bus) -> None:
        self._journal = journal
        self._bus = bus

    async def open(self) -> None:
        """Make the table where it is missing."""
        await self._journal.migrate(migrations)

    async def put(self, notice: Notice, now: datetime) -> bool:
        """Commit a new notice; False when its key is there already."""
        record = NoticeRecord(notice=notice, state="waiting", next_at=now, updated_at=now)

        def insert(db: Database) -> bool:
            sql = (
                "insert into notices (key, id, notifier, rank, event_id, expires_at, state, next_at, body)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing"
            )
            known = (notice.key, notice.id, notice.notifier, _RANK[notice.priority], notice.event_id)
            row = (*known, stamp(notice.expires_at), "waiting", stamp(now), _encode(record).decode())
            return db.conn.execute(sql, row).rowcount == 1

        return await self._journal.write(insert, lambda is_new: self._tell([record] if is_new else []))

    async def take(self, notifier: str, now: datetime, free: int, begin: Decide, expire: Decide) -> Taken:
        """Expire what is over, begin up to ``free`` notices that are due, the urgent ones first."""

        def job(db: Database) -> tuple[list[NoticeRecord], datetime | None]:
            is_open = "notifier = ? and state in ('waiting', 'unsure')"
            over = _records(db, f"{is_open} and expires_at <= ?", notifier, stamp(now))
            changed = [_keep(db, expire(record)) for record in over]
            due = f"{is_open} and next_at <= ? order by rank, number limit ?"
            changed += [_keep(db, begin(record)) for record in _records(db, due, notifier, stamp(now), max(0, free))]
            first = "min(next_at, expires_at)" if free > 0 else "expires_at"
            look_at = db.conn.execute(f"select min({first}) from notices where {is_open}", (notifier,)).fetchone()[0]
            return changed, datetime.fromisoformat(look_at) if look_at else None

        changed, look_at = await self._journal.write(job, lambda result: self._tell(result[0]))
        return Taken([record for record in changed if record.state == "sending"], look_at)

    async def change(self, column: str, value: str, decide: Decide) -> NoticeRecord | None:
        """Change the notice with this id, key or provider_id; None when there is none."""
        if column not in {"id", "key", "provider_id"}:
            raise ValueError(f"{column} does not name one notice")

        def job(db: Database) -> tuple[NoticeRecord, bool] | None:
            found = _records(db, f"{column} = ? order by number desc limit 1", value)
            if not found:
                return None
            changed = decide(found[0])
            if changed is found[0]:
                return changed, False
            return _keep(db, changed), True

        result = await self._journal.write(job, lambda done: self._tell([done[0]] if done and done[1] else []))
        return result[0] if result else None

    async def change_all(self, where: str, decide: Decide, *values: str) -> int:
        """Change every notice of a state or notifier; return how many were changed."""

        def job(db: Database) -> list[NoticeRecord]:
            pairs = [(record, decide(record)) for record in _records(db, where, *values)]
            return [_keep(db, after) for before, after in pairs if after is not before]

        changed = await self._journal.write(job, self._tell)
        return len(changed)

    async def told(self, record: NoticeRecord) -> None:
        """Note that the event of a failure is in the journal; silent, it changes nothing for anybody."""

        def job(db: Database) -> None:
            for latest in _records(db, "key = ? and tell = ?", record.notice.key, record.tell):
                _keep(db, msgspec.structs.replace(latest, tell=None))

        await self._journal.write(job)

    async def find(self, where: str, *values: str | int) -> list[NoticeRecord]:
        """Return the records that fit."""
        return await self._journal.read(lambda db: _records(db, where, *values))

    async def notifiers(self) -> set[str]:
        """Return the notifiers for which something is still to be done."""
        sql = (
            "select distinct notifier from notices where state in ('waiting', 'unsure', 'sending') or tell is not null"
        )
        return await self._journal.read(lambda db: {row[0] for row in db.conn.execute(sql)})

    async def counts(self) -> dict[str, int]:
        """Return how many notices stand in each state, for the metrics."""
        sql = "select state, count(*) from notices group by state"
        return await self._journal.read(lambda db: dict(db.conn.execute(sql).fetchall()))

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` finished notices that were over before a time, the oldest of each state first."""

        def remove(db: Database) -> int:
            gone = 0
            for state in sorted(FINISHED_STATES):
                oldest = "select number, expires_at, tell from notices where state = ? order by number limit ?"
                over = f"select number from ({oldest}) where expires_at < ? and tell is null"
                sql = f"delete from notices where number in ({over})"
                gone += db.conn.execute(sql, (state, limit - gone, stamp(before))).rowcount
            return gone

        return await self._journal.write(remove)

    def _tell(self, records: list[NoticeRecord]) -> None:
        for record in records:
            self._bus.publish(
                NoticeChanged(
                    notice=record.notice,
                    state=record.state,
                    at=record.updated_at,
                    attempts=record.attempts,
                    error=record.last_error,
                )
            )


def _records(db: Database, where: str, *values: Any) -> list[NoticeRecord]:  # noqa: ANN401
    return [_decode(row[0]) for row in db.conn.execute(f"select body from notices where {where}", values)]


def _keep(db: Database, record: NoticeRecord) -> NoticeRecord:
    db.conn.execute(
        "update notices set state = ?, next_at = ?, expires_at = ?, tell = ?, provider_id = ?, body = ? where key = ?",
        (
            record.state,
            stamp(record.next_at),
            stamp(record.notice.expires_at),
            record.tell,
            record.provider_id,
            _encode(record).decode(),
            record.notice.key,
        ),
    )
    return record
