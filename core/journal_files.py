"""How the journal's file is opened, locked and told apart from others, and its errors in plain words."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import sqlite_utils

from .errors import StoreFailed
from .texts import Texts

T = TypeVar("T")

# "SGJ1": so that `file` and we know a journal from any other database.
APPLICATION_ID = 0x53474A31
# Raised when the journal as a whole changes its shape; a room's tables have their own migrations.
FORMAT = 1
# Longer than any transaction of ours; only a stranger with the file open holds it so long.
BUSY_LIMIT_S = 5.0
READ_LIMIT_S = 30.0
# Below this much room SQLite's I/O error on its shared memory is a full disk by another name.
_NO_ROOM_BYTES = 1_000_000
_STEPS_BETWEEN_LOOKS = 10_000

_TEXT_OF = {
    sqlite3.SQLITE_FULL: "journal.full",
    sqlite3.SQLITE_READONLY: "journal.read_only",
    sqlite3.SQLITE_PERM: "journal.read_only",
    sqlite3.SQLITE_CORRUPT: "journal.corrupt",
    sqlite3.SQLITE_NOTADB: "journal.corrupt",
    sqlite3.SQLITE_BUSY: "journal.busy",
    sqlite3.SQLITE_LOCKED: "journal.busy",
    sqlite3.SQLITE_CANTOPEN: "journal.gone",
    sqlite3.SQLITE_IOERR: "journal.other",
    sqlite3.SQLITE_INTERRUPT: "journal.slow",
    sqlite3.SQLITE_NOMEM: "journal.other",
}


def is_the_disks_fault(err: BaseException) -> bool:
    """Say whether the file or its disk is to blame, not the statement of one job."""
    return isinstance(err, sqlite3.Error) and _code(err) in _TEXT_OF


def in_words(err: sqlite3.Error, path: Path, texts: Texts) -> StoreFailed:
    """Return what an operator should read instead of SQLite's words."""
    key = _TEXT_OF.get(_code(err), "journal.other")
    if _code(err) == sqlite3.SQLITE_IOERR and _free_bytes(path) < _NO_ROOM_BYTES:
        key = "journal.full"
    return StoreFailed(texts(key, path=path, why=err, seconds=int(READ_LIMIT_S)))


def lock(path: Path, texts: Texts) -> int:
    """Take the journal for this process until it ends; return the descriptor that holds it."""
    try:
        held = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as err:
        raise _os_words(err, path, texts) from err
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        pid = os.pread(held, 20, 0).decode("ascii", "replace").strip() or "?"
        os.close(held)
        raise StoreFailed(texts("journal.in_use", path=path, pid=pid)) from err
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
    except OSError:
        pass  # a full disk must not keep the hub from starting; only the number in the message is lost
    return held


def owner_of(path: Path) -> int | None:
    """Return the process that holds the journal, None when nobody does or it cannot be known."""
    try:
        held = os.open(path.with_name(path.name + ".lock"), os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(held, 20, 0).decode("ascii", "replace").strip()
        return int(pid) if pid.isascii() and pid.isdigit() else None
    finally:
        os.close(held)
    return None


def connect(path: Path, texts: Texts) -> sqlite_utils.Database:
    """Open or make the journal for its writer. StoreFailed."""
    try:
        # It holds names and telephone numbers: for its owner alone, and SQLite's other files follow it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as err:
        raise _os_words(err, path, texts) from err
    try:
        with closing(_open(path)) as unchanged:
            _check_ours(unchanged, path, texts)
        return open_writer(path)
    except sqlite3.Error as err:
        raise in_words(err, path, texts) from err


def open_writer(path: Path) -> sqlite_utils.Database:
    """Open an existing journal for writing; never makes one, so that a lost disk is told as such."""
    db = _open(path)
    db.conn.execute("pragma journal_mode = wal")
    db.conn.execute("pragma synchronous = full")  # a commit is on the disk, or it is no commit
    db.conn.execute("pragma foreign_keys = on")
    db.conn.execute("pragma journal_size_limit = 67108864")  # give a burst's 64 MB and more back
    return db


class Reader:
    """Hold one connection that only reads, and end a job that takes too long."""

    def __init__(self, path: Path) -> None:
        self._db = _open(path)  # a WAL's shared memory needs it; query_only forbids the rest
        self._db.conn.execute("pragma query_only = on")
        self._until_s = 0.0
        self._db.conn.set_progress_handler(self._is_too_late, _STEPS_BETWEEN_LOOKS)

    def run(self, job: Callable[[sqlite_utils.Database], T]) -> T:
        """Run a job; sqlite3.OperationalError (interrupted) after ``READ_LIMIT_S``."""
        self._until_s = time.monotonic() + READ_LIMIT_S
        return job(self._db)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _is_too_late(self) -> bool:
        return time.monotonic() > self._until_s


def _open(path: Path) -> sqlite_utils.Database:
    uri = f"{path.absolute().as_uri()}?mode=rw"  # it never makes one
    conn = sqlite3.connect(uri, uri=True, timeout=BUSY_LIMIT_S, isolation_level=None, check_same_thread=False)
    return sqlite_utils.Database(conn, recursive_triggers=False, execute_plugins=False)


def _check_ours(db: sqlite_utils.Database, path: Path, texts: Texts) -> None:
    application = db.conn.execute("pragma application_id").fetchone()[0]
    made_by = db.conn.execute("pragma user_version").fetchone()[0]
    is_empty = db.conn.execute("select count(*) from sqlite_master").fetchone()[0] == 0
    if is_empty and application == 0:
        db.conn.execute(f"pragma application_id = {APPLICATION_ID}")
        db.conn.execute(f"pragma user_version = {FORMAT}")
    elif application != APPLICATION_ID:
        raise StoreFailed(texts("journal.not_ours", path=path))
    elif made_by > FORMAT:
        raise StoreFailed(texts("journal.newer", path=path, what=f"{made_by} > {FORMAT}"))


def _code(err: sqlite3.Error) -> int:
    # The low byte is the error, the rest says where in SQLite. Errors of the module have none.
    return int(getattr(err, "sqlite_errorcode", 0) or 0) & 0xFF


def _free_bytes(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return _NO_ROOM_BYTES


def _os_words(err: OSError, path: Path, texts: Texts) -> StoreFailed:
    if err.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFailed(texts("journal.full", path=path))
    if err.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreFailed(texts("journal.read_only", path=path))
    return StoreFailed(texts("journal.gone", path=path, why=err.strerror))
