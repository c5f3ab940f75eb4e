"""What follows while nobody answers: the next people are told, and in the end that nobody did."""

from __future__ import annotations

import msgspec

from ..types import Alert, Incident
from .deciding import Deciding
from .rows import Escalating
from .steps import steps_of
from .tellings import in_words


def escalate(deciding: Deciding) -> None:
    """Take every step that is due, of an incident that waits for an answer."""
    for step in deciding.rows.due_escalations(deciding.now):
        incident = deciding.rows.incident(step.incident_id)
        counted = deciding.rows.alert(step.alert_key)
        is_open = incident is not None and incident.state == "open"
        deciding.rows.end_escalation(msgspec.structs.replace(step, taken_at=deciding.now if is_open else None))
        if incident is None or counted is None or not is_open:
            continue
        if step.is_last:
            told = list(deciding.told_of(incident.id))
            deciding.add_news("incident.unanswered", incident, step.key, told=told)
        else:
            _take(deciding, step, incident, counted.alert)


def _take(deciding: Deciding, step: Escalating, incident: Incident, alert: Alert) -> None:
    asked = steps_of(alert)[step.number]
    minutes = max(1, round(step.after_s / 60))
    text = asked.text or deciding.texts("alerts.not_answered", minutes=minutes, text=alert.text)
    # Whoever is on duty now, not when the alert was made.
    same = not any(asked.target.values())
    again = msgspec.structs.replace(
        alert,
        key=step.key,
        text=text,
        parameters=in_words(text, alert.parameters),
        target=alert.target if same else asked.target,
        to=alert.to if same else (),
        late_s=0.0,
    )
    outcome = deciding.tell(again, incident, what="escalation", asks_answer=True)
    told = list(dict.fromkeys(deciding.names_of(step.key)))
    deciding.add_news("incident.escalated", incident, step.key, step=step.number + 1, told=told)
    left_out = dict(outcome.left_out)
    if not (outcome.told or outcome.held or left_out):
        left_out["escalate"] = deciding.texts("rules.action.nobody", action="notify")
    for name, why in left_out.items():
        deciding.add_failure(step.key, name, why, alert)
