"""Why a message waits: quiet hours of its person, or too many within a time. Pure but for what was sent before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from ..people_schemas import WEEKDAYS
from ..settings import ContactSettings, QuietHours, RateLimit
from ..types import Priority
from .rows import RANK
from .shifts import day_of


class Hold(NamedTuple):
    """Say what holds a message, and until when."""

    kind: Literal["quiet", "limit"]
    until: datetime


def quiet_until(contact: ContactSettings, priority: Priority, at: datetime, zone: tzinfo) -> datetime | None:
    """Return when the quiet hours that hold a message of this priority end; None when it may be sent now."""
    ends = [_end(window, at, zone) for window in contact.quiet_hours if RANK[priority] < RANK[window.except_from]]
    return max((end for end in ends if end is not None), default=None)


def limited_until(limit: RateLimit, sent: Sequence[datetime], now: datetime) -> datetime | None:
    """Return when there is room again, None when there is; ``sent`` are the times of what was sent, oldest first."""
    window = timedelta(seconds=limit.per_s)
    # What was sent in the future was sent by a wrong clock.
    within = [at for at in sent if now - window < at <= now]
    return within[-limit.count] + window if len(within) >= limit.count else None


def _end(window: QuietHours, at: datetime, zone: tzinfo) -> datetime | None:
    local = at.astimezone(zone)
    day = day_of(window.after, window.before, local)
    if day is None or (window.weekday and WEEKDAYS[day.weekday()] not in window.weekday):
        return None
    last = day if window.after < window.before else day + timedelta(days=1)
    return datetime.combine(last, window.before, tzinfo=zone)
