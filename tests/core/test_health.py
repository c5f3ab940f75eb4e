"""What the health page and its listeners rely on: since when, why, last seen, and a change told once."""

from datetime import datetime, timedelta, timezone

from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.health import HealthBook
from siaga.core.types import Health

START = datetime(2026, 11, 22, tzinfo=timezone.utc)


async def test_a_change_is_told_and_since_is_the_moment_of_the_state_not_of_its_reason():
    clock, bus = ManualClock(START), Bus()
    news, book = bus.subscribe(Health), HealthBook(bus, clock)
    book.set("camera kali", "ok", figures={"fps": 10.0})
    await clock.advance(5)
    book.set("camera kali", "ok")
    book.seen("camera kali")
    await clock.advance(5)
    book.set("camera kali", "lost", "tidak menjawab")
    await clock.advance(5)
    book.set("camera kali", "lost", "kata sandi ditolak")
    told = [await anext(news) for _ in range(len(news))]
    assert [(h.state, h.reason) for h in told] == [
        ("ok", ""), ("lost", "tidak menjawab"), ("lost", "kata sandi ditolak"),
    ]  # fmt: skip
    health = book.get("camera kali")
    assert health.since == START + timedelta(seconds=10)
    assert health.last_seen == START + timedelta(seconds=5)
    assert health.figures == {"fps": 10.0}


async def test_parts_are_listed_by_name_and_the_unknown_is_not_made_up():
    book = HealthBook(Bus(), ManualClock(START))
    book.seen("tidak ada")
    book.set("b", "ok")
    book.set("a", "off", "rtsp://user:rahasia@host/x tidak terbuka")
    assert [h.part for h in book.all()] == ["a", "b"]
    assert book.get("tidak ada") is None
    assert "rahasia" not in book.get("a").reason
