"""What an operator relies on when a notice is to be sent, whatever the far side or the hub does."""

import asyncio
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.errors import SendFailed
from siaga.core.event_log import EventLog
from siaga.core.inbound import KeyedReceipt
from siaga.core.journal import Journal
from siaga.core.notice_states import NoticeRules, OutboxTimes
from siaga.core.outbox import NoticeChanged, Outbox
from siaga.core.tasks import Tasks
from siaga.core.types import Notice, Receipt, new_id

START = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


class ScriptedNotifier:
    """A small real notifier: each send takes the next step of its script, then accepts."""

    def __init__(self, *script):
        self.script = list(script)
        self.sent = []
        self.now = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, notice):
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        self.sent.append(notice.key)
        try:
            await self.gate.wait()
            step = self.script.pop(0) if self.script else "accepted"
            if isinstance(step, BaseException):
                raise step
            return Receipt(state=step, at=START, provider_id=f"id-{notice.key}-{len(self.sent)}")
        finally:
            self.now -= 1

    async def close(self):
        pass


class ConfirmingNotifier(ScriptedNotifier):
    can_confirm = True

    async def receive(self, request):
        raise NotImplementedError


class HoldingNotifier(ScriptedNotifier):
    on_unsure = "hold"


def notice(key, *, to="posko", notifier="wa", lives_s=3600, priority="normal", event_id=None):
    return Notice(
        id=new_id(),
        key=key,
        notifier=notifier,
        to=to,
        text="Air naik",
        created_at=START,
        expires_at=START + timedelta(seconds=lives_s),
        priority=priority,
        event_id=event_id,
    )


class SettableClock(ManualClock):
    """A clock by hand, whose wall time can be set as well."""

    wrong_by = timedelta()

    def now(self):
        return super().now() + self.wrong_by


class Site:
    """Journal, event log and outbox as the hub builds them, with a clock that is turned by hand."""

    def __init__(self, path, **notifiers):
        self.path, self.notifiers = path, notifiers
        self.clock = SettableClock(START)
        self.bus = Bus()
        self.news = self.bus.subscribe(NoticeChanged)

    async def start(self, rules=None):
        self.tasks = Tasks(self.clock)
        self.journal = await Journal.open(self.path)
        self.events = await EventLog.open(self.journal, self.bus)
        self.outbox = Outbox(
            self.journal, self.bus, self.clock, self.tasks, self.notifiers, self.events.add, "kebon-baru", rules
        )
        await self.outbox.start()

    async def stop(self):
        await self.outbox.stop()
        late = await self.tasks.stop(2)
        await self.journal.close()
        return late

    async def pass_time(self, seconds, step=1.0):
        while seconds > 0:
            await self.clock.advance(min(step, seconds))
            seconds -= step
            await self.settle()

    async def settle(self):
        # The journal works in threads: wait until nobody waits for it, several turns of the loop long.
        quiet = 0
        async with asyncio.timeout(10):
            while quiet < 30:
                quiet = 0 if self.journal.under_way else quiet + 1
                if quiet == 0:
                    await self.journal.write(lambda db: None)
                await asyncio.sleep(0)

    async def state(self, key):
        await self.settle()
        return (await self.outbox.get(key)).state

    async def failures(self):
        await self.settle()
        return [c.event for c in await self.events.find(kind="notice.failed")]


@pytest.fixture
async def site(tmp_path):
    sites = []

    async def build(rules=None, **notifiers):
        made = Site(tmp_path / "siaga.db", **notifiers)
        await made.start(rules)
        sites.append(made)
        return made

    yield build
    for made in sites:
        await made.stop()


async def test_a_notice_is_sent_once_however_often_it_is_put(site):
    wa = ScriptedNotifier()
    s = await site(wa=wa)
    assert await s.outbox.put(notice("a")) is True
    assert await s.outbox.put(notice("a")) is False
    assert await s.state("a") == "accepted"
    await s.pass_time(30)
    assert wa.sent == ["a"]
    assert [change.state for change in [await anext(s.news) for _ in range(3)]] == ["waiting", "sending", "accepted"]


