"""Who did what to what: rows that can be added and read, and neither changed nor removed."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .event_log import stamp
from .journal import Journal
from .types import AuditEntry

migrations = Migrations("audit")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AuditEntry).decode


@migrations()
def create_audit(db: Database) -> None:
    """Make the audit; triggers refuse what must not happen, whoever tries."""
    for statement in (
        """create table audit (
            seq integer primary key autoincrement, at text not null, who text not null,
            what text not null, body text not null)""",
        "create index audit_at on audit (at)",
        """create trigger audit_is_not_changed before update on audit
            begin select raise(abort, 'the audit is not changed'); end""",
        """create trigger audit_is_not_removed before delete on audit
            begin select raise(abort, 'the audit is not removed'); end""",
    ):
        db.execute(statement)


class AuditLog:
    """Add and read entries. StoreFailed when the disk fails: what cannot be noted is not done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @classmethod
    async def open(cls, journal: Journal) -> AuditLog:
        """Make the table where it is missing."""
        await journal.migrate(migrations)
        return cls(journal)

    async def add(self, entry: AuditEntry) -> None:
        """Commit an entry."""
        row = (stamp(entry.at), entry.who, entry.what, _encode(entry).decode())
        await self._journal.write(
            lambda db: db.conn.execute("insert into audit (at, who, what, body) values (?, ?, ?, ?)", row).rowcount
        )

    async def find(self, limit: int = 50, before: datetime | None = None) -> list[AuditEntry]:
        """Return the newest entries, newest first; ``before`` a time pages on."""
        where, values = ("where at < ?", [stamp(before)]) if before else ("", [])
        sql = f"select body from audit {where} order by at desc, seq desc limit ?"
        return await self._journal.read(lambda db: [_decode(row[0]) for row in db.conn.execute(sql, [*values, limit])])
