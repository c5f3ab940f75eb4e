"""What must not be lost: one SQLite file, one writer thread, many jobs in one commit, reads beside it."""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils
from sqlite_utils.migrations import Migrations

from .errors import StoreFailed
from .journal_files import Reader, connect, in_words, is_the_disks_fault, lock
from .journal_writer import Job, Writer
from .tasks import Crash
from .texts import Texts

T = TypeVar("T")

# More than a second's work for the disk; whoever comes then waits until it has caught up.
JOBS_WAITING = 4096
READERS = 2
READS_WAITING = 512


class Journal:
    """The hub's database. Rooms own their tables (``migrate``) and give jobs that touch nothing else.

    A job is a plain function of the database, run in another thread. It never commits or rolls
    back by itself: the writer runs many in one transaction, each in a savepoint of its own.
    """

    def __init__(self, path: Path, texts: Texts, held: int | None) -> None:
        self.path = path
        self._texts = texts
        self._held = held
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(JOBS_WAITING)
        self._read_room = asyncio.Semaphore(READS_WAITING)
        self._writer = Writer(path)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal read")
        self._readers: queue.SimpleQueue[Reader] = queue.SimpleQueue()
        self._under_way = 0
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path, *, is_shared: bool = False, texts: Texts | None = None) -> Journal:
        """Open or make the journal. StoreFailed where it is in use, damaged, newer or not ours.

        ``is_shared`` is for a command beside a running hub: it writes a row or two and leaves.
        """
        words = texts or Texts()
        held = None if is_shared else await asyncio.to_thread(lock, path, words)
        try:
            db = await asyncio.to_thread(connect, path, words)
        except StoreFailed:
            if held is not None:
                os.close(held)
            raise
        journal = cls(path, words, held)
        journal._writer.begin(db)
        return journal

    async def write(self, job: Callable[[sqlite_utils.Database], T], then: Callable[[T], None] | None = None) -> T:
        """Run a job in the writer; return its result after the commit. StoreFailed: nothing was kept.

        What the job itself raises undoes this job alone and is raised here. ``then`` is called
        with the result right after the commit, in the order of the commits, also when the caller
        was cancelled meanwhile. There is no time limit: to answer "not kept" for what is then
        kept would be a lie, and the disk's own errors end the wait.
        """
        async with self._room, self._counted():
            if self._is_closed:
                raise StoreFailed(self._texts("journal.closed"))
            future: asyncio.Future[T] = self._loop.create_future()
            self._writer.jobs.put(Job(job, lambda outcome: _settle(future, outcome, then), self._loop))
            try:
                return await future
            except sqlite3.Error as err:
                raise self._ours(err) from err

    async def read(self, job: Callable[[sqlite_utils.Database], T]) -> T:
        """Run a job on a connection that only reads and sees what is committed. StoreFailed."""
        async with self._read_room, self._counted():
            if self._is_closed:
                raise StoreFailed(self._texts("journal.closed"))
            try:
                return await self._loop.run_in_executor(self._threads, self._read, job)
            except sqlite3.Error as err:
                raise self._ours(err) from err

    async def migrate(self, migrations: Migrations) -> None:
        """Bring one room's tables up to date, once. StoreFailed where a newer Siaga was here before."""

        def apply(db: sqlite_utils.Database) -> list[str]:
            known = {migration.name for migration in migrations._migrations}
            unknown = [done.name for done in migrations.applied(db) if done.name not in known]
            if not unknown:
                migrations.apply(db)
            return unknown

        unknown = await self.write(apply)
        if unknown:
            what = f"{migrations.name}: {', '.join(unknown)}"
            raise StoreFailed(self._texts("journal.newer", path=self.path, what=what))

    @property
    def under_way(self) -> int:
        """Return how many jobs and reads somebody waits for, for the metrics."""
        return self._under_way

    async def close(self) -> None:
        """Commit what was given so far, then let go of the file and its lock."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._writer.end)
        await asyncio.to_thread(self._threads.shutdown)
        while not self._readers.empty():
            self._readers.get_nowait().close()
        if self._held is not None:
            os.close(self._held)  # the lock goes with its descriptor

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def _read(self, job: Callable[[sqlite_utils.Database], T]) -> T:
        try:
            reader = self._readers.get_nowait()
        except queue.Empty:
            reader = Reader(self.path)
        is_sound = True
        try:
            return reader.run(job)
        except sqlite3.Error as err:
            is_sound = not is_the_disks_fault(err)
            raise
        finally:
            # After a disk's error the next read opens the file anew, as the writer does.
            if is_sound:
                self._readers.put(reader)
            else:
                reader.close()

    def _ours(self, err: sqlite3.Error) -> Exception:
        return in_words(err, self.path, self._texts) if is_the_disks_fault(err) else err


def _settle(future: asyncio.Future[T], outcome: Any, then: Callable[[T], None] | None) -> None:  # noqa: ANN401
    if isinstance(outcome, Crash):
        if not future.done():
            future.set_exception(outcome.error)
        return
    if not future.done():
        future.set_result(outcome)
    if then is not None:
        then(outcome)
