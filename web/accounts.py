"""Who may come in: accounts with Argon2 hashes in the journal, roles, and one-time passwords."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlite_utils
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlite_utils.migrations import Migrations

from ..core.clock import Clock, SystemClock
from ..core.errors import SiagaError
from ..core.journal import Journal
from ..core.texts import Texts
from ..core.types import Struct

T = TypeVar("T")
Rows = list[dict[str, Any]]

ROLES = ("viewer", "operator", "supervisor", "admin")
FIRST_ADMIN = "admin"
# NIST SP 800-63B asks for 8; ten costs nobody much and the cameras look at a public place.
LEAST_PASSWORD_LENGTH = 10
LONGEST_PASSWORD_LENGTH = 200
# One hash takes 0.2 s and 64 MB: two at once leave a small PC its memory, the rest waits here.
HASHES_AT_ONCE = 2
HASHES_WAITING = 20

migrations = Migrations("web.accounts")


@migrations()
def make_accounts(db: sqlite_utils.Database) -> None:
    """Make the table of accounts; ``name`` is folded to lower case."""
    db.table("accounts").create(
        {
            "name": str,
            "hash": str,
            "role": str,
            "must_change": int,
            "is_on": int,
            "created_at": str,
        },
        pk="name",
    )


class Account(Struct):
    """Name one person or post that may come in; the hash stays in the journal."""

    name: str
    role: str
    must_change: bool

    @property
    def may_act(self) -> bool:
        """Say whether this account may move a camera; a viewer only looks."""
        return self.role != "viewer"

    @property
    def may_change_rules(self) -> bool:
        """Say whether this account may have the rules read again."""
        return self.role in ("supervisor", "admin")


class AccountRefused(SiagaError):
    """Say why an account cannot be made or its password not be taken; ``key`` names the text."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        super().__init__(Texts()(key, **values))


class HashingBusy(SiagaError):
    """Say that too many logins wait already."""


class Accounts:
    """Keep the accounts. ``await Accounts.open(journal)``."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = ""

    @classmethod
    async def open(cls, journal: Journal, clock: Clock | None = None) -> Accounts:
        """Make the table where it is missing. StoreFailed."""
        await journal.migrate(migrations)
        accounts = cls(journal, clock or SystemClock())
        # Checked when the name is unknown, so that the answer takes as long as for a known one.
        accounts._nobody = await accounts._hashing(lambda: accounts._hasher.hash(secrets.token_hex(16)))
        return accounts

    def close(self) -> None:
        """Let go of the hashing threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ensure_admin(self) -> str | None:
        """Make the first account and return its one-time password; None when accounts exist."""
        if await self.all():
            return None
        password = secrets.token_urlsafe(12)
        await self.add(FIRST_ADMIN, password, role="admin", must_change=True)
        return password

    async def add(self, name: str, password: str, *, role: str = "operator", must_change: bool = False) -> Account:
        """Make an account. AccountRefused on a taken or empty name, a short password, an unknown role."""
        folded = _fold(name)
        if not folded or len(folded) > 64:
            raise AccountRefused("web.account.bad_name")
        if role not in ROLES:
            raise AccountRefused("web.account.bad_role", role=role, roles=", ".join(ROLES))
        _check_password(folded, password)
        row = {
            "name": folded,
            "hash": await self._hashing(lambda: self._hasher.hash(password)),
            "role": role,
            "must_change": int(must_change),
            "is_on": 1,
            "created_at": self._clock.now().isoformat(),
        }

        def insert(db: sqlite_utils.Database) -> bool:
            if list(db.query("select 1 from accounts where name = ?", [folded])):
                return False
            db.table("accounts").insert(row)
            return True

        if not await self._journal.write(insert):
            raise AccountRefused("web.account.taken", name=folded)
        return Account(name=folded, role=role, must_change=must_change)

    async def check(self, name: str, password: str) -> Account | None:
        """Return the account when the password is right, after the same time in every case."""
        rows = await self._journal.read(lambda db: _rows(db, _fold(name)))
        row = rows[0] if rows else None
        stored = row["hash"] if row else self._nobody
        is_right = await self._hashing(lambda: self._verify(stored, password))
        if row is None or not is_right or not row["is_on"]:
            return None
        if self._hasher.check_needs_rehash(stored):
            await self._store_hash(row["name"], password, bool(row["must_change"]))
        return _account(row)

    async def set_password(self, name: str, password: str) -> None:
        """Take a new password; the account need not change it again. AccountRefused when it is too short."""
        _check_password(_fold(name), password)
        await self._store_hash(_fold(name), password, False)

    async def renew(self, name: str, password: str) -> Account:
        """Give an account a password that must be changed at the next login. AccountRefused."""
        account = await self._known(name)
        _check_password(account.name, password)
        await self._store_hash(account.name, password, True)
        return account

    async def switch(self, name: str, *, is_on: bool) -> Account:
        """Let an account in, or no more; sessions under way end with their next look. AccountRefused."""
        account = await self._known(name)
        values = [int(is_on), account.name]
        await self._journal.write(
            lambda db: db.execute("update accounts set is_on = ? where name = ?", values).rowcount
        )
        return account

    async def get(self, name: str) -> Account | None:
        """Return an account that may come in."""
        rows = await self._journal.read(lambda db: _rows(db, _fold(name)))
        return _account(rows[0]) if rows and rows[0]["is_on"] else None

    async def mark(self, name: str) -> str:
        """Return what changes with an account's password, 64 characters; "" for one that may not come in."""
        rows = await self._journal.read(lambda db: _rows(db, _fold(name)))
        return hashlib.sha256(rows[0]["hash"].encode()).hexdigest() if rows and rows[0]["is_on"] else ""

    async def all(self) -> tuple[Account, ...]:
        """Return every account, by name."""
        rows: Rows = await self._journal.read(lambda db: list(db.query("select * from accounts order by name")))
        return tuple(_account(row) for row in rows)

    async def _known(self, name: str) -> Account:
        rows = await self._journal.read(lambda db: _rows(db, _fold(name)))
        if not rows:
            raise AccountRefused("web.account.unknown", name=_fold(name))
        return _account(rows[0])

    async def _store_hash(self, name: str, password: str, must_change: bool) -> None:
        hashed = await self._hashing(lambda: self._hasher.hash(password))
        values = [hashed, int(must_change), name]
        await self._journal.write(
            lambda db: db.execute("update accounts set hash = ?, must_change = ? where name = ?", values).rowcount
        )

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _hashing(self, job: Callable[[], T]) -> T:
        if self._waiting >= HASHES_WAITING:
            raise HashingBusy(Texts()("web.login.busy"))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, job)
        finally:
            self._waiting -= 1


def _fold(name: str) -> str:
    return name.strip().casefold()


def _rows(db: sqlite_utils.Database, name: str) -> Rows:
    return list(db.query("select * from accounts where name = ?", [name]))


def _account(row: dict[str, Any]) -> Account:
    return Account(name=row["name"], role=row["role"], must_change=bool(row["must_change"]))


def _check_password(name: str, password: str) -> None:
    if len(password) < LEAST_PASSWORD_LENGTH:
        raise AccountRefused("web.password.too_short", least=LEAST_PASSWORD_LENGTH)
    if len(password) > LONGEST_PASSWORD_LENGTH:
        raise AccountRefused("web.password.too_long", most=LONGEST_PASSWORD_LENGTH)
    if password.casefold() == name:
        raise AccountRefused("web.password.is_name")
