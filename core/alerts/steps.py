"""The steps of an escalation and their times. No clock, no disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..types import Alert, Escalation, Incident
from .rows import Escalating


def steps_of(alert: Alert) -> tuple[Escalation, ...]:
    """Return the steps of an alert in their order of time."""
    return tuple(sorted(alert.escalate, key=lambda step: step.after_s))


def planned(alert: Alert, incident: Incident, now: datetime) -> Iterator[Escalating]:
    """Return each step with its time, and behind them the moment at which it is told that nobody answered."""
    steps = steps_of(alert)
    times = [step.after_s for step in steps]
    # The last people get as long as those before them.
    times.append(times[-1] + times[-1] - (times[-2] if len(times) > 1 else 0.0))
    for number, after_s in enumerate(times):
        yield Escalating(
            key=f"{alert.key}:e{number}",
            incident_id=incident.id,
            alert_key=alert.key,
            number=number,
            due_at=now + timedelta(seconds=after_s),
            after_s=after_s,
            is_last=number == len(steps),
        )
