"""The alert desk: tells people of incidents, takes their answers, and knows who was told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from ..bus import Bus
from ..clock import Clock
from ..event_log import EventLog
from ..journal import Journal
from ..settings import Settings
from ..tasks import Tasks
from ..texts import Texts
from ..types import Alert, AlertOutcome, Event, Incident, Json
from .deciding import Deciding
from .ledger import Ledger
from .ports import Ports
from .report import report_on
from .rounds import Rounds
from .rows import Rows, migrations
from .tellings import Telling, Told, told_of

T = TypeVar("T")

# More that nobody has answered are not looked through for one camera.
MOST_OPEN = 200


class AlertDesk:
    """Keep incidents and who is told of them. StoreFailed from every method when the disk fails."""

    def __init__(
        self,
        journal: Journal,
        events: EventLog,
        settings: Settings,
        *,
        clock: Clock,
        texts: Texts,
        bus: Bus,
        tasks: Tasks,
        ports: Ports,
    ) -> None:
        self._journal = journal
        self._ledger = Ledger(journal, settings, clock=clock, texts=texts, ports=ports)
        self._tasks = tasks.scope("alerts")
        self._rounds = Rounds(self._ledger, events, bus, self._tasks)

    async def open(self) -> None:
        """Make the tables where they are missing."""
        await self._journal.migrate(migrations)

    async def start(self) -> None:
        """Go on with what was decided and not told yet, and with what is due."""
        await self._rounds.start()

    async def stop(self) -> None:
        """Decide no more; what is not told yet goes out after the next start."""
        await self._tasks.stop(1.0)

    def take_people(self, settings: Settings) -> None:
        """Go on with changed contacts, teams, rotas and holidays; whoever was told already stays told."""
        self._ledger.take_people(settings)

    # --- what rules, pages and answers ask ------------------------------------------------------

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Tell people of one thing; return whom. The same key again tells nobody twice."""
        outcome, is_new = await self._ledger.decide(lambda deciding: deciding.alert(alert))
        try:
            put = await self._ledger.put_all("alert = ? and state = 'due'", alert.key)
        finally:
            self._rounds.wake()
        told = tuple(address for address in outcome.told if is_new or address in put)
        return msgspec.structs.replace(outcome, told=told, known=tuple(a for a in outcome.told if a not in told))

    async def open_incident(self, alert: Alert) -> Incident:
        """Open an incident without telling anybody, or count one more event of an open one."""
        return await self._change(lambda deciding: deciding.open(alert))

    async def acknowledge(self, incident: str, who: str, via: str) -> Incident:
        """Say who takes care of an incident (its id or key); whoever was told of it learns that. ActionFailed."""
        return await self._change(lambda deciding: deciding.acknowledge(incident, who, via))

    async def close(self, incident: str, who: str, note: str = "") -> Incident:
        """Close an incident (its id or key). ActionFailed when it is not open."""
        return await self._change(lambda deciding: deciding.close(incident, who, note))

    async def incidents(self, state: str | None = None, limit: int = 50, before: str | None = None) -> list[Incident]:
        """Return the newest incidents, newest first; ``before`` is the id of the last one seen."""
        return await self._ledger.read(lambda rows: rows.incidents(state, limit, before))

    async def has_incident(self, camera: str) -> bool:
        """Say whether an incident of a camera waits for somebody; one that is taken care of holds nobody up."""
        return any(incident.camera == camera for incident in await self.incidents("open", MOST_OPEN))

    async def incident(self, id_or_key: str) -> Incident | None:
        """Return an incident by its id, else the newest of its key, one that is not closed before others."""
        return await self._ledger.read(lambda rows: rows.incident(id_or_key))

    async def events(self, incident_id: str, limit: int = 50) -> tuple[Event, ...]:
        """Return the newest events of an incident, newest first; what told of it twice stands there twice."""
        return tuple(await self._ledger.read(lambda rows: rows.events_of(incident_id, limit)))

    async def told(self, incident_id: str) -> tuple[Told, ...]:
        """Return every message about an incident, in the order they were decided, and what became of each."""

        def look(rows: Rows) -> tuple[Incident | None, list[Telling]]:
            return rows.incident(incident_id), rows.tellings("incident = ?", incident_id)

        incident, tellings = await self._ledger.read(look)
        keys = [telling.summary_key or telling.notice.key for telling in tellings]
        records = await self._ledger.ports.records(list(dict.fromkeys(keys)))
        return tuple(told_of(telling, records.get(key), incident) for key, telling in zip(keys, tellings, strict=True))

    async def report(self, incident_id: str) -> dict[str, Json] | None:
        """Return what happened to an incident in the order of time, as JSON can hold it; None when there is none."""
        incident = await self.incident(incident_id)
        if incident is None:
            return None
        told = await self.told(incident.id)
        steps = await self._ledger.read(lambda rows: rows.escalations(incident.id))
        return report_on(incident, told, steps)

    async def prune(self, before: datetime, limit: int, *, counted_before: datetime) -> int:
        """Remove up to ``limit`` closed incidents of before a time; return how many went. Open ones always stay.

        What was answered and has been quiet for a day is closed first. Alerts of before ``counted_before`` that only
        counted go as well; their number stays.
        """
        await self._change(lambda deciding: deciding.close_quiet(limit))
        counted = await self._ledger.decide(lambda deciding: deciding.rows.prune_grouped(counted_before, limit))
        return counted + await self._ledger.decide(lambda deciding: deciding.rows.prune(before, limit))

    def on_duty(self, rota: str, at: datetime | None = None) -> tuple[str, ...]:
        """Return the contacts on duty in a rota, now or at a time; none when there is no such rota."""
        return self._ledger.people.on_duty(rota, at or self._ledger.clock.now())

    async def _change(self, decide: Callable[[Deciding], T]) -> T:
        result = await self._ledger.decide(decide)
        self._rounds.wake()
        return result
