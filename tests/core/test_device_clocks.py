"""How far a camera's clock is off is measured, shown, and told once when it matters."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from siaga.core.clock import ManualClock
from siaga.core.device_clocks import DeviceClocks
from siaga.core.errors import CameraLost
from siaga.core.tasks import Tasks

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)


class Camera:
    """Tell a time that is off by so much, or fail."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.off = timedelta(0)
        self.error = None

    async def device_time(self):
        if self.error:
            raise self.error
        return self._clock.now() + self.off


class Watch:
    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.tasks = Tasks(self.clock)
        self.told, self.shown = [], []
        self.camera = Camera(self.clock)
        self.clocks = DeviceClocks("kebon-baru", clock=self.clock, emit=self.emit, show=self.show)
        self.clocks.start(self.tasks, {"kali": self.camera, "tanpa-jam": object()})

    async def emit(self, event):
        self.told.append((event.data["offset_s"], event.data["is_right"]))
        return 1

    async def show(self, reading):
        self.shown.append(reading.data["offset_s"])

    async def hours(self, count):
        for _ in range(round(count * 12)):
            await self.clock.advance(300)
            for _ in range(5):
                await asyncio.sleep(0)


@pytest.fixture
async def watch():
    opened = Watch()
    yield opened
    await opened.tasks.stop(1)


async def test_a_clock_that_is_right_is_shown_and_not_told(watch):
    await watch.hours(3)
    assert set(watch.shown) == {0.0}
    assert watch.told == []


async def test_a_clock_that_goes_wrong_is_told_once_and_once_when_it_is_right_again(watch):
    watch.camera.off = timedelta(seconds=90)
    await watch.hours(4)
    watch.camera.off = timedelta(seconds=20)  # nearly right is not right yet
    await watch.hours(2)
    watch.camera.off = timedelta(seconds=-3)
    await watch.hours(2)
    assert watch.told == [(90.0, False), (-3.0, True)]


@pytest.mark.parametrize("error", [CameraLost("mati"), RuntimeError("rusak")])
async def test_a_camera_that_does_not_say_is_asked_again_later(watch, error):
    watch.camera.error = error
    await watch.hours(2)
    assert watch.shown == []
    watch.camera.error = None
    await watch.hours(2)
    assert watch.shown


async def test_an_answer_that_is_no_time_is_none(watch):
    watch.camera.off = None
    watch.camera.device_time = lambda: asyncio.sleep(0, "pukul tiga")
    assert await watch.clocks.measure("kali", watch.camera) is None
