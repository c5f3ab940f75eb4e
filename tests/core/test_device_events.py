"""What devices repeat is told once, what they forget ends by itself, and a flood is thinned."""

import asyncio
from datetime import datetime, timezone

import pytest
from plugin_services import OwnServices

from siaga.core.clock import ManualClock
from siaga.core.device_events import DeviceEvents

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path, clock=ManualClock(START)) as lent:
        yield lent


def told(services):
    return [(data.get("what", kind), kind != "device.ended") for kind, data in services.emitted]


async def advance(services, seconds):
    for _ in range(round(seconds)):
        await services.clock.advance(1)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_what_is_said_again_and_again_is_told_once_and_its_end_once(services):
    events = DeviceEvents(services)
    for is_on in (True, True, True, False, False):
        await events.take("device.motion", "VMD", is_on, {"topic": "VMD"})
    assert told(services) == [("device.motion", True), ("device.motion", False)]
    assert services.emitted[0][1] == {"topic": "VMD", "source": "VMD"}


async def test_an_end_that_nobody_began_is_not_told(services):
    await DeviceEvents(services).take("device.input", "1", False)
    assert told(services) == []


async def test_what_is_never_called_off_ends_by_silence(services):
    events = DeviceEvents(services, ends_after_s=10)
    await events.take("device.motion")
    await advance(services, 8)
    await events.take("device.motion")
    await advance(services, 8)
    assert told(services) == [("device.motion", True)]
    await advance(services, 5)
    assert told(services) == [("device.motion", True), ("device.motion", False)]
    await events.take("device.motion")
    await advance(services, 15)
    assert len(told(services)) == 4


async def test_a_state_that_the_device_ends_itself_is_not_ended_by_silence(services):
    events = DeviceEvents(services, ends_after_s=0)
    await events.take("device.input", "pintu")
    await advance(services, 600)
    assert told(services) == [("device.input", True)]


async def test_sources_stand_side_by_side(services):
    events = DeviceEvents(services)
    await events.take("device.line", "garis 1")
    await events.take("device.line", "garis 2")
    assert len(services.emitted) == 2


async def test_a_moment_has_no_end_and_each_is_told(services):
    events = DeviceEvents(services)
    await events.take("device.line", "garis", None)
    await events.take("device.line", "garis", None)
    await advance(services, 20)
    assert told(services) == [("device.line", True), ("device.line", True)]


async def test_a_flood_is_thinned_and_counted(services):
    events = DeviceEvents(services)
    for number in range(500):
        await events.take("device.input", str(number % 7), None)
    assert len(services.emitted) == 20
    assert events.left_out == 480
    await advance(services, 5)
    await events.take("device.input", "1", None)
    assert len(services.emitted) == 21


async def test_a_device_that_makes_names_up_does_not_fill_the_memory(services):
    events = DeviceEvents(services)
    for number in range(5000):
        await events.take("device.motion", f"rule {number}")
    assert events.left_out > 4700


async def test_when_the_device_is_lost_what_was_on_is_over(services):
    events = DeviceEvents(services, ends_after_s=0)
    await events.take("device.input", "pintu")
    await events.lost()
    assert told(services) == [("device.input", True), ("device.input", False)]
