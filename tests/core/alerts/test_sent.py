"""The desk on a real outbox: what became of each message is known, and what is sent late says so."""

from datetime import timedelta

import pytest
from alert_cases import alert, site
from hub_for_rules import EVENING, until

from siaga.core.alerts.desk import AlertDesk
from siaga.core.alerts.ports import Ports
from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.contracts import carries_of
from siaga.core.errors import SendFailed
from siaga.core.event_log import EventLog
from siaga.core.inbound import KeyedReceipt
from siaga.core.journal import Journal
from siaga.core.outbox import Outbox
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Receipt


class Far:
    """Be a far side: it takes what it is sent, or is away."""

    carries = frozenset({"clip"})

    def __init__(self, clock):
        self._clock = clock
        self.got = []
        self.is_away = False

    async def send(self, notice):
        if self.is_away:
            raise SendFailed("tidak ada jaringan", verdict="retry", wait_s=30)
        self.got.append(notice)
        return Receipt(state="sent", at=self._clock.now(), provider_id=f"far-{notice.to}-{len(self.got)}")

    async def close(self):
        pass


class House:
    """A journal, an outbox with one far side, a desk."""

    async def open(self, path):
        self.clock, bus = ManualClock(EVENING), Bus()
        self.tasks = Tasks(self.clock)
        self.journal = await Journal.open(path)
        events = await EventLog.open(self.journal, bus)
        self.far = Far(self.clock)
        self.outbox = Outbox(self.journal, bus, self.clock, self.tasks, {"wa": self.far}, events.add, "kebon-baru")
        self.desk = AlertDesk(
            self.journal, events, site(), clock=self.clock, texts=Texts(), bus=bus, tasks=self.tasks,
            ports=Ports(
                put=self.outbox.put, records=self.outbox.records, of_provider=self.outbox.of_provider,
                emit=events.add, clip=self._no_clip, carries=lambda name: carries_of({"wa": self.far}.get(name)),
            ),
        )  # fmt: skip
        await self.desk.open()
        await self.outbox.start()
        await self.desk.start()
        return self

    @staticmethod
    async def _no_clip(clip_id):
        return None

    async def told(self, incident_id, state):
        async def holds():
            told = await self.desk.told(incident_id)
            return told if all(one.state == state for one in told) else None

        return await until(holds, state)

    async def close(self):
        await self.desk.stop()
        await self.outbox.stop()
        await self.tasks.stop(2)
        await self.journal.close()


@pytest.fixture
async def house(tmp_path):
    house = await House().open(tmp_path / "siaga.db")
    yield house
    await house.close()


async def test_what_became_of_each_message_is_known_with_its_time(house):
    outcome = await house.desk.alert(alert(target={"contact": ("lurah",)}))
    (sent,) = await house.told(outcome.incident_id, "sent")
    assert sent.sent_at == EVENING and sent.read_at is None
    await house.clock.advance(60)
    for state in ("delivered", "read"):
        receipt = Receipt(state=state, at=house.clock.now(), provider_id="far-+62813-1")
        await house.outbox.receive(KeyedReceipt(receipt=receipt))
    (read,) = await house.told(outcome.incident_id, "read")
    assert read.delivered_at == read.read_at == EVENING + timedelta(seconds=60)
    lines = [line["what"] for line in (await house.desk.report(outcome.incident_id))["lines"]]
    assert lines == ["opened", "told", "delivered", "read"]


async def test_what_is_sent_late_says_how_late(house):
    house.far.is_away = True
    await house.desk.alert(alert(target={"contact": ("lurah",)}))
    await until(lambda: house.outbox.sending == 0)
    for _ in range(24):
        await house.clock.advance(30)
    house.far.is_away = False

    async def arrived():
        await house.clock.advance(10)
        return house.far.got

    (notice,) = await until(arrived)
    late = (house.clock.now() - EVENING).total_seconds() / 60
    assert 12 <= late < 30
    assert notice.text.startswith("Air naik di Kali Ciliwung (terlambat 1") and notice.text.endswith(" menit)")
    assert notice.parameters == (notice.text,)


async def test_what_is_sent_in_time_says_nothing_of_it(house):
    await house.desk.alert(alert(target={"contact": ("lurah",)}, late_s=110))
    await until(lambda: house.far.got)
    assert house.far.got[0].text == "Air naik di Kali Ciliwung"


async def test_an_alert_of_a_run_that_was_late_says_so_at_once(house):
    await house.desk.alert(alert(target={"contact": ("lurah",)}, late_s=725))
    await until(lambda: house.far.got)
    assert house.far.got[0].text == "Air naik di Kali Ciliwung (terlambat 12 menit)"
