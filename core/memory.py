"""Small JSON values that a plugin object or a room keeps across restarts."""

from __future__ import annotations

import json

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from .errors import StoreFailed
from .journal import Journal
from .types import Json

migrations = Migrations("memory")
# A memory is for a place in a conversation or a token's expiry; pictures belong into the store.
LARGEST_VALUE = 64_000


@migrations()
def create_memory(db: Database) -> None:
    """Make the one table."""
    db.execute("create table memory (owner text, key text, value text not null, primary key (owner, key))")


class Memory:
    """Keep values by owner and key. StoreFailed when the disk fails."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @classmethod
    async def open(cls, journal: Journal) -> Memory:
        """Make the table where it is missing."""
        await journal.migrate(migrations)
        return cls(journal)

    async def remember(self, owner: str, key: str, value: Json) -> None:
        """Keep a value; None forgets it. StoreFailed on what is no JSON or too large."""
        text = _as_json(owner, key, value)

        def keep(db: Database) -> None:
            if value is None:
                db.conn.execute("delete from memory where owner = ? and key = ?", (owner, key))
                return
            db.conn.execute(
                "insert into memory (owner, key, value) values (?, ?, ?)"
                " on conflict (owner, key) do update set value = excluded.value",
                (owner, key, text),
            )

        await self._journal.write(keep)

    async def recall(self, owner: str, key: str) -> Json:
        """Return what was kept, or None."""

        def look(db: Database) -> Json:
            row = db.conn.execute("select value from memory where owner = ? and key = ?", (owner, key)).fetchone()
            return json.loads(row[0]) if row else None

        return await self._journal.read(look)


def _as_json(owner: str, key: str, value: Json) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as err:
        raise StoreFailed(f"{owner}: {key} is no JSON value: {err}") from err
    if len(text) > LARGEST_VALUE:
        raise StoreFailed(f"{owner}: {key} has {len(text)} characters, more than {LARGEST_VALUE}")
    return text
