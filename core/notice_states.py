"""What becomes of a notice: pure decisions on its record, after each try, receipt, crash or end of time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from .errors import SendFailed
from .log import masked
from .tasks import Crash, back_off_s
from .texts import Texts
from .types import Notice, Receipt, Struct, new_id

NoticeState = Literal["waiting", "sending", "unsure", "accepted", "sent", "delivered", "read", "failed", "expired"]
OPEN_STATES = ("waiting", "unsure")
FINISHED_STATES = ("accepted", "sent", "delivered", "read", "failed", "expired")

# Receipts only move a notice up. "failed" stands beside "sent": who had it delivered knows better.
_HEIGHT: dict[NoticeState, int] = {
    "waiting": 0, "sending": 0, "unsure": 0, "expired": 0,
    "accepted": 1, "sent": 2, "failed": 2, "delivered": 3, "read": 4,
}  # fmt: skip


class NoticeRecord(Struct):
    """Keep one notice with all that became of it. ``next_at`` counts while it waits or is unsure.

    ``resends`` counts tries that may have doubled the message. ``tell`` is the id of the event
    ``notice.failed`` that is still to be told.
    """

    notice: Notice
    state: NoticeState
    next_at: datetime
    updated_at: datetime
    attempts: int = 0
    resends: int = 0
    crashes: int = 0
    receipts: dict[str, datetime] = {}
    provider_id: str | None = None
    last_error: str = ""
    is_asked: bool = False
    tell: str | None = None


class OutboxTimes(Struct):
    """Bound the outbox: how many sends at once for one notifier, and each of its waits."""

    sends_at_once: int = 4
    send_limit_s: float = 60.0
    confirm_wait_s: float = 60.0
    shortest_wait_s: float = 5.0
    longest_wait_s: float = 300.0
    ask_wait_s: float = 300.0
    # A far side may ask for an hour (Retry-After), to which a tenth is added.
    longest_asked_s: float = 4_000.0
    crashes: int = 5
    late_from_s: float = 120.0


class Manners(Struct):
    """Say what a notifier does about a lost answer: wait for a receipt where it can, else resend or hold."""

    can_confirm: bool = False
    on_unsure: Literal["resend", "hold"] = "resend"


class NoticeRules:
    """Decide the next state of a record; no clock, no disk."""

    def __init__(self, texts: Texts | None = None, times: OutboxTimes | None = None) -> None:
        self.times = times or OutboxTimes()
        self._texts = texts or Texts()

    def begun(self, record: NoticeRecord, now: datetime, manners: Manners) -> NoticeRecord:
        """Return the record as it is while it is sent; an unsure one of a ``hold`` notifier is failed."""
        is_again = record.state == "unsure"
        if is_again and not manners.can_confirm and manners.on_unsure == "hold":
            return self._held(record, record.last_error, now)
        return _change(
            record, now, state="sending", attempts=record.attempts + 1, resends=record.resends + int(is_again)
        )

    def tried(self, record: NoticeRecord, outcome: Receipt | Crash, now: datetime, manners: Manners) -> NoticeRecord:
        """Return the record after a try. A receipt that overtook the answer stands."""
        if isinstance(outcome, Receipt):
            return self._answered(record, outcome, now)
        if record.state != "sending":
            return record
        if isinstance(outcome.error, SendFailed):
            return self._refused(record, outcome.error, now, manners)
        if isinstance(outcome.error, TimeoutError):
            seconds = int(self.times.send_limit_s)
            why = self._texts("outbox.no_answer", notifier=record.notice.notifier, seconds=seconds)
            return self._unsure(record, why, now, manners)
        return self._crashed(record, masked(str(outcome)), now, manners)

    def cut_off(self, record: NoticeRecord, now: datetime, manners: Manners | None) -> NoticeRecord:
        """Return a record that was being sent when the hub died. ``manners`` None: its notifier is off."""
        return self._unsure(record, self._texts("outbox.cut_off"), now, manners or Manners(can_confirm=True))

    def received(self, record: NoticeRecord, receipt: Receipt, now: datetime, may_retry: bool = False) -> NoticeRecord:
        """Return the record after a later receipt; the same record where it says nothing new.

        ``may_retry``: the far side failed after accepting, for a reason that may pass. The next
        message has another id, so a repeat of this receipt changes nothing.
        """
        if receipt.state == "failed":
            is_other = None not in (receipt.provider_id, record.provider_id) and (
                receipt.provider_id != record.provider_id
            )
            if is_other or record.state not in {"sending", "unsure", "accepted", "sent"}:
                return record
            if (
                record.state in {"sending", "unsure"}
                and "failed" in record.receipts
                and receipt.provider_id == record.provider_id
            ):
                return record  # the word that made us send again, repeated
            noted, why = _noted(record, receipt), self._reason("outbox.refused", receipt.detail)
            return (
                self._again(noted, why, now, self._back_off_s(record)) if may_retry else self._failed(noted, why, now)
            )
        noted = _noted(record, receipt)
        if _HEIGHT[receipt.state] > _HEIGHT[record.state]:
            return _change(noted, now, state=receipt.state, last_error="", tell=None)
        return noted

    def expired(self, record: NoticeRecord, now: datetime) -> NoticeRecord:
        """Return the record of a notice that is of no use any more."""
        why = self._reason("outbox.expired", record.last_error)
        return _change(record, now, state="expired", last_error=why, tell=new_id())

    def with_delay(self, notice: Notice, now: datetime) -> Notice:
        """Return the notice as it is sent now: what tells of a thing long past says how late it is."""
        late_s = (now - notice.since).total_seconds() if notice.since is not None else 0.0
        if late_s < self.times.late_from_s:
            return notice
        text = self._texts("outbox.late", text=notice.text, minutes=round(late_s / 60))
        parameters = (text,) if notice.parameters == (notice.text,) else notice.parameters
        return msgspec.structs.replace(notice, text=text, parameters=parameters)

    def clock_set(self, record: NoticeRecord, step_s: float, before: datetime, now: datetime) -> NoticeRecord:
        """Return the record after the wall clock was set: what it waits for, and its end, are as far ahead as before.

        ``before`` is the wall clock's time shortly before. A notice put since then knows the right time already.
        """
        step = timedelta(seconds=step_s)
        is_older = record.notice.created_at < before + step / 2 if step_s > 0 else record.notice.created_at > now
        notice, next_at = record.notice, record.next_at
        if is_older:
            created_at, expires_at = notice.created_at + step, notice.expires_at + step
            since = notice.since + step if notice.since is not None else None
            notice = msgspec.structs.replace(notice, created_at=created_at, expires_at=expires_at, since=since)
        if is_older or record.updated_at > now:
            next_at += step
        return self.due_soon(msgspec.structs.replace(record, notice=notice, next_at=next_at), now)

    def due_soon(self, record: NoticeRecord, now: datetime) -> NoticeRecord:
        """Return the record; one that waits longer than anybody asks for was told by a wrong clock, and is due."""
        if record.next_at - now <= timedelta(seconds=self.times.longest_asked_s):
            return record
        return msgspec.structs.replace(record, next_at=now)

    def without_notifier(self, record: NoticeRecord, now: datetime) -> NoticeRecord:
        """Return the record with the reason why nothing happens; an older reason is kept."""
        if record.last_error:
            return record
        return _change(record, now, last_error=self._texts("outbox.no_notifier", notifier=record.notice.notifier))

    def _answered(self, record: NoticeRecord, receipt: Receipt, now: datetime) -> NoticeRecord:
        if receipt.state == "failed":
            return self.received(record, receipt, now)
        # A word on the message before this one may have ended the notice; this try began a new one.
        is_newer = record.state == "failed" and receipt.provider_id not in (None, record.provider_id)
        noted = _change(_noted(record, receipt), now, provider_id=receipt.provider_id or record.provider_id)
        if is_newer or _HEIGHT[receipt.state] > _HEIGHT[record.state]:
            return _change(noted, now, state=receipt.state, last_error="", tell=None, crashes=0)
        return noted

    def _refused(self, record: NoticeRecord, err: SendFailed, now: datetime, manners: Manners) -> NoticeRecord:
        why = masked(str(err))
        if err.verdict == "give_up":
            return self._failed(record, why, now)
        if err.verdict == "unsure":
            return self._unsure(record, why, now, manners)
        if err.verdict == "ask_operator":
            wait_s = err.wait_s or self.times.ask_wait_s
            tell = record.tell if record.is_asked else new_id()
            return self._again(record, why, now, wait_s * random.uniform(1.0, 1.1), is_asked=True, tell=tell)
        # What the far side asked for, and a little more, so that those it put off do not return as one.
        wait_s = err.wait_s * random.uniform(1.0, 1.1) if err.wait_s is not None else self._back_off_s(record)
        return self._again(record, why, now, wait_s)

    def _crashed(self, record: NoticeRecord, why: str, now: datetime, manners: Manners) -> NoticeRecord:
        crashes = record.crashes + 1
        notifier = record.notice.notifier
        counted = _change(record, now, crashes=crashes)
        if crashes >= self.times.crashes:
            words = self._texts("outbox.crashed_often", notifier=notifier, count=crashes, why=why)
            return self._failed(counted, words, now)
        return self._unsure(counted, self._texts("outbox.crashed", notifier=notifier, why=why), now, manners)

    def _unsure(self, record: NoticeRecord, why: str, now: datetime, manners: Manners) -> NoticeRecord:
        if manners.can_confirm:
            return self._again(record, why, now, self.times.confirm_wait_s, state="unsure")
        if manners.on_unsure == "hold":
            return self._held(record, why, now)
        return self._again(record, why, now, self._back_off_s(record), state="unsure")

    def _held(self, record: NoticeRecord, why: str, now: datetime) -> NoticeRecord:
        return self._failed(record, self._texts("outbox.held", why=why, to=record.notice.to), now)

    def _failed(self, record: NoticeRecord, why: str, now: datetime) -> NoticeRecord:
        return _change(record, now, state="failed", last_error=why, tell=new_id())

    def _again(self, record: NoticeRecord, why: str, now: datetime, wait_s: float, **more: object) -> NoticeRecord:
        next_at = now + timedelta(seconds=wait_s)
        return _change(record, now, **{"state": "waiting", "last_error": why, "next_at": next_at, **more})

    def _back_off_s(self, record: NoticeRecord) -> float:
        return back_off_s(max(1, record.attempts), self.times.shortest_wait_s, self.times.longest_wait_s)

    def _reason(self, key: str, why: str) -> str:
        return self._texts(key, why=f": {masked(why)}" if why else "")


def _change(record: NoticeRecord, now: datetime, **changes: object) -> NoticeRecord:
    return msgspec.structs.replace(record, updated_at=now, **changes)


def _noted(record: NoticeRecord, receipt: Receipt) -> NoticeRecord:
    if receipt.state in record.receipts:
        return record
    return msgspec.structs.replace(
        record,
        receipts={**record.receipts, receipt.state: receipt.at},
        provider_id=record.provider_id or receipt.provider_id,
    )
