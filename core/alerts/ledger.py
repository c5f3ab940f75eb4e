"""Where the desk's decisions are made and kept, and from where what they led to goes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlite_utils import Database

from ..clock import Clock
from ..errors import StoreFailed
from ..journal import Journal
from ..settings import Settings
from ..texts import Texts
from .deciding import Deciding
from .people import People
from .ports import Ports
from .rows import Rows
from .tellings import Telling

T = TypeVar("T")


class Ledger:
    """Run decisions in the journal's writer. StoreFailed when the disk fails."""

    def __init__(self, journal: Journal, settings: Settings, *, clock: Clock, texts: Texts, ports: Ports) -> None:
        self.clock = clock
        self.texts = texts
        self.ports = ports
        self.zone = ZoneInfo(settings.site.timezone)
        self.people = People(settings, texts, self.zone)
        self._journal = journal
        self._site = settings.site.id

    def take_people(self, settings: Settings) -> None:
        """Decide with changed contacts, teams, rotas and holidays from now on."""
        self.people = People(settings, self.texts, self.zone)

    async def decide(self, decide: Callable[[Deciding], T]) -> T:
        """Make one decision: all that follows from it is committed together."""
        now = self.clock.now()

        def job(db: Database) -> T:
            deciding = Deciding(
                Rows(db),
                site=self._site,
                people=self.people,
                texts=self.texts,
                zone=self.zone,
                now=now,
                carries=self.ports.carries,
            )
            return decide(deciding)

        return await self._journal.write(job)

    async def read(self, look: Callable[[Rows], T]) -> T:
        """Look into the tables."""
        return await self._journal.read(lambda db: look(Rows(db)))

    async def put_all(self, where: str, *values: str) -> set[str]:
        """Hand what is due to the outbox, each whatever becomes of the others; return the addresses that are new.

        StoreFailed where one was not kept.
        """
        unkept: list[str] = []
        new: set[str] = set()
        done: list[Telling] = []
        for telling in await self.read(lambda rows: rows.tellings(where, *values)):
            try:
                if await self.ports.put(telling.notice):
                    new.add(f"{telling.notice.notifier}:{telling.notice.to}")
            except StoreFailed as err:
                unkept.append(str(err))
            else:
                done.append(msgspec.structs.replace(telling, state="put"))
        if done:
            await self.decide(lambda deciding: deciding.rows.keep_tellings(done))
        if unkept:
            raise StoreFailed("; ".join(dict.fromkeys(unkept)))
        return new

    async def tell_news(self) -> None:
        """Commit the events that decisions led to, in their order."""
        while events := await self.read(lambda rows: rows.news()):
            for event in events:
                await self.ports.emit(event)
            await self.decide(lambda deciding: deciding.rows.drop_news([event.id for event in events]))
