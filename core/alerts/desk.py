"""The alert desk: tells people of incidents, takes their answers, and knows who was told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlite_utils import Database

from ..clock import Clock
from ..errors import StoreFailed
from ..journal import Journal
from ..notice_states import NoticeRecord
from ..settings import Settings
from ..tasks import Tasks
from ..texts import Texts
from ..types import Alert, AlertOutcome, Event, Incident, Notice
from .deciding import Deciding
from .people import People
from .rows import Rows, migrations
from .tellings import Telling, Told, told_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

# The far side may be told of so many at once; the outbox paces what goes out.
PUT_AT_ONCE = 200


class AlertDesk:
    """Keep incidents and who is told of them. StoreFailed from every method when the disk fails.

    ``put`` commits a notice to the outbox, ``records`` returns notices by their keys, ``emit`` commits an event.
    """

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        *,
        clock: Clock,
        texts: Texts,
        tasks: Tasks,
        put: Callable[[Notice], Awaitable[bool]],
        records: Callable[[Sequence[str]], Awaitable[Mapping[str, NoticeRecord]]],
        emit: Callable[[Event], Awaitable[int]],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._texts = texts
        self._put = put
        self._records = records
        self._emit = emit
        self._site = settings.site.id
        self._zone = ZoneInfo(settings.site.timezone)
        self._people = People(settings, texts, self._zone)
        self._tasks = tasks.scope("alerts")
        self._has_work = asyncio.Event()

    async def open(self) -> None:
        """Make the tables where they are missing."""
        await self._journal.migrate(migrations)

    async def start(self) -> None:
        """Go on with what was decided and not told yet."""
        self._has_work.set()
        self._tasks.start("desk", self._run)

    async def stop(self) -> None:
        """Decide no more; what is not told yet goes out after the next start."""
        await self._tasks.stop(1.0)

    # --- what rules, pages and answers ask ------------------------------------------------------

    async def alert(self, alert: Alert) -> AlertOutcome:
        """Tell people of one thing; return whom. The same key again tells nobody twice."""
        outcome = await self._decide(lambda deciding: deciding.alert(alert))
        try:
            new = await self._put_all("alert = ? and state = 'due'", alert.key)
        finally:
            self._has_work.set()
        told = tuple(address for address in outcome.told if address in new)
        return msgspec.structs.replace(outcome, told=told, known=tuple(a for a in outcome.told if a not in new))

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
        return await self._journal.read(lambda db: Rows(db).incidents(state, limit, before))

    async def incident(self, id_or_key: str) -> Incident | None:
        """Return an incident by its id, else the newest of its key, one that is not closed before others."""
        return await self._journal.read(lambda db: Rows(db).incident(id_or_key))

    async def told(self, incident_id: str) -> tuple[Told, ...]:
        """Return every message about an incident, in the order they were decided, and what became of each."""

        def job(db: Database) -> tuple[Incident | None, list[Telling]]:
            rows = Rows(db)
            return rows.incident(incident_id), rows.tellings("incident = ?", incident_id)

        incident, tellings = await self._journal.read(job)
        records = await self._records([telling.notice.key for telling in tellings])
        return tuple(told_of(telling, records.get(telling.notice.key), incident) for telling in tellings)

    def on_duty(self, rota: str, at: datetime | None = None) -> tuple[str, ...]:
        """Return the contacts on duty in a rota, now or at a time; none when there is no such rota."""
        return self._people.on_duty(rota, at or self._clock.now())

    # --- inside ---------------------------------------------------------------------------------

    async def _decide(self, decide: Callable[[Deciding], T]) -> T:
        now = self._clock.now()

        def job(db: Database) -> T:
            return decide(
                Deciding(
                    db,
                    site=self._site,
                    people=self._people,
                    texts=self._texts,
                    zone=self._zone,
                    now=now,
                )
            )

        return await self._journal.write(job)

    async def _change(self, decide: Callable[[Deciding], T]) -> T:
        result = await self._decide(decide)
        self._has_work.set()
        return result

    async def _put_all(self, where: str, *values: str) -> set[str]:
        """Hand what is due to the outbox, each whatever becomes of the others; return the addresses that are new.

        StoreFailed where one was not kept.
        """
        unkept: list[str] = []
        new: set[str] = set()
        tellings = await self._journal.read(lambda db: Rows(db).tellings(where, *values))
        done: list[Telling] = []
        for telling in tellings:
            try:
                if await self._put(telling.notice):
                    new.add(f"{telling.notice.notifier}:{telling.notice.to}")
            except StoreFailed as err:
                unkept.append(str(err))
            else:
                done.append(msgspec.structs.replace(telling, state="put"))

        def job(db: Database) -> None:
            rows = Rows(db)
            for telling in done:
                rows.keep_telling(telling)

        if done:
            await self._journal.write(job)
        if unkept:
            raise StoreFailed("; ".join(dict.fromkeys(unkept)))
        return new

    async def _run(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            try:
                await self._put_all(f"state = 'due' order by rank desc, number limit {PUT_AT_ONCE}")
                await self._tell_news()
            except StoreFailed as err:
                logger.error("alerts wait for the disk: %s", err)
                await self._clock.sleep(5.0)
                self._has_work.set()

    async def _tell_news(self) -> None:
        while events := await self._journal.read(lambda db: Rows(db).news()):
            for event in events:
                await self._emit(event)
                await self._journal.write(lambda db, id=event.id: Rows(db).drop_news(id))  # type: ignore[misc]
