"""Who is in: sessions by a random token of which the journal holds only the hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta

import sqlite_utils
from sqlite_utils.migrations import Migrations

from ..core.clock import Clock
from ..core.journal import Journal
from ..core.types import Struct
from .accounts import Account, Accounts

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
# A page of cameras asks many times a second: the journal hears of it at most so often.
TOUCH_EVERY = timedelta(minutes=5)
# Another process (``siaga user``) may change an account: what is remembered here is short-lived.
REMEMBER_S = 10.0
REMEMBERED = 1000

migrations = Migrations("web.sessions")


@migrations()
def make_sessions(db: sqlite_utils.Database) -> None:
    """Make the table of sessions."""
    db.table("sessions").create(
        {"hash": str, "account": str, "started_at": str, "seen_at": str, "address": str}, pk="hash"
    )


class Session(Struct):
    """Hold one login: whose it is, and since when."""

    hash: str
    account: Account
    started_at: datetime
    seen_at: datetime


class Sessions:
    """Keep the sessions. ``await Sessions.open(journal, accounts, clock)``."""

    def __init__(self, journal: Journal, accounts: Accounts, clock: Clock) -> None:
        self._journal = journal
        self._accounts = accounts
        self._clock = clock
        self._remembered: OrderedDict[str, tuple[float, Session]] = OrderedDict()

    @classmethod
    async def open(cls, journal: Journal, accounts: Accounts, clock: Clock) -> Sessions:
        """Make the table where it is missing, and forget what has ended. StoreFailed."""
        await journal.migrate(migrations)
        sessions = cls(journal, accounts, clock)
        await sessions._forget_ended()
        return sessions

    async def begin(self, account: Account, address: str) -> str:
        """Start a session; return its token, which is kept nowhere here."""
        await self._forget_ended()
        token, now = new_token(), self._clock.now().isoformat()
        row = {
            "hash": _hash(token),
            "account": account.name,
            "started_at": now,
            "seen_at": now,
            "address": address,
        }
        await self._journal.write(lambda db: bool(db.table("sessions").insert(row)))
        return token

    async def find(self, token: str) -> Session | None:
        """Return the session of a token, and note that it is in use; None when it has ended."""
        hashed = _hash(token)
        remembered = self._remembered.get(hashed)
        if remembered and self._clock.mono_s() < remembered[0] and not self._has_ended(remembered[1]):
            return remembered[1]
        self._remembered.pop(hashed, None)
        rows = await self._journal.read(lambda db: list(db.query("select * from sessions where hash = ?", [hashed])))
        account = await self._accounts.get(rows[0]["account"]) if rows else None
        if account is None:
            return None
        session = Session(
            hash=hashed,
            account=account,
            started_at=datetime.fromisoformat(rows[0]["started_at"]),
            seen_at=datetime.fromisoformat(rows[0]["seen_at"]),
        )
        if self._has_ended(session):
            return None
        if self._clock.now() - session.seen_at > TOUCH_EVERY:
            session = await self._touch(session)
        self._remembered[hashed] = (self._clock.mono_s() + REMEMBER_S, session)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return session

    async def end(self, session: Session) -> None:
        """End one session at once."""
        self._remembered.pop(session.hash, None)
        await self._journal.write(lambda db: db.execute("delete from sessions where hash = ?", [session.hash]).rowcount)

    async def end_all_of(self, name: str) -> None:
        """End every session of an account: its password was changed."""
        self._remembered.clear()
        await self._journal.write(lambda db: db.execute("delete from sessions where account = ?", [name]).rowcount)

    def _has_ended(self, session: Session) -> bool:
        now = self._clock.now()
        return now - session.seen_at > IDLE or now - session.started_at > LONGEST

    async def _touch(self, session: Session) -> Session:
        now = self._clock.now()
        values = [now.isoformat(), session.hash]
        await self._journal.write(
            lambda db: db.execute("update sessions set seen_at = ? where hash = ?", values).rowcount
        )
        return Session(hash=session.hash, account=session.account, started_at=session.started_at, seen_at=now)

    async def _forget_ended(self) -> None:
        now = self._clock.now()
        values = [(now - IDLE).isoformat(), (now - LONGEST).isoformat()]
        await self._journal.write(
            lambda db: db.execute("delete from sessions where seen_at < ? or started_at < ?", values).rowcount
        )


def new_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def csrf_of(token: str) -> str:
    """Return the token that every form of this cookie's holder carries; a stranger cannot make it."""
    return hashlib.sha256(b"siaga csrf " + token.encode()).hexdigest()


def is_csrf_right(token: str, given: str) -> bool:
    """Compare in constant time."""
    # What is given may hold any bytes.
    return hmac.compare_digest(csrf_of(token).encode(), given.encode("utf-8", "surrogateescape"))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
