"""What was held back is told when its time comes: one by itself, several as one summary, what was answered never."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from ..types import Notice, new_id
from .deciding import Deciding
from .holds import quiet_until
from .rows import RANK
from .tellings import Telling, in_words

# A summary is read on a small screen; what is more is a number.
LINES = 10
SUMMARY_EXPIRES_S = 3_600.0


def release(deciding: Deciding) -> None:
    """Tell what is due of what quiet hours and limits held back."""
    due = deciding.rows.tellings(
        "state = 'held' and hold in ('quiet', 'limit') and due_at <= ?", deciding.rows.stamp(deciding.now)
    )
    groups = dict.fromkeys((t.notice.notifier, t.notice.to, t.hold) for t in due)
    for notifier, to, hold in groups:
        of_one = "state = 'held' and notifier = ? and address = ? and hold = ?"
        held = deciding.rows.tellings(f"{of_one} order by rank desc, number", notifier, to, hold)
        if hold == "quiet":
            held = [telling for telling in held if telling.due_at <= deciding.now]
        ready = [telling for telling in held if not _is_over(deciding, telling) and not _is_quiet(deciding, telling)]
        if len(ready) == 1:
            _tell_one(deciding, ready[0])
        elif ready:
            _sum_up(deciding, ready)


def _is_over(deciding: Deciding, telling: Telling) -> bool:
    """Drop what somebody answered meanwhile, and say so."""
    incident = deciding.rows.incident(telling.notice.incident_id) if telling.notice.incident_id else None
    if incident is None or incident.state == "open":
        return False
    key = "alerts.dropped_closed" if incident.state == "closed" else "alerts.dropped_answered"
    why = deciding.texts(key, who=incident.closed_by or incident.acknowledged_by)
    deciding.rows.keep_tellings([msgspec.structs.replace(telling, state="dropped", reason=why, at=deciding.now)])
    return True


def _is_quiet(deciding: Deciding, telling: Telling) -> bool:
    """Hold on where other quiet hours have begun meanwhile."""
    contact = deciding.people.contact(telling.contact)
    if contact is None:
        return False
    until = quiet_until(contact, telling.notice.priority, deciding.now, deciding.zone)
    if until is None:
        return False
    why = deciding.texts("alerts.held_quiet", time=deciding.clock_time(until))
    deciding.rows.keep_tellings([msgspec.structs.replace(telling, hold="quiet", due_at=until, reason=why)])
    return True


def _tell_one(deciding: Deciding, telling: Telling) -> None:
    notice, now = telling.notice, deciding.now
    life = notice.expires_at - notice.created_at
    sent = msgspec.structs.replace(notice, created_at=now, expires_at=now + life)
    deciding.rows.keep_tellings(
        [msgspec.structs.replace(telling, notice=sent, state="due", at=now, hold="", reason="")]
    )


def _sum_up(deciding: Deciding, held: list[Telling]) -> None:
    first, now = held[0].notice, deciding.now
    began = min(telling.at for telling in held)
    key = "alerts.summary_quiet" if held[0].hold == "quiet" else "alerts.summary_limit"
    minutes = max(1, round((now - began).total_seconds() / 60))
    head = deciding.texts(key, count=len(held), minutes=minutes, since=deciding.clock_time(began))
    text = "\n".join([head, *_lines(deciding, held)])
    incidents = dict.fromkeys(telling.notice.incident_id for telling in held)
    summary = Notice(
        id=new_id(),
        key=f"summary:{new_id()}:{first.notifier}/{first.to}",
        notifier=first.notifier,
        to=first.to,
        text=text,
        parameters=in_words(text, first.parameters),
        created_at=now,
        expires_at=now + timedelta(seconds=SUMMARY_EXPIRES_S),
        image=first.image,
        priority=first.priority,
        # A button can answer one incident; several are answered by a word, the newest first.
        incident_id=first.incident_id if len(incidents) == 1 else None,
        asks_answer=len(incidents) == 1 and first.asks_answer,
    )
    recipient = deciding.people.at_address_of(held[0].contact, first.notifier, first.to)
    deciding.add(summary, "summary", recipient, held[0].alert_key)
    why = deciding.texts("alerts.summed_up", time=deciding.clock_time(now))
    deciding.rows.keep_tellings(
        [
            msgspec.structs.replace(telling, state="summed", reason=why, summary_key=summary.key, hold="")
            for telling in held
        ]
    )


def _lines(deciding: Deciding, held: Iterable[Telling]) -> list[str]:
    """Return a line for each matter, the urgent first, with how often and when it was seen last."""
    matters: dict[str, list[Telling]] = {}
    for telling in held:
        matters.setdefault(telling.notice.incident_id or telling.notice.text, []).append(telling)
    lines = []
    for found in matters.values():
        incident = deciding.rows.incident(found[0].notice.incident_id or "")
        title = incident.title if incident else found[0].notice.text.partition("\n")[0]
        last = max(telling.at for telling in found)
        mark = "! " if any(RANK[telling.notice.priority] == RANK["high"] for telling in found) else ""
        time, count = deciding.clock_time(last), len(found)
        lines.append(deciding.texts("alerts.summary_line", mark=mark, title=title, count=count, time=time))
    more = len(lines) - LINES
    return lines if more <= 0 else [*lines[:LINES], deciding.texts("alerts.summary_more", count=more)]