async def test_a_failed_send_is_tried_again_later_each_time(site):
    wa = ScriptedNotifier(*[SendFailed("jaringan putus", verdict="retry") for _ in range(4)])
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.settle()
    waits = []
    for tries in range(1, 5):
        record = await s.outbox.get("a")
        assert (record.state, record.attempts, record.last_error) == ("waiting", tries, "jaringan putus")
        waits.append((record.next_at - s.clock.now()).total_seconds())
        await s.pass_time(waits[-1] - 1.1, step=5)
        assert len(wa.sent) == tries, "not before its time"
        await s.pass_time(3)
    assert await s.state("a") == "accepted"
    for wait, span in zip(waits, (10, 20, 40, 80), strict=True):
        assert span / 2 - 1.1 <= wait <= span, "seen up to a second after the try"


async def test_what_the_far_side_asks_us_to_wait_is_waited(site):
    wa = ScriptedNotifier(SendFailed("terlalu cepat", verdict="retry", wait_s=120))
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.pass_time(118)
    assert len(wa.sent) == 1
    await s.pass_time(16)
    assert len(wa.sent) == 2


async def test_a_slow_notifier_does_not_delay_another_and_sends_a_few_at_once(site):
    slow, quick = ScriptedNotifier(), ScriptedNotifier()
    slow.gate.clear()
    s = await site(wa=slow, hook=quick)
    for n in range(10):
        await s.outbox.put(notice(f"s{n}"))
    await s.outbox.put(notice("q", notifier="hook"))
    assert await s.state("q") == "accepted"
    assert slow.most_at_once == 4
    slow.gate.set()
    await s.pass_time(5)
    assert sorted(slow.sent) == sorted(f"s{n}" for n in range(10))
    assert slow.most_at_once == 4


async def test_the_urgent_goes_first(site):
    wa = ScriptedNotifier()
    s = await site()
    for key, priority in (("l", "low"), ("n", "normal"), ("h", "high"), ("h2", "high")):
        await s.outbox.put(notice(key, priority=priority))
    s.notifiers["wa"] = wa
    await s.pass_time(3)
    assert wa.sent == ["h", "h2", "n", "l"]


async def test_giving_up_tells_who_was_not_reached_and_why_once(site):
    s = await site(wa=ScriptedNotifier(SendFailed("nomor tidak terdaftar", verdict="give_up")))
    await s.outbox.put(notice("a", to="+62811", event_id="e1"))
    await s.pass_time(400, step=50)
    [event] = await s.failures()
    assert event.data["to"] == "+62811"
    assert "nomor tidak terdaftar" in event.data["reason"]
    assert (event.data["state"], event.data["event"], event.data["is_final"]) == ("failed", "e1", True)


async def test_a_wrong_setting_is_told_once_and_tried_slowly_until_it_is_mended(site):
    wrong = [SendFailed("token ditolak", verdict="ask_operator") for _ in range(3)]
    wa = ScriptedNotifier(*wrong)
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.pass_time(295, step=5)
    assert len(wa.sent) == 1
    await s.pass_time(800, step=5)
    assert await s.state("a") == "accepted"
    assert len(wa.sent) == 4
    [event] = await s.failures()
    assert (event.data["is_final"], event.data["reason"]) == (False, "token ditolak")


async def test_a_notice_that_is_too_late_is_not_sent_and_says_so(site):
    wa = ScriptedNotifier(*[SendFailed("jaringan putus", verdict="retry") for _ in range(99)])
    s = await site(wa=wa)
    await s.outbox.put(notice("a", lives_s=60))
    await s.pass_time(62)
    tries = len(wa.sent)
    assert await s.state("a") == "expired"
    await s.pass_time(600, step=60)
    assert len(wa.sent) == tries
    [event] = await s.failures()
    assert "jaringan putus" in event.data["reason"]


async def test_an_unsure_notice_that_a_receipt_confirms_is_not_sent_again(site):
    wa = ConfirmingNotifier(SendFailed("jawaban hilang", verdict="unsure"))
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    assert await s.state("a") == "unsure"
    await s.pass_time(50)
    await s.outbox.receive(KeyedReceipt(receipt=Receipt(state="delivered", at=START, provider_id="w1"), key="a"))
    await s.pass_time(300, step=10)
    assert wa.sent == ["a"]
    assert await s.state("a") == "delivered"


async def test_an_unsure_notice_without_receipt_is_sent_again_after_a_minute_and_marked(site):
    wa = ConfirmingNotifier(SendFailed("jawaban hilang", verdict="unsure"))
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.pass_time(58)
    assert wa.sent == ["a"]
    await s.pass_time(4)
    assert wa.sent == ["a", "a"]
    record = await s.outbox.get("a")
    assert (record.state, record.attempts, record.resends) == ("accepted", 2, 1)


