"""The desk's decisions, each made inside one job of the journal: all of it is kept, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from uuid import NAMESPACE_URL, uuid5

import msgspec

from ..errors import ActionFailed
from ..settings import Address
from ..texts import Texts
from ..types import Alert, AlertOutcome, Event, Incident, Json, Notice, new_id
from .holds import Hold, limited_until, quiet_until
from .matters import counted, opened, verdict_on
from .people import People, Recipient
from .rows import RANK, Rows
from .steps import planned
from .tellings import Telling, What, in_words

# What tells of an answer is of no use to somebody who sees it a day later.
ANSWER_EXPIRES_S = 3_600.0
QUIET_FOR_S = 86_400.0


class Deciding:
    """Hold one job: its tables, the time it was asked for, and what people of this site are."""

    def __init__(
        self,
        rows: Rows,
        *,
        site: str,
        people: People,
        texts: Texts,
        zone: tzinfo,
        now: datetime,
        carries: Callable[[str], frozenset[str]],
    ) -> None:
        self.rows = rows
        self.site = site
        self.people = people
        self.texts = texts
        self.zone = zone
        self.now = now
        self.carries = carries

    # --- alerts ---------------------------------------------------------------------------------

    def alert(self, alert: Alert) -> tuple[AlertOutcome, bool]:
        """Count an alert, open or renew its incident, and make its messages; return what came of it.

        False beside it: the same key was there already, and nothing was changed.
        """
        known = self.rows.alert(alert.key)
        if known is not None:
            return known.outcome, False
        incident, verdict = self._matter(alert)
        if verdict == "group":
            outcome = AlertOutcome(incident_id=incident.id if incident else None, is_grouped=True)
        else:
            asks_answer = verdict in ("open", "tell")
            outcome = self.tell(alert, incident, what="alert", asks_answer=asks_answer)
            if incident is not None and asks_answer:
                self._begin_escalation(alert, incident)
        self.rows.add_alert(alert, outcome, self.now)
        return outcome, True

    def open(self, alert: Alert) -> Incident:
        """Open an incident, or count one more event of an open one; nobody is told."""
        known = self.rows.alert(alert.key)
        found = self.rows.incident((known.outcome.incident_id if known else None) or alert.incident)
        if known is not None and found is not None:
            return found
        incident, _ = self._matter(alert)
        if incident is None:
            raise ActionFailed(self.texts("alerts.no_incident", name=alert.incident))
        self.rows.add_alert(alert, AlertOutcome(incident_id=incident.id, is_grouped=True), self.now)
        return incident

    def _matter(self, alert: Alert) -> tuple[Incident | None, str]:
        """Return the incident of an alert after this event, and what to do about it."""
        if not alert.incident:
            return None, "tell_only"
        found = self.rows.incident(alert.incident)
        told = self.rows.last_told(found.id, alert) if found else None
        if alert.event is not None and alert.event.kind.startswith("incident."):
            # What is told of an incident belongs to it and begins no other, or a rule would feed itself for ever.
            return found, "tell_only"
        is_same_run = found is not None and self.rows.has_told_in_run(found.id, alert.run_id)
        verdict = verdict_on(found, alert, self.now, told=told, is_same_run=is_same_run)
        event_id = alert.event.id if alert.event else alert.key
        if found is None or verdict in ("open", "renew"):
            if found is not None and verdict == "renew":
                self._closed(found, self.texts("alerts.the_hub"), self.texts("alerts.renewed"))
            incident = opened(alert, self.site, self.now)
            self.rows.keep_incident(incident, event_id)
            self.add_news("incident.opened", incident)
            return incident, "open"
        incident = counted(found, alert, self.now, not self.rows.has_counted(found.id, event_id))
        self.rows.keep_incident(incident, event_id)
        return incident, verdict

    def _begin_escalation(self, alert: Alert, incident: Incident) -> None:
        # One that goes on already is not begun again.
        if alert.escalate and not self.rows.is_escalating(incident.id, alert):
            self.rows.add_escalations(planned(alert, incident, self.now))

    def tell(self, alert: Alert, incident: Incident | None, *, what: What, asks_answer: bool) -> AlertOutcome:
        """Make the messages of an alert: now, or when quiet hours and limits let them go."""
        recipients, left_out = self.people.find(alert.target, alert.notifier, alert.to, self.now)
        told: list[str] = []
        held: dict[str, str] = {}
        for recipient in recipients:
            notice = self.notice(alert, recipient.address, incident, asks_answer=asks_answer)
            telling = self.add(notice, what, recipient, alert.key, self._hold(recipient, alert))
            if telling.state == "held":
                held[recipient.name] = telling.reason
            else:
                told.append(f"{notice.notifier}:{notice.to}")
        incident_id = incident.id if incident else None
        return AlertOutcome(told=tuple(told), held=held, left_out=left_out, incident_id=incident_id)

    def _hold(self, recipient: Recipient, alert: Alert) -> Hold | None:
        contact = recipient.contact
        if contact is None:
            return None
        until = quiet_until(contact, alert.priority, self.now, self.zone)
        if until is not None:
            return Hold("quiet", until)
        if contact.limit is None:
            return None
        # An urgent message is held up by urgent ones alone: a storm of others must not stand in its way.
        least_rank = RANK[alert.priority] if alert.priority == "high" else 0
        since = self.now - timedelta(seconds=contact.limit.per_s)
        sent = self.rows.sent_since(recipient.address, since, least_rank)
        until = limited_until(contact.limit, sent, self.now)
        return Hold("limit", until) if until is not None else None

    def notice(self, alert: Alert, address: Address, incident: Incident | None, *, asks_answer: bool) -> Notice:
        """Return the message of an alert to one address."""
        event = alert.event
        return Notice(
            id=new_id(),
            key=f"{alert.key}:{address.notifier}/{address.to}",
            notifier=address.notifier,
            to=address.to,
            text=alert.text,
            created_at=self.now,
            expires_at=self.now + timedelta(seconds=alert.expires_s),
            image=alert.image,
            clip=None if "clip" in self.carries(address.notifier) else alert.clip,
            priority=alert.priority,
            parameters=alert.parameters or (alert.text,),
            event_id=event.id if event else None,
            run_id=alert.run_id or None,
            incident_id=incident.id if incident else None,
            asks_answer=asks_answer and incident is not None,
            since=self.now - timedelta(seconds=alert.late_s),
        )

    def add(
        self, notice: Notice, what: What, recipient: Recipient, alert_key: str = "", hold: Hold | None = None
    ) -> Telling:
        """Keep a message to one address, or keep it back; return it."""
        why = self.texts(f"alerts.held_{hold.kind}", time=self.clock_time(hold.until)) if hold else ""
        telling = Telling(
            notice=notice,
            what=what,
            state="held" if hold else "due",
            at=self.now,
            due_at=hold.until if hold else self.now,
            contact=recipient.id,
            name=recipient.name,
            alert_key=alert_key,
            reason=why,
            held_at=self.now if hold else None,
            held_why=why,
            hold=hold.kind if hold else "",
            counts=what in ("alert", "escalation", "summary"),
        )
        self.rows.add_telling(telling)
        return telling

    def told_of(self, incident_id: str) -> dict[str, None]:
        """Return the names of everybody who was told of an incident, by itself or in a summary."""
        where = "incident = ? and what in ('alert', 'escalation') and state in ('due', 'put', 'summed')"
        return dict.fromkeys(telling.name for telling in self.rows.tellings(where, incident_id))

    def names_of(self, alert_key: str) -> Iterator[str]:
        """Return the names of those to whom the messages of one alert go."""
        return (telling.name for telling in self.rows.tellings("alert = ? and state <> 'dropped'", alert_key))

    # --- answers --------------------------------------------------------------------------------

    def acknowledge(self, id_or_key: str, who: str, via: str, answered_from: Address | None = None) -> Incident:
        """Note who takes care, stop what was still to be told, tell all who were told. ActionFailed."""
        found = self.rows.incident(id_or_key)
        if found is None:
            raise ActionFailed(self.texts("alerts.no_incident", name=id_or_key))
        if found.state != "open":
            raise ActionFailed(self.why_taken(found))
        incident = msgspec.structs.replace(
            found, state="acknowledged", acknowledged_by=who, acknowledged_via=via, acknowledged_at=self.now
        )
        self.rows.keep_incident(incident)
        self._stop(incident, self.texts("alerts.dropped_answered", who=who))
        told = self._tell_answer(incident, answered_from)
        self.add_news("incident.acknowledged", incident, by=who, via=via, told=told)
        return incident

    def close(self, id_or_key: str, who: str, note: str) -> Incident:
        """Close an incident that is open or acknowledged. ActionFailed."""
        found = self.rows.incident(id_or_key)
        if found is None:
            raise ActionFailed(self.texts("alerts.no_incident", name=id_or_key))
        if found.state == "closed":
            raise ActionFailed(self.why_taken(found))
        return self._closed(found, who, note)

    def close_quiet(self, limit: int) -> None:
        """Close what somebody answered and of which nothing was seen for a day: nobody comes back to say so."""
        for incident in self.rows.over(self.now - timedelta(seconds=QUIET_FOR_S), limit):
            self._closed(incident, self.texts("alerts.the_hub"), self.texts("alerts.quiet_since"))

    def why_taken(self, incident: Incident) -> str:
        """Return who answered or closed an incident, and when."""
        if incident.state == "closed":
            at, who = incident.closed_at, incident.closed_by
            return self.texts("alerts.closed_already", title=incident.title, who=who, time=self.clock_time(at))
        at, who = incident.acknowledged_at, incident.acknowledged_by
        return self.texts("alerts.taken_already", title=incident.title, who=who, time=self.clock_time(at))

    def clock_time(self, at: datetime | None) -> str:
        """Return a time of day as people here read it."""
        return (at or self.now).astimezone(self.zone).strftime("%H.%M")

    def _closed(self, found: Incident, who: str, note: str) -> Incident:
        incident = msgspec.structs.replace(found, state="closed", closed_by=who, closed_at=self.now, note=note)
        self.rows.keep_incident(incident)
        self._stop(incident, self.texts("alerts.dropped_closed", who=who))
        self.add_news("incident.closed", incident, by=who, note=note)
        return incident

    def _stop(self, incident: Incident, why: str) -> None:
        """Take no further step for an incident, and drop what was held back of it."""
        self.rows.cancel_escalations(incident.id)
        held = self.rows.tellings("incident = ? and state = 'held' and hold in ('quiet', 'limit')", incident.id)
        self.rows.keep_tellings(
            [msgspec.structs.replace(one, state="dropped", reason=why, at=self.now) for one in held]
        )

    def _tell_answer(self, incident: Incident, answered_from: Address | None) -> list[str]:
        """Tell everybody who was told of an incident who answered; return their names."""
        where = "incident = ? and what in ('alert', 'escalation') and state in ('due', 'put', 'summed')"
        addresses = {(t.notice.notifier, t.notice.to): t for t in self.rows.tellings(where, incident.id)}
        names: dict[str, None] = {}
        time = self.clock_time(incident.acknowledged_at)
        text = self.texts("alerts.taken", who=incident.acknowledged_by, title=incident.title, time=time)
        for (notifier, to), telling in addresses.items():
            address = Address(notifier=notifier, to=to)
            if address == answered_from:
                continue
            notice = Notice(
                id=new_id(),
                key=f"{incident.id}:answer:{notifier}/{to}",
                notifier=notifier,
                to=to,
                text=text,
                parameters=in_words(text, telling.notice.parameters),
                created_at=self.now,
                expires_at=self.now + timedelta(seconds=ANSWER_EXPIRES_S),
                priority=incident.priority,
                incident_id=incident.id,
                event_id=incident.event_id,
                since=self.now,
            )
            self.add(notice, "answer", self.people.at_address(address), telling.alert_key)
            names[telling.name] = None
        return list(names)

    # --- what the journal is told ---------------------------------------------------------------

    def add_news(self, kind: str, incident: Incident, turn: str = "", **more: Json) -> None:
        """Keep an event about an incident; its id follows from what happened, so that it is told once."""
        event = Event(
            id=str(uuid5(NAMESPACE_URL, f"siaga:{incident.id}:{kind}:{turn}")),
            site=self.site,
            kind=kind,
            at=self.now,
            camera=incident.camera,
            zone=incident.zone,
            snapshot=incident.snapshot,
            data={
                "incident": incident.id,
                "key": incident.key,
                "title": incident.title,
                "state": incident.state,
                "priority": incident.priority,
                "rule": incident.rule_id,
                "event": incident.event_id,
                "events": incident.events,
                **more,
            },
        )
        self.rows.add_news(event)

    def add_failure(self, key: str, whom: str, why: str, alert: Alert) -> None:
        """Keep an event ``notice.failed`` about somebody who cannot be reached at all."""
        if alert.event is not None and alert.event.kind == "notice.failed":
            return  # it would tell of itself for ever
        event = Event(
            id=str(uuid5(NAMESPACE_URL, f"siaga:{key}:{whom}")),
            site=self.site,
            kind="notice.failed",
            at=self.now,
            data={
                "notice": "",
                "notifier": alert.notifier or "",
                "to": whom,
                "state": "failed",
                "reason": self.texts("rules.action.unreached", rule=alert.rule_id, why=why),
                "attempts": 0,
                "is_final": True,
                "event": alert.event.id if alert.event else None,
            },
        )
        self.rows.add_news(event)
