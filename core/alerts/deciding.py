"""The desk's decisions, each made inside one job of the journal: all of it is kept, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from uuid import NAMESPACE_URL, uuid5

import msgspec
from sqlite_utils import Database

from ..errors import ActionFailed
from ..settings import Address
from ..texts import Texts
from ..types import Alert, AlertOutcome, Event, Incident, Json, Notice, new_id
from .matters import counted, opened, verdict_on
from .people import People, Recipient
from .rows import Rows
from .tellings import Telling, What

# What tells of an answer is of no use to somebody who sees it a day later.
ANSWER_EXPIRES_S = 3_600.0


class Deciding:
    """Hold one job: its tables, the time it was asked for, and what people of this site are."""

    def __init__(self, db: Database, *, site: str, people: People, texts: Texts, zone: tzinfo, now: datetime) -> None:
        self.rows = Rows(db)
        self.site = site
        self.people = people
        self.texts = texts
        self.now = now
        self._zone = zone

    # --- alerts ---------------------------------------------------------------------------------

    def alert(self, alert: Alert) -> AlertOutcome:
        """Count an alert, open or renew its incident, and make its messages; the same key again changes nothing."""
        known = self.rows.alert(alert.key)
        if known is not None:
            return known.outcome
        incident, verdict = self._matter(alert)
        if verdict == "group":
            outcome = AlertOutcome(incident_id=incident.id if incident else None, is_grouped=True)
        else:
            outcome = self._tell(alert, incident, asks_answer=verdict in ("open", "tell"))
        self.rows.add_alert(alert, outcome, self.now)
        return outcome

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
        verdict = verdict_on(found, alert, told, self.now)
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

    def _tell(self, alert: Alert, incident: Incident | None, *, asks_answer: bool) -> AlertOutcome:
        recipients, left_out = self.people.find(alert.target, alert.notifier, alert.to, self.now)
        told: list[str] = []
        for recipient in recipients:
            notice = self.notice(alert, recipient.address, incident, asks_answer=asks_answer)
            self.add(notice, "alert", recipient, alert.key)
            told.append(f"{notice.notifier}:{notice.to}")
        return AlertOutcome(told=tuple(told), left_out=left_out, incident_id=incident.id if incident else None)

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
            clip=alert.clip,
            priority=alert.priority,
            parameters=alert.parameters or (alert.text,),
            event_id=event.id if event else None,
            run_id=alert.run_id or None,
            incident_id=incident.id if incident else None,
            asks_answer=asks_answer and incident is not None,
            since=event.at if event else None,
        )

    def add(self, notice: Notice, what: What, recipient: Recipient, alert_key: str = "") -> Telling:
        """Keep a message to one address; return it."""
        telling = Telling(
            notice=notice,
            what=what,
            state="due",
            at=self.now,
            due_at=self.now,
            contact=recipient.id,
            name=recipient.name,
            alert_key=alert_key,
        )
        self.rows.add_telling(telling)
        return telling

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

    def why_taken(self, incident: Incident) -> str:
        """Return who answered or closed an incident, and when."""
        if incident.state == "closed":
            at, who = incident.closed_at, incident.closed_by
            return self.texts("alerts.closed_already", title=incident.title, who=who, time=self.clock_time(at))
        at, who = incident.acknowledged_at, incident.acknowledged_by
        return self.texts("alerts.taken_already", title=incident.title, who=who, time=self.clock_time(at))

    def clock_time(self, at: datetime | None) -> str:
        """Return a time of day as people here read it."""
        return (at or self.now).astimezone(self._zone).strftime("%H.%M")

    def _closed(self, found: Incident, who: str, note: str) -> Incident:
        incident = msgspec.structs.replace(found, state="closed", closed_by=who, closed_at=self.now, note=note)
        self.rows.keep_incident(incident)
        self._stop(incident, self.texts("alerts.dropped_closed", who=who))
        self.add_news("incident.closed", incident, by=who, note=note)
        return incident

    def _stop(self, incident: Incident, why: str) -> None:
        """Take no further step for an incident, and drop what was held back of it."""
        self.rows.cancel_escalations(incident.id)
        for telling in self.rows.tellings(
            "incident = ? and state = 'held' and hold in ('quiet', 'limit')", incident.id
        ):
            self.rows.keep_telling(msgspec.structs.replace(telling, state="dropped", reason=why))

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
                parameters=(text,),
                created_at=self.now,
                expires_at=self.now + timedelta(seconds=ANSWER_EXPIRES_S),
                priority=incident.priority,
                incident_id=incident.id,
                event_id=incident.event_id,
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