async def test_where_nothing_confirms_hold_asks_people_and_resend_sends_again(site):
    unsure = SendFailed("jawaban hilang", verdict="unsure")
    holding, resending = HoldingNotifier(unsure), ScriptedNotifier(unsure)
    s = await site(hold=holding, again=resending)
    await s.outbox.put(notice("h", notifier="hold"))
    await s.outbox.put(notice("r", notifier="again"))
    await s.pass_time(15)
    assert holding.sent == ["h"]
    assert resending.sent == ["r", "r"], await s.outbox.get("r")
    [event] = await s.failures()
    assert "posko" in event.data["reason"] and "hold" in event.data["reason"]


async def test_a_late_word_never_undoes_a_better_one(site):
    s = await site(wa=ScriptedNotifier())
    await s.outbox.put(notice("a"))
    await s.settle()
    for state in ("read", "delivered", "sent", "failed"):
        await s.outbox.receive(KeyedReceipt(receipt=Receipt(state=state, at=START, provider_id="id-a-1")))
    record = await s.outbox.get("a")
    assert record.state == "read"
    assert set(record.receipts) == {"accepted", "read", "delivered", "sent"}
    assert await s.failures() == []


async def test_a_message_refused_later_is_told(site):
    s = await site(wa=ScriptedNotifier())
    await s.outbox.put(notice("a"))
    await s.settle()
    refused = Receipt(state="failed", at=START, provider_id="id-a-1", detail="nomor memblokir")
    await s.outbox.receive(KeyedReceipt(receipt=refused))
    [event] = await s.failures()
    assert "nomor memblokir" in event.data["reason"]


async def test_a_receipt_that_overtakes_the_answer_stands(site):
    wa = ScriptedNotifier()
    wa.gate.clear()
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.settle()
    await s.outbox.receive(KeyedReceipt(receipt=Receipt(state="delivered", at=START), key="a"))
    wa.gate.set()
    await s.pass_time(2)
    record = await s.outbox.get("a")
    assert (record.state, record.provider_id) == ("delivered", "id-a-1")


async def test_a_receipt_for_nobody_is_counted(site):
    s = await site(wa=ScriptedNotifier())
    await s.outbox.receive(KeyedReceipt(receipt=Receipt(state="read", at=START, provider_id="x"), key="y"))
    assert s.outbox.unknown_receipts == 1


async def test_a_broken_notifier_is_given_up_after_some_crashes_and_others_go_on(site):
    broken = ScriptedNotifier(*[ZeroDivisionError("aduh") for _ in range(50)])
    s = await site(wa=broken, hook=ScriptedNotifier())
    await s.outbox.put(notice("a"))
    await s.outbox.put(notice("q", notifier="hook"))
    await s.pass_time(1200, step=10)
    assert len(broken.sent) == 5
    assert await s.state("a") == "failed" and await s.state("q") == "accepted"
    [event] = await s.failures()
    assert "aduh" in event.data["reason"]


async def test_a_notifier_that_never_answers_is_cut_off(site):
    wa = ConfirmingNotifier()
    wa.gate.clear()
    s = await site(rules=NoticeRules(times=OutboxTimes(send_limit_s=0.05)), wa=wa)
    await s.outbox.put(notice("a"))
    async with asyncio.timeout(5):
        async for change in s.news:
            if change.state == "unsure":
                break
    assert "wa" in (await s.outbox.get("a")).last_error


async def test_a_notice_waits_for_a_notifier_that_is_switched_off(site):
    s = await site()
    await s.outbox.put(notice("a"))
    await s.outbox.put(notice("b", lives_s=20))
    await s.pass_time(10)
    record = await s.outbox.get("a")
    assert record.state == "waiting" and "'wa'" in record.last_error
    await s.pass_time(15)
    assert await s.state("b") == "expired"
    wa = s.notifiers["wa"] = ScriptedNotifier()
    await s.pass_time(3)
    assert wa.sent == ["a"]


async def test_what_waits_goes_out_after_a_restart_and_what_was_under_way_is_unsure(site, tmp_path):
    wa = ConfirmingNotifier(SendFailed("jaringan putus", verdict="retry"))
    s = await site(wa=wa)
    await s.outbox.put(notice("waits"))
    await s.settle()
    wa.gate.clear()
    await s.outbox.put(notice("cut"))
    await s.settle()
    await s.stop()
    wa.gate.set()
    await s.start()
    assert await s.state("cut") == "unsure"
    await s.pass_time(30)
    assert wa.sent == ["waits", "cut", "waits"]
    await s.pass_time(35)
    assert wa.sent == ["waits", "cut", "waits", "cut"]


