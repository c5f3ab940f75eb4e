"""Outputs that the hub switches off again: a newer command is not cut short by an older one's end."""

import asyncio
from datetime import datetime, timezone

import pytest
from plugin_services import OwnServices

from siaga.core.clock import ManualClock
from siaga.core.device_outputs import DeviceOutputs
from siaga.core.errors import NotSupported

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)


@pytest.fixture
async def siren(tmp_path):
    async with OwnServices(tmp_path, clock=ManualClock(START)) as services:
        done = []

        async def set_output(number, is_on):
            done.append((number, is_on))

        outputs = DeviceOutputs(services, {"siren": 1, "lamp": 2}, set_output)
        outputs.done, outputs.clock = done, services.clock
        yield outputs


async def pass_s(outputs, seconds):
    for _ in range(seconds):
        await outputs.clock.advance(1)
        for _ in range(3):
            await asyncio.sleep(0)


async def test_what_was_asked_for_a_while_goes_off_by_itself(siren):
    await siren.switch("siren", True, 10)
    await pass_s(siren, 9)
    assert siren.done == [(1, True)]
    await pass_s(siren, 2)
    assert siren.done == [(1, True), (1, False)]


async def test_a_newer_command_is_not_cut_short_by_the_older_ones_end(siren):
    await siren.switch("siren", True, 10)
    await pass_s(siren, 5)
    await siren.switch("siren", True, 20)
    await pass_s(siren, 15)
    assert (1, False) not in siren.done
    await pass_s(siren, 6)
    assert siren.done[-1] == (1, False)


async def test_outputs_stand_side_by_side_and_unknown_ones_are_named(siren):
    await siren.switch("lamp", True, 0)
    await siren.switch("siren", True, 5)
    await pass_s(siren, 60)
    assert siren.done == [(2, True), (1, True), (1, False)]
    with pytest.raises(NotSupported, match="siren, lamp"):
        await siren.switch("pintu", True, 0)
    with pytest.raises(NotSupported):
        await siren.play("awas")
