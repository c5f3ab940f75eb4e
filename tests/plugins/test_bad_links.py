"""Links that fail between Siaga and a camera's control side: each kind comes back by itself, and no other notices."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from dahua_device import DahuaDevice
from hikvision_device import HikvisionDevice
from onvif_device import OnvifPlayed, message
from plugin_services import OwnServices
from tcp_faults import Fault

from siaga.core.errors import CameraError
from siaga.core.settings import CameraSettings
from siaga.core.tasks import Crash, fenced
from siaga.plugins.cameras import dahua, hikvision, onvif

pytestmark = pytest.mark.slow
# A broken stream is read again after a second or some; a busy machine takes longer.
LIMIT_S = 40.0


async def hikvision_tells(device, is_on):
    await device.tell("tamperdetection", "active" if is_on else "inactive")


async def dahua_tells(device, is_on):
    await device.tell("VideoBlind", "Start" if is_on else "Stop")


async def onvif_tells(device, is_on):
    device.tell(message("tns1:Device/Trigger/DigitalInput", {"LogicalState": str(is_on).lower()}, {"InputToken": "1"}))


KINDS = {
    "hikvision": (hikvision, HikvisionDevice, hikvision_tells, "device.tamper"),
    "dahua": (dahua, DahuaDevice, dahua_tells, "device.tamper"),
    "onvif": (onvif, OnvifPlayed, onvif_tells, "device.input"),
}


class Watched:
    """One camera of a kind behind a proxy, and what it told."""

    def __init__(self, name, device, fault, services):
        plugin, _, self.tells, self.kind = KINDS[name]
        [kind] = plugin.offer_cameras()
        options = kind.schema(device.options(port=fault.port))
        self.device, self.fault, self.services = device, fault, services
        self.camera = kind.make(CameraSettings(id="gang", type=name, name="Gang", options=options), services)

    async def hears(self):
        """Let the device tell again and again until an event of it has come."""
        before = len(self.services.emitted)
        is_on = True
        async with asyncio.timeout(LIMIT_S):
            while not any(kind == self.kind for kind, _ in self.services.emitted[before:]):
                await fenced(partial(self.tells, self.device, is_on))
                is_on = not is_on
                await asyncio.sleep(0.1)


@asynccontextmanager
async def watched(name, folder):
    async with OwnServices(folder) as services, KINDS[name][1]() as device, Fault(device.port) as fault:
        one = Watched(name, device, fault, services)
        yield one
        fault.set("cut")
        async with asyncio.timeout(10):
            await one.camera.stop()
        assert await services.close() == ()  # no task is left


@pytest.mark.parametrize("fault", ["cut", "garbage", "hang", "slow", "half-open"])
@pytest.mark.parametrize("name", KINDS)
async def test_a_camera_comes_back_by_itself_and_the_one_beside_it_never_notices(name, fault, tmp_path):
    async with watched(name, tmp_path / "a") as bad, watched(name, tmp_path / "b") as sound:
        for one in (bad, sound):
            await one.camera.start()
            await one.hears()
        bad.fault.set(fault)
        await sound.hears()
        async with asyncio.timeout(LIMIT_S):
            outcome = await fenced(bad.camera.snapshot)
        if fault != "slow":
            assert isinstance(outcome, Crash) and isinstance(outcome.error, CameraError)
            assert str(outcome.error) and bad.camera._options["password"] not in str(outcome.error)
        bad.fault.set("pass")
        await bad.hears()
        await sound.hears()


@pytest.mark.parametrize("fault", ["cut", "garbage", "hang"])
@pytest.mark.parametrize("name", KINDS)
async def test_a_camera_that_cannot_be_started_says_so_and_can_be_started_later(name, fault, tmp_path):
    async with watched(name, tmp_path) as one:
        one.fault.set(fault)
        async with asyncio.timeout(LIMIT_S):
            outcome = await fenced(one.camera.start)
        assert isinstance(outcome, Crash) and isinstance(outcome.error, CameraError)
        one.fault.set("pass")
        await one.camera.start()
        await one.hears()