async def test_find_shows_the_newest_first_by_state_and_event(site):
    s = await site(wa=ScriptedNotifier())
    for n in range(3):
        await s.outbox.put(notice(f"n{n}", event_id="flood" if n else None))
    await s.settle()
    assert [r.notice.key for r in await s.outbox.find()] == ["n2", "n1", "n0"]
    assert [r.notice.key for r in await s.outbox.find(event_id="flood", state="accepted")] == ["n2", "n1"]
    assert await s.outbox.counts() == {"accepted": 3}


# --- a wall clock that is set ---------------------------------------------------------------------


async def test_a_wall_clock_set_back_an_hour_holds_no_retry(site):
    s = await site(wa=ScriptedNotifier(SendFailed("sibuk", verdict="retry")))
    await s.outbox.put(notice("a"))
    await s.settle()
    assert await s.state("a") == "waiting"
    s.clock.wrong_by = -timedelta(hours=1)
    await s.pass_time(15)
    assert await s.state("a") == "accepted"


async def test_a_wall_clock_set_forward_expires_nothing_and_what_waits_keeps_its_time(site):
    wa = ScriptedNotifier(*[SendFailed("sibuk", verdict="retry", wait_s=60)] * 2)
    s = await site(wa=wa)
    await s.outbox.put(notice("old", lives_s=1800))
    await s.settle()
    # As a small PC with an empty clock battery does when it finds a time server.
    s.clock.wrong_by = timedelta(days=2_000)
    late = notice("new")
    right = timedelta(days=2_000)
    await s.outbox.put(msgspec.structs.replace(late, created_at=s.clock.now(), expires_at=late.expires_at + right))
    await s.pass_time(40)
    assert await s.state("old") == "waiting" and len(wa.sent) == 2
    await s.pass_time(35)
    assert (await s.state("old"), await s.state("new")) == ("accepted", "accepted")
    assert await s.failures() == []


async def test_a_notice_still_expires_in_its_time_after_the_wall_clock_was_set(site):
    s = await site(wa=ScriptedNotifier(*[SendFailed("sibuk", verdict="retry")] * 99))
    await s.outbox.put(notice("a", lives_s=120))
    await s.settle()
    s.clock.wrong_by = timedelta(hours=1)
    await s.pass_time(60, step=5)
    assert await s.state("a") == "waiting"
    s.clock.wrong_by = timedelta(0)
    await s.pass_time(70, step=5)
    assert await s.state("a") == "expired"


async def test_what_was_put_under_a_clock_years_ahead_goes_out_after_the_start_under_the_right_one(site):
    wa = ScriptedNotifier(SendFailed("sibuk", verdict="retry", wait_s=300))
    s = await site(wa=wa)
    s.clock.wrong_by = timedelta(days=400)
    far = notice("a")
    await s.outbox.put(msgspec.structs.replace(far, expires_at=far.expires_at + timedelta(days=400)))
    await s.settle()
    await s.stop()
    s.clock.wrong_by = timedelta(0)
    await s.start()
    await s.pass_time(3)
    assert await s.state("a") == "accepted"


# --- many failures, repeated words ----------------------------------------------------------------


async def test_every_one_of_many_failures_at_once_is_told(site):
    s = await site()
    for n in range(230):
        await s.outbox.put(notice(f"n{n}", lives_s=20))
    await s.pass_time(25, step=5)
    async with asyncio.timeout(10):
        while len(await s.events.find(kind="notice.failed", limit=500)) < 230:
            await s.settle()


async def test_a_repeated_word_on_the_first_message_changes_nothing_while_the_second_is_unsure(site):
    wa = ConfirmingNotifier("accepted", SendFailed("jawaban hilang", verdict="unsure"))
    s = await site(wa=wa)
    await s.outbox.put(notice("a"))
    await s.settle()
    first = (await s.outbox.get("a")).provider_id
    failed = Receipt(state="failed", at=START, provider_id=first, detail="24 jam lewat")
    await s.outbox.receive(KeyedReceipt(receipt=failed, key="a", may_retry=True))
    await s.pass_time(12)
    assert await s.state("a") == "unsure" and len(wa.sent) == 2
    for may_retry in (True, False):
        await s.outbox.receive(KeyedReceipt(receipt=failed, key="a", may_retry=may_retry))
        assert await s.state("a") == "unsure"
    await s.pass_time(20)
    assert len(wa.sent) == 2
