"""What happened to one incident, in the order of time: who was told, how, what became of it, who answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from ..types import Incident, Json, Struct
from .rows import Escalating
from .tellings import Told

LineWhat = Literal[
    "opened", "told", "held", "summed", "dropped", "failed", "delivered", "read", "escalated", "unanswered",
    "acknowledged", "closed",
]  # fmt: skip
_ORDER: dict[str, int] = {"opened": 0, "escalated": 1, "closed": 9}


class ReportLine(Struct):
    """Say one thing that happened. ``message`` is what kind of message it was (alert, escalation, answer, clip)."""

    at: datetime
    what: LineWhat
    who: str = ""
    notifier: str = ""
    to: str = ""
    message: str = ""
    text: str = ""
    why: str = ""


def report_on(incident: Incident, told: Sequence[Told], steps: Sequence[Escalating]) -> dict[str, Json]:
    """Return the whole report as JSON can hold it."""
    lines = [*_of_incident(incident), *_of_steps(steps)]
    for one in told:
        lines += _of_message(one)
    lines.sort(key=lambda line: (line.at, _ORDER.get(line.what, 5)))
    report: dict[str, Json] = msgspec.to_builtins({"incident": incident, "lines": lines})
    return report


def _of_incident(incident: Incident) -> Iterator[ReportLine]:
    yield ReportLine(at=incident.opened_at, what="opened", text=incident.title)
    if incident.acknowledged_at is not None:
        who, why = incident.acknowledged_by, incident.acknowledged_via
        yield ReportLine(at=incident.acknowledged_at, what="acknowledged", who=who, why=why)
    if incident.closed_at is not None:
        yield ReportLine(at=incident.closed_at, what="closed", who=incident.closed_by, why=incident.note)


def _of_steps(steps: Sequence[Escalating]) -> Iterator[ReportLine]:
    for step in steps:
        if step.taken_at is not None:
            what: LineWhat = "unanswered" if step.is_last else "escalated"
            yield ReportLine(at=step.taken_at, what=what, text="" if step.is_last else str(step.number + 1))


def _of_message(told: Told) -> Iterator[ReportLine]:
    def line(at: datetime, what: LineWhat, why: str = "") -> ReportLine:
        return ReportLine(
            at=at, what=what, who=told.name, notifier=told.notifier, to=told.to, message=told.what, text=told.text,
            why=why,
        )  # fmt: skip

    if told.held_at is not None:
        yield line(told.held_at, "held", told.held_why)
    if told.state == "held":
        return
    if told.state == "dropped":
        yield line(told.at, "dropped", told.reason)
        return
    if told.state == "summed":
        yield line(told.at, "summed", told.reason)
    else:
        yield line(told.sent_at or told.at, "told", told.reason if told.state == "waiting" else "")
    if told.state in ("failed", "expired"):
        yield line(told.changed_at or told.at, "failed", told.reason)
    if told.delivered_at is not None:
        yield line(told.delivered_at, "delivered")
    if told.read_at is not None:
        yield line(told.read_at, "read")
