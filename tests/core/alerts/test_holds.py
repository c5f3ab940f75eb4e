"""What is held back: quiet hours and limits, told when their time comes, never lost."""

from datetime import datetime, timedelta, timezone

import pytest
from alert_cases import NIGHT, advance, alert, rest, sent, site
from hub_for_rules import EVENING, close_hub, open_hub

from siaga.core.clock import ManualClock

LATE_EVENING = datetime(2026, 11, 22, 16, 0, tzinfo=timezone.utc)  # 23.00 WIB
TO_LURAH = {"contact": ("lurah",)}


@pytest.fixture
async def opened(tmp_path):
    hubs = []

    async def open_one(at=EVENING, **people):
        hubs.append(await open_hub(tmp_path / "siaga.db", ManualClock(at), site=site(**people)))
        return hubs[-1]

    yield open_one
    await close_hub(hubs[-1])


def matter(name, **more):
    """Return an alert of its own incident to Lurah."""
    return alert(name, incident=name, text=f"Hal {name}", target=TO_LURAH, **more)


async def test_quiet_hours_hold_an_alert_until_they_end_and_then_it_is_told(opened):
    hub = await opened(LATE_EVENING, quiet=[NIGHT])
    outcome = await hub.alert(alert())
    assert outcome.held == {"Lurah": "jam tenang sampai 05.00"}
    assert "wa:+62813" not in outcome.told and "wa:+62812" in outcome.told
    await advance(hub, 6 * 3600 - 60)
    assert await sent(hub, "+62813") == []
    await advance(hub, 120)
    assert await sent(hub, "+62813") == ["Air naik di Kali Ciliwung"]


async def test_an_urgent_alert_breaks_through_quiet_hours(opened):
    hub = await opened(LATE_EVENING, quiet=[NIGHT])
    outcome = await hub.alert(alert(priority="high"))
    assert "wa:+62813" in outcome.told and not outcome.held


async def test_what_was_answered_during_the_quiet_hours_is_not_told_and_the_report_says_why(opened):
    hub = await opened(LATE_EVENING, quiet=[NIGHT])
    outcome = await hub.alert(alert())
    await hub.acknowledge("banjir/kali", "Pak Budi", "web")
    await advance(hub, 6 * 3600 + 60)
    assert await sent(hub, "+62813") == []
    (held,) = [one for one in await hub.alerts.told(outcome.incident_id) if one.name == "Lurah"]
    assert (held.state, held.reason) == ("dropped", "sudah ditanggapi Pak Budi sebelum dikirim")


async def test_several_matters_of_the_night_are_one_summary_in_the_morning(opened):
    hub = await opened(LATE_EVENING, quiet=[NIGHT])
    for name in ("gang", "taman", "kali"):
        await hub.alert(matter(name))
    await hub.acknowledge("taman", "Pak Budi", "web")
    await advance(hub, 6 * 3600 + 60)
    assert await sent(hub, "+62813") == [
        "2 peringatan sejak 23.00, selama jam tenang, belum ditanggapi:\n"
        "- Hal gang (1 kali, terakhir 23.00)\n- Hal kali (1 kali, terakhir 23.00)"
    ]


async def test_quiet_hours_go_on_after_a_restart(opened):
    hub = await opened(LATE_EVENING, quiet=[NIGHT])
    await hub.alert(alert())
    await rest(hub)
    await close_hub(hub)
    hub = await opened(LATE_EVENING + timedelta(hours=7), quiet=[NIGHT])
    assert await sent(hub, "+62813") == ["Air naik di Kali Ciliwung"]


async def test_a_storm_becomes_one_summary_when_the_window_ends(opened):
    hub = await opened(limit=(2, 600))
    for n in range(14):
        await hub.alert(matter(f"hal-{n % 5}-{n}", title=f"Orang di gang {n % 5}"))
    assert await sent(hub, "+62813") == ["Hal hal-0-0", "Hal hal-1-1"]
    await advance(hub, 540)
    assert len(await sent(hub, "+62813")) == 2
    await advance(hub, 120)
    (summary,) = (await sent(hub, "+62813"))[2:]
    head, *lines = summary.splitlines()
    # The window is ten minutes; on a busy machine the desk looks a little later.
    assert head in ("12 peringatan lain dalam 10 menit:", "12 peringatan lain dalam 11 menit:")
    assert len(lines) == 11 and lines[-1] == "dan 2 hal lain"


async def test_an_urgent_alert_is_not_held_up_by_a_storm_of_others(opened):
    hub = await opened(limit=(2, 600))
    for n in range(5):
        await hub.alert(matter(f"hal-{n}"))
    assert (await hub.alert(matter("api", priority="high"))).told == ("wa:+62813",)
    assert (await hub.alert(matter("api-2", priority="high"))).told == ("wa:+62813",)
    assert (await hub.alert(matter("api-3", priority="high"))).held, "a storm of urgent ones is a storm too"
    await advance(hub, 660)
    assert (await sent(hub, "+62813"))[-1].splitlines()[1] == "- ! Hal api-3 (1 kali, terakhir 19.05)"


async def test_one_that_waited_alone_goes_as_it_is(opened):
    hub = await opened(limit=(1, 600))
    await hub.alert(matter("satu"))
    await hub.alert(matter("dua"))
    await advance(hub, 660)
    assert await sent(hub, "+62813") == ["Hal satu", "Hal dua"]
    (second,) = [notice for notice in await hub.outbox.all() if notice.text == "Hal dua"]
    assert second.asks_answer and second.expires_at > hub.clock.now()


async def test_a_storm_into_the_night_waits_for_the_morning(opened):
    hub = await opened(LATE_EVENING - timedelta(minutes=65), quiet=[NIGHT], limit=(1, 600))
    await hub.alert(matter("satu"))
    await hub.alert(matter("dua"))
    await hub.alert(matter("tiga"))
    await advance(hub, 660)
    assert await sent(hub, "+62813") == ["Hal satu"]
    await advance(hub, 7 * 3600)
    assert (await sent(hub, "+62813"))[1].startswith("2 peringatan sejak 21.55, selama jam tenang")


async def test_an_answer_reaches_who_was_told_by_a_summary(opened):
    hub = await opened(limit=(1, 600))
    for name in ("satu", "dua", "tiga"):
        await hub.alert(matter(name))
    await advance(hub, 660)
    await hub.acknowledge("tiga", "Pak Budi", "web")
    assert (await sent(hub, "+62813"))[-1].startswith("Pak Budi menanggapi: Hal tiga")
