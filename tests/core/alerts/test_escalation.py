"""What follows while nobody answers: kept over restarts, ended by an answer, told when it comes to nothing."""

from datetime import datetime, timedelta, timezone

import pytest
from alert_cases import advance, after, alert, kinds, rest, sent, site
from hub_for_rules import EVENING, close_hub, open_hub

from siaga.core.clock import ManualClock

STEPS = (after(300, contact="budi"), after(900, text="Tolong dijawab", team="satgas"))
TO_POSKO = {"contact": ("posko",)}


@pytest.fixture
async def opened(tmp_path):
    hubs = []

    async def open_one(at=EVENING):
        hubs.append(await open_hub(tmp_path / "siaga.db", ManualClock(at), site=site()))
        return hubs[-1]

    yield open_one
    await close_hub(hubs[-1])


async def test_each_step_is_taken_in_its_time_and_in_the_end_it_is_told_that_nobody_answered(opened):
    hub = await opened()
    await hub.alert(alert(target=TO_POSKO, escalate=STEPS))
    await advance(hub, 290)
    assert await sent(hub, "+62815") == []
    await advance(hub, 15)
    assert await sent(hub, "+62815") == ["BELUM DITANGGAPI 5 menit: Air naik di Kali Ciliwung"]
    await advance(hub, 600)
    assert await sent(hub, "+62813") == ["Tolong dijawab"]
    assert await kinds(hub) == ["incident.opened", "incident.escalated", "incident.escalated"]
    await advance(hub, 600)
    assert (await kinds(hub))[3:] == ["incident.unanswered"]
    await advance(hub, 3600)
    assert len(await kinds(hub)) == 4
    (told,) = [one.event for one in await hub.events.find(kind="incident.unanswered")]
    assert told.data["told"] == ["Posko RW 05", "Pak Budi", "Lurah"]


@pytest.mark.parametrize("ends", ["acknowledge", "close_incident"])
async def test_an_answer_or_an_end_stops_what_was_to_follow(opened, ends):
    hub = await opened()
    await hub.alert(alert(target=TO_POSKO, escalate=STEPS))
    await advance(hub, 120)
    await getattr(hub, ends)("banjir/kali", "Bu Sari", "web")
    await advance(hub, 3600)
    assert await sent(hub, "+62815") == [] and "incident.unanswered" not in await kinds(hub)


async def test_an_escalation_goes_on_after_a_restart_and_what_came_due_meanwhile_is_done_once(opened):
    hub = await opened()
    await hub.alert(alert(target=TO_POSKO, escalate=STEPS))
    await rest(hub)
    await close_hub(hub)
    hub = await opened(EVENING + timedelta(seconds=400))
    assert len(await sent(hub, "+62815")) == 1
    await close_hub(hub)
    hub = await opened(EVENING + timedelta(seconds=450))
    assert len(await sent(hub, "+62815")) == 1
    await advance(hub, 500)
    assert await sent(hub, "+62813") == ["Tolong dijawab"]


async def test_who_is_on_duty_is_asked_at_each_step(opened):
    hub = await opened(datetime(2026, 11, 22, 12, 50, tzinfo=timezone.utc))  # 19.50 WIB: Lurah; from 20.00: Pak Budi
    rota = {"rota": ("jaga",)}
    await hub.alert(alert(target=rota, escalate=(after(900),)))
    assert await sent(hub, "+62813") == ["Air naik di Kali Ciliwung"]
    await advance(hub, 960)
    assert await sent(hub, "+62815") == ["BELUM DITANGGAPI 15 menit: Air naik di Kali Ciliwung"]
    assert hub.alerts.on_duty("jaga") == ("budi",)
    assert len(await sent(hub, "+62813")) == 1


async def test_a_step_without_anybody_on_duty_is_told_as_a_failure(opened):
    hub = await opened()
    await hub.alert(alert(target=TO_POSKO, escalate=(after(7200, rota="jaga"),)))
    await advance(hub, 7260)
    (failure,) = [one.event for one in await hub.events.find(kind="notice.failed")]
    assert (failure.data["to"], "tidak ada yang bertugas" in failure.data["reason"]) == ("jaga", True)


async def test_an_alert_that_is_told_again_does_not_begin_its_escalation_anew(opened):
    hub = await opened()
    await hub.alert(alert("a", target=TO_POSKO, escalate=STEPS))
    await advance(hub, 310)
    assert (await hub.alert(alert("b", target=TO_POSKO, escalate=STEPS))).told
    await advance(hub, 320)
    assert len(await sent(hub, "+62815")) == 1


class SetClock(ManualClock):
    """Be a clock whose wall somebody sets."""

    wrong_by = timedelta()

    def now(self):
        return super().now() + self.wrong_by


@pytest.mark.parametrize("hours", [-5, 5])
async def test_a_wall_clock_that_is_set_makes_no_step_early_and_none_late(tmp_path, opened, hours):
    hub = await opened()
    await close_hub(hub)
    clock = SetClock(EVENING)
    hub = await open_hub(tmp_path / "siaga.db", clock, site=site())
    try:
        await hub.alert(alert(target=TO_POSKO, escalate=STEPS))
        await advance(hub, 60)
        clock.wrong_by = timedelta(hours=hours)
        await advance(hub, 200)
        assert await sent(hub, "+62815") == []
        await advance(hub, 90)
        assert len(await sent(hub, "+62815")) == 1
    finally:
        await close_hub(hub)
        await opened()
