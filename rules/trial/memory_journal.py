"""A journal in memory whose jobs are done at once: nothing outlives the trial, and no thread is waited for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlite_utils

from ...core.errors import StoreFailed
from ...core.journal import Journal
from ...core.tasks import Crash, fenced_call
from ...core.texts import Texts

T = TypeVar("T")


class MemoryJournal(Journal):
    """Fulfil ``Journal`` on one connection to a database in memory."""

    def __init__(self, texts: Texts) -> None:
        self.path = Path(":memory:")
        self._texts = texts
        conn = sqlite3.connect(":memory:", isolation_level=None)
        self._db = sqlite_utils.Database(conn, recursive_triggers=False, execute_plugins=False)
        self._is_closed = False

    async def write(self, job: Callable[[sqlite_utils.Database], T], then: Callable[[T], None] | None = None) -> T:
        """Run a job; what it raises undoes it. StoreFailed after ``close``."""
        if self._is_closed:
            raise StoreFailed(self._texts("journal.closed"))
        self._db.conn.execute("begin")
        result = fenced_call(lambda: job(self._db))
        if isinstance(result, Crash):
            self._db.conn.execute("rollback")
            raise result.error
        self._db.conn.execute("commit")
        if then is not None:
            then(result)
        return result

    async def read(self, job: Callable[[sqlite_utils.Database], T]) -> T:
        """Run a job that only reads."""
        if self._is_closed:
            raise StoreFailed(self._texts("journal.closed"))
        return job(self._db)

    @property
    def under_way(self) -> int:
        """Return 0: every job is done when it returns."""
        return 0

    async def close(self) -> None:
        """Forget everything."""
        if not self._is_closed:
            self._is_closed = True
            self._db.close()
