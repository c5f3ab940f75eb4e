"""What subscribers of the bus rely on: their types, in order, and the oldest lost first, counted."""

import asyncio

import pytest

from siaga.core.bus import Bus


async def test_a_subscriber_gets_its_types_in_order():
    bus = Bus()
    numbers, all_of_it = bus.subscribe(int, float), bus.subscribe()
    for message in (1, "x", 2.5, None):
        bus.publish(message)
    assert [await anext(numbers), await anext(numbers)] == [1, 2.5]
    assert len(all_of_it) == 4


async def test_a_slow_reader_loses_the_oldest_and_is_named(caplog):
    bus = Bus()
    slow, quick = bus.subscribe(int, size=3, name="papan layar"), bus.subscribe(int)
    for n in range(10):
        bus.publish(n)
    assert [await anext(slow) for _ in range(3)] == [7, 8, 9]
    assert slow.dropped == 7 and quick.dropped == 0
    assert bus.dropped()["papan layar"] == 7
    assert caplog.text.count("papan layar") == 1, "said once, not seven times"


async def test_a_closed_subscription_ends_its_reader_and_is_forgotten():
    bus = Bus()
    async with asyncio.timeout(5):
        async with bus.subscribe(int) as news:
            bus.publish(1)
        bus.publish(2)
        assert [n async for n in news] == [1]
    assert bus.dropped() == {}


async def test_a_waiting_reader_wakes_at_the_message():
    bus = Bus()
    async with bus.subscribe(int) as news, asyncio.timeout(5):
        asyncio.get_running_loop().call_soon(bus.publish, 5)
        assert await anext(news) == 5


def test_a_queue_without_bound_cannot_be_had():
    with pytest.raises(ValueError):
        Bus().subscribe(int, size=0)
