"""How long a run stood still: the hub was away, the disk was full. What the rule itself waits for is no delay."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ..core.types import TraceStep

# An action ends within 30 s, one that insists within a minute; a longer gap was none of theirs.
LONGEST_STEP_S = 60.0


def stood_still_s(started_at: datetime, steps: Collection[TraceStep], now: datetime) -> float:
    """Return the seconds in which a run should have gone on and did not; ``steps`` are those that ended or wait."""
    still_s, last = 0.0, started_at
    for step in sorted(steps, key=lambda step: step.at):
        if step.outcome == "waiting":
            continue
        still_s += _gap_s(last, step.at, step.values.get("until"))
        last = max(last, step.at)
    waited_for = max((_until(step) for step in _waiting(steps)), default=last)
    return still_s + _gap_s(max(last, waited_for), now, None)


def _waiting(steps: Collection[TraceStep]) -> Collection[TraceStep]:
    """Return the steps that wait, those of other branches too."""
    return [step for step in steps if step.outcome == "waiting" and step.values.get("until")]


def _gap_s(last: datetime, at: datetime, until: str | None) -> float:
    due = max(last, datetime.fromisoformat(until)) if until else last
    gap_s = (at - due).total_seconds()
    return gap_s if gap_s > LONGEST_STEP_S else 0.0


def _until(step: TraceStep) -> datetime:
    return datetime.fromisoformat(step.values["until"])
