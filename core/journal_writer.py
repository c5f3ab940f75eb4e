"""The journal's one writer thread: what waits is done in one transaction, each job in its own savepoint."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import sqlite_utils

from .journal_files import is_the_disks_fault, open_writer
from .tasks import Crash, fenced_call

logger = logging.getLogger(__name__)

# Enough to share one fsync among a burst, few enough that nobody waits long for his neighbours.
JOBS_IN_A_COMMIT = 1000
# A full disk has few writers, they all wait; a whole burst tried one by one would hold up the next.
APART_AT_MOST = 50


class Job(NamedTuple):
    """Hold one job, and whom to tell on which event loop what came of it."""

    work: Callable[[sqlite_utils.Database], Any]
    settle: Callable[[Any], None]
    loop: asyncio.AbstractEventLoop


class Writer:
    """Own the connection that writes. A disk's error undoes the whole commit and nothing else.

    After such an error the file is opened anew before the next commit, so that the writer
    recovers by itself when there is room again or the disk is back.
    """

    def __init__(self, path: Path) -> None:
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._path = path
        self._db: sqlite_utils.Database | None = None
        self._thread = threading.Thread(target=self._run, name="journal write", daemon=True)

    def begin(self, db: sqlite_utils.Database) -> None:
        """Take over an open journal."""
        self._db = db
        self._thread.start()

    def end(self) -> None:
        """Commit what was given so far and close; called once, from another thread."""
        self.jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            batch = [job]
            while len(batch) < JOBS_IN_A_COMMIT and not self.jobs.empty():
                more = self.jobs.get()
                if more is None:
                    self.jobs.put(None)  # the end comes behind this batch
                    break
                batch.append(more)
            _tell(batch, self._apart(batch, self._commit(batch)))
        self._drop_connection()

    def _apart(self, batch: list[Job], outcomes: list[Any]) -> list[Any]:
        """Give each job of a failed commit a commit of its own.

        On a full disk most things of a start still work, since they change nothing: they must not
        fail because a neighbour in the same commit wanted room.
        """
        is_failed = isinstance(outcomes[0], Crash) and is_the_disks_fault(outcomes[0].error)
        if not is_failed or not 1 < len(batch) <= APART_AT_MOST:
            return outcomes
        return [self._commit([job])[0] for job in batch]

    def _commit(self, batch: list[Job]) -> list[Any]:
        try:
            if self._db is None:
                self._db = open_writer(self._path)
            db = self._db
            db.conn.execute("begin immediate")
            outcomes = [_in_savepoint(db, job) for job in batch]
            db.conn.execute("commit")
        except sqlite3.Error as err:
            logger.error("%d changes were not kept in %s: %s", len(batch), self._path, err)
            self._drop_connection()
            return [Crash(err)] * len(batch)
        return outcomes

    def _drop_connection(self) -> None:
        if self._db is None:
            return
        try:
            self._db.close()  # an open transaction is undone by it
        except sqlite3.Error as err:
            logger.warning("%s was not closed cleanly: %s", self._path, err)
        self._db = None


def _in_savepoint(db: sqlite_utils.Database, job: Job) -> Any:  # noqa: ANN401  what the job returns
    """Run one job; its own mistake undoes it alone. sqlite3.Error where the disk is to blame."""
    db.conn.execute("savepoint job")
    outcome = fenced_call(lambda: job.work(db))
    if isinstance(outcome, Crash) and is_the_disks_fault(outcome.error):
        raise outcome.error
    if not db.conn.in_transaction:
        raise sqlite3.ProgrammingError("a job ended the transaction that it shares with others")
    if isinstance(outcome, Crash):
        db.conn.execute("rollback to job")
    db.conn.execute("release job")
    return outcome


def _tell(batch: list[Job], outcomes: list[Any]) -> None:
    loops = {job.loop for job in batch}
    for loop in loops:
        pairs = [(job, outcome) for job, outcome in zip(batch, outcomes, strict=True) if job.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle, pairs)
        except RuntimeError:
            logger.warning("the event loop is gone; %d commits were kept and nobody was told", len(pairs))


def _settle(pairs: list[tuple[Job, Any]]) -> None:
    for job, outcome in pairs:
        failed = fenced_call(lambda job=job, outcome=outcome: job.settle(outcome))  # type: ignore[misc]
        if isinstance(failed, Crash):
            logger.error("a commit was kept, but telling it failed: %s", failed, exc_info=failed.error)
