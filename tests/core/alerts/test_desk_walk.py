"""A desk goes through evenings of chance: whatever comes, nobody hears a thing twice, and nothing is forgotten."""

import random
from collections import Counter

import pytest
from alert_cases import NIGHT, advance, after, alert, rest, site
from hub_for_rules import EVENING, close_hub, event, open_hub

from siaga.core.clock import ManualClock
from siaga.core.errors import ActionFailed

TARGETS = ({"contact": ("lurah",)}, {"team": ("satgas",)}, {"rota": ("jaga",)}, {"contact": ("posko", "budi")})
ENDS = {"put", "summed", "dropped"}


class Evening:
    """One evening by one seed, on one journal, through restarts."""

    def __init__(self, path, seed):
        self._path, self._dice = path, random.Random(seed)
        self._asked = []
        self.hub = None

    async def open(self, at=EVENING):
        people = site(quiet=[NIGHT], limit=(2, 600))
        self.hub = await open_hub(self._path, ManualClock(at), site=people)
        self.hub.outbox.state = "sent"
        self.hub.carries["wa"] = frozenset({"clip"})
        return self

    async def go(self, steps):
        happenings = [self.alert, self.alert, self.alert, self.again, self.wait, self.answer, self.reply, self.restart]
        for _ in range(steps):
            await self._dice.choice(happenings)()
        await advance(self.hub, 12 * 3600)

    async def alert(self):
        number = len(self._asked)
        asked = alert(
            f"a{number}",
            incident=self._dice.choice(["", "satu", "dua", "tiga"]),
            target=self._dice.choice(TARGETS),
            priority=self._dice.choice(["low", "normal", "high"]),
            group_s=self._dice.choice([0, 300]),
            escalate=self._dice.choice([(), (after(300, contact="budi"), after(900, team="satgas"))]),
            step=self._dice.choice(["actions[0]", "actions[1]"]),
            event=event("flood.stage", at=self.hub.clock.now()),
        )
        self._asked.append(asked)
        await self.hub.alert(asked)

    async def again(self):
        if self._asked:
            await self.hub.alert(self._dice.choice(self._asked))

    async def wait(self):
        await advance(self.hub, self._dice.choice([20, 310, 900, 4000]))

    async def answer(self):
        key, end = self._dice.choice(["satu", "dua", "tiga"]), self._dice.choice(["acknowledge", "close_incident"])
        try:
            await getattr(self.hub, end)(key, "Bu Sari", "web")
        except ActionFailed as err:
            assert str(err)

    async def reply(self):
        data = {"notifier": "wa", "sender": self._dice.choice(["+62813", "+62815"]), "text": "ok"}
        await self.hub.emit(event("notice.reply", camera=None, at=self.hub.clock.now(), data=data))
        await rest(self.hub)

    async def restart(self):
        at = self.hub.clock.now()
        await close_hub(self.hub)
        await self.open(at)

    async def rows(self, sql):
        return await self.hub.journal.read(lambda db: db.conn.execute(sql).fetchall())


@pytest.mark.parametrize("seed", range(6))
async def test_an_evening_of_chance_leaves_nothing_half_done(tmp_path, seed):
    evening = await Evening(tmp_path / "siaga.db", seed).open()
    try:
        await evening.go(40)
        states = dict(await evening.rows("select state, count(*) from alert_tellings group by state"))
        assert set(states) <= ENDS and states["put"], "everything came to its end"
        assert await evening.rows("select 1 from alert_news") == []
        notices = {notice.key for notice in await evening.hub.outbox.all()}
        put = {key for (key,) in await evening.rows("select key from alert_tellings where state = 'put'")}
        assert put == notices, "what the desk let go is what the outbox has, each once"
        waiting = "select 1 from alert_escalations e join incidents i on i.id = e.incident"
        assert await evening.rows(f"{waiting} where e.state = 'waiting' and i.state <> 'open'") == []
        told = [one.event for one in await evening.hub.events.find(limit=1000)]
        ids = Counter((one.kind, one.data["incident"]) for one in told if one.kind.startswith("incident."))
        for kind in ("incident.opened", "incident.acknowledged", "incident.closed"):
            assert max((count for (what, _), count in ids.items() if what == kind), default=0) <= 1
        incidents = await evening.hub.alerts.incidents(limit=1000)
        assert {one.id for one in incidents} == {id_ for (what, id_) in ids if what == "incident.opened"}
        for incident in incidents:
            assert ("incident.acknowledged", incident.id) in ids or not incident.acknowledged_by
            report = await evening.hub.alerts.report(incident.id)
            times = [line["at"] for line in report["lines"]]
            assert times == sorted(times)
    finally:
        await close_hub(evening.hub)
