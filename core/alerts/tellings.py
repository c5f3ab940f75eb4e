"""What the desk keeps of each message to each address, and what it shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from ..notice_states import NoticeRecord
from ..types import Incident, Notice, Struct

# What a message is for: the alert itself, its next step, who answered, the clip, many in one, a word to who replied.
What = Literal["alert", "escalation", "answer", "clip", "summary", "reply"]
TellingState = Literal["held", "due", "put", "summed", "dropped"]
ToldState = Literal["held", "summed", "dropped", "waiting", "sent", "delivered", "read", "failed", "expired"]

_SHOWN: dict[str, ToldState] = {
    "waiting": "waiting", "sending": "waiting", "unsure": "waiting", "accepted": "sent", "sent": "sent",
    "delivered": "delivered", "read": "read", "failed": "failed", "expired": "expired",
}  # fmt: skip


class Telling(Struct):
    """Keep one message that the desk decided on. ``held`` until ``due_at``; ``put`` when it is the outbox's.

    ``reason`` says why it is held, was dropped, or where it was summed up. ``hold`` is what holds it,
    ``summary_key`` the message that tells it among others. ``follows`` the one before it. ``counts`` towards a
    limit. ``held_at`` and ``held_why`` stay when it was let go.
    """

    notice: Notice
    what: What
    state: TellingState
    at: datetime
    due_at: datetime
    contact: str = ""
    name: str = ""
    alert_key: str = ""
    reason: str = ""
    hold: Literal["", "quiet", "limit", "thread"] = ""
    counts: bool = True
    summary_key: str = ""
    follows: str = ""
    held_at: datetime | None = None
    held_why: str = ""


class Told(Struct):
    """Say how one message to one person stands: held back and why, or what became of its notice.

    ``has_answered``: this person acknowledged the incident.
    """

    contact: str
    name: str
    notifier: str
    to: str
    what: What
    state: ToldState
    text: str
    at: datetime
    key: str
    notice_id: str
    reason: str = ""
    due_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    changed_at: datetime | None = None
    held_at: datetime | None = None
    held_why: str = ""
    has_answered: bool = False


def in_words(text: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what fills a message template with other words: as many parameters as the message before it had."""
    return (text, *before[1:])


def told_of(telling: Telling, record: NoticeRecord | None, incident: Incident | None) -> Told:
    """Return what is shown of a message.

    ``record`` is its notice in the outbox, when it is there, or that of the summary which it is in.
    """
    notice = telling.notice
    receipts: Mapping[str, datetime] = record.receipts if record else {}
    is_out = telling.state in ("due", "put")
    state: ToldState = _SHOWN[record.state if record else "waiting"] if is_out else telling.state  # type: ignore[assignment]
    answered = incident is not None and incident.acknowledged_by != "" and incident.acknowledged_by == telling.name
    return Told(
        contact=telling.contact,
        name=telling.name,
        notifier=notice.notifier,
        to=notice.to,
        what=telling.what,
        state=state,
        text=notice.text,
        at=telling.at,
        key=notice.key,
        notice_id=notice.id,
        reason=telling.reason or (record.last_error if record else ""),
        due_at=telling.due_at if telling.state == "held" else None,
        sent_at=receipts.get("sent") or receipts.get("accepted"),
        delivered_at=receipts.get("delivered"),
        read_at=receipts.get("read"),
        changed_at=record.updated_at if record else None,
        held_at=telling.held_at,
        held_why=telling.held_why,
        has_answered=answered,
    )
