"""What an alert means for its incident: a new one, one more event to it, worth telling or not. No clock, no disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from ..types import Alert, Incident, new_id
from .rows import RANK

# Somebody answered and is there: what goes on he sees himself. What begins after so long a rest is another matter.
ANSWERED_FOR_S = 900.0

Verdict = Literal["open", "tell", "tell_only", "group", "renew"]


def verdict_on(
    incident: Incident | None,
    alert: Alert,
    now: datetime,
    *,
    told: tuple[datetime, int] | None,
    is_same_run: bool = False,
) -> Verdict:
    """Return what to do: ``open`` a first incident, ``tell`` of one that waits for an answer, ``group`` in silence.

    ``tell_only`` tells more people of one that is answered; ``renew`` closes an answered one that is over and
    begins another. ``told`` is when the same step told of it last, and how urgently; ``is_same_run``: other steps of
    this run told of it before.
    """
    if incident is None or incident.state == "closed":
        return "open"
    rank = RANK[alert.priority]
    if incident.state == "open":
        is_silent = told is not None and rank <= told[1] and _is_within(told[0], alert.group_s, now)
        return "group" if is_silent else "tell"
    window_s = max(alert.group_s, ANSWERED_FOR_S)
    if rank > RANK[incident.priority] or not _is_within(incident.last_at, window_s, now):
        return "renew"
    if told is None:
        # A step that escalates wants an answer of its own, unless its run was answered already.
        return "renew" if alert.escalate and not is_same_run else "tell_only"
    return "group" if alert.group_s else "renew"


def opened(alert: Alert, site: str, now: datetime) -> Incident:
    """Return a new incident."""
    event = alert.event
    return Incident(
        id=new_id(),
        key=alert.incident,
        site=site,
        title=alert.title or alert.text.partition("\n")[0][:200],
        state="open",
        opened_at=now,
        last_at=now,
        priority=alert.priority,
        camera=event.camera if event else None,
        zone=event.zone if event else None,
        rule_id=alert.rule_id,
        event_id=event.id if event else None,
        snapshot=alert.image,
    )


def counted(incident: Incident, alert: Alert, now: datetime, is_new_event: bool) -> Incident:
    """Return an incident after one more alert of it."""
    is_higher = RANK[alert.priority] > RANK[incident.priority]
    return msgspec.structs.replace(
        incident,
        last_at=now,
        events=incident.events + int(is_new_event),
        priority=alert.priority if is_higher else incident.priority,
        snapshot=incident.snapshot or alert.image,
    )


def _is_within(begin: datetime, seconds: float, now: datetime) -> bool:
    # A time in the future was told by a wrong clock: it silences nobody.
    return timedelta() <= now - begin < timedelta(seconds=seconds)
