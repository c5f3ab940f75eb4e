"""A camera on a weak network steps down and up again, with patience, and the recorder is given what belongs to it."""

import asyncio
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.bandwidth import FIRST_QUIET_S, LONGEST_QUIET_S, LOSSES, WITHIN_S, Bandwidth, Ladder
from siaga.core.clock import ManualClock
from siaga.core.contracts import StreamSource
from siaga.core.media.messages import StreamReport
from siaga.core.settings import BandwidthSettings, CameraSettings
from siaga.core.tasks import Tasks

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
STEPS = ("full", "sub", "snapshot")


# --- when ---------------------------------------------------------------------------------------------


def test_three_losses_soon_after_each_other_are_a_weak_network_and_two_are_not():
    ladder = Ladder(STEPS, 0)
    assert not ladder.lose(10)
    assert not ladder.lose(20)
    assert ladder.lose(30)
    assert ladder.step == "sub"


def test_losses_far_apart_are_borne():
    ladder = Ladder(STEPS, 0)
    assert not any(ladder.lose(number * WITHIN_S) for number in range(1, 20))


def test_after_a_quiet_time_a_step_up_is_tried_and_a_failed_try_is_waited_for_longer():
    ladder = Ladder(STEPS, 0)
    for now_s in (1, 2, 3):
        ladder.lose(now_s)
    assert not ladder.look(3 + FIRST_QUIET_S - 1)
    assert ladder.look(3 + FIRST_QUIET_S)
    assert ladder.step == "full"
    back_s = 3 + FIRST_QUIET_S + 10
    for now_s in (back_s, back_s + 1, back_s + 2):
        ladder.lose(now_s)
    assert ladder.step == "sub"
    assert not ladder.look(back_s + 2 + FIRST_QUIET_S)
    assert ladder.look(back_s + 2 + 2 * FIRST_QUIET_S)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 900), st.booleans()), max_size=200))
def test_whatever_happens_the_ladder_neither_leaves_its_steps_nor_hurries(happenings):
    ladder, now_s, last_up_s, losses = Ladder(STEPS, 0), 0.0, float("-inf"), 0
    for passed_s, is_loss in happenings:
        now_s += passed_s
        before = STEPS.index(ladder.step)
        moved = ladder.lose(now_s) if is_loss else ladder.look(now_s)
        losses = losses + 1 if is_loss else losses
        after = STEPS.index(ladder.step)
        assert abs(after - before) == (1 if moved else 0)
        if moved and not is_loss:
            assert now_s - last_up_s >= FIRST_QUIET_S
            last_up_s = now_s
        if moved and is_loss:
            assert losses >= LOSSES
            losses = 0
    # and in the end every network gets its chance again
    for _ in range(len(STEPS)):
        now_s += LONGEST_QUIET_S
        ladder.look(now_s)
    assert ladder.step == "full"


# --- what is done -------------------------------------------------------------------------------------


class Media:
    """Remember what the recorder is given, and be as lossy as a test wants."""

    def __init__(self) -> None:
        self.opened = []
        self.losses = 0
        self.lag_s, self.is_link_full = 0.0, False

    async def open_camera(self, settings, sources, last=()):
        self.opened.append(sources)

    def stream(self, camera, role):
        if role != "main":
            return None
        its = {"losses": self.losses, "lag_s": self.lag_s, "is_link_full": self.is_link_full}
        return StreamReport(camera=camera, role=role, condition="live", **its)


class Plain:
    """A camera without still pictures."""


class Snapping:
    picture = b"\xff\xd8satu\xff\xd9"
    asked = 0

    async def snapshot(self):
        self.asked += 1
        return self.picture


SOURCES = (
    StreamSource(role="main", url="rtsp://10.0.5.21/main"),
    StreamSource(role="sub", url="rtsp://10.0.5.21/sub"),
)


class Desk:
    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.tasks = Tasks(self.clock)
        self.media = Media()
        self.told = []
        self.bandwidth = Bandwidth("kebon-baru", clock=self.clock, media=self.media, emit=self.emit)
        self.bandwidth.start(self.tasks)

    async def emit(self, event):
        self.told.append((event.kind, event.data["from"], event.data["step"], event.data["why"]))
        return 1

    async def open(self, camera, mode="auto", sources=SOURCES):
        its = CameraSettings(id="kali", type="uji", name="Kali", bandwidth=BandwidthSettings(mode=mode, every_s=5))
        return await self.bandwidth.opened(its, camera, sources)

    async def lose(self, times=LOSSES):
        for _ in range(times):
            self.media.losses += 1
            await self.clock.advance(10)
            await self.bandwidth.look()
        self.media.losses = 0


@pytest.fixture
async def desk():
    opened = Desk()
    yield opened
    await opened.tasks.stop(1)


async def test_a_weak_network_leaves_the_small_stream_for_recording_and_for_the_eyes(desk):
    assert await desk.open(Plain()) == SOURCES
    await desk.lose()
    [[left]] = desk.media.opened
    assert (left.role, left.url) == ("main", "rtsp://10.0.5.21/sub")
    assert desk.told == [("camera.bandwidth", "full", "sub", "weak")]
    await desk.lose()
    [[visited]] = desk.media.opened[1:]
    assert (visited.url, visited.role, visited.keyframe_every_s) == ("rtsp://10.0.5.21/sub", "main", 5)
    await desk.lose()
    assert len(desk.told) == 2  # nothing below: this camera has no still pictures
    await desk.clock.advance(FIRST_QUIET_S + 10)
    await desk.bandwidth.look()
    await desk.clock.advance(FIRST_QUIET_S + 10)
    await desk.bandwidth.look()
    assert desk.media.opened[-1] == SOURCES
    assert desk.told[-1] == ("camera.bandwidth", "sub", "full", "quiet")


async def test_a_network_that_bears_no_stream_gets_a_picture_now_and_then(desk):
    camera = Snapping()
    await desk.open(camera)
    for _ in range(3):
        await desk.lose()
    [source] = desk.media.opened[-1]
    assert source.url.startswith("http://127.0.0.1:")
    for _ in range(3):
        await desk.clock.advance(5)
        await asyncio.sleep(0.01)
    assert camera.asked >= 3
    assert desk.bandwidth.steps == {"kali": "snapshot"}


async def test_a_step_that_the_operator_chose_stays(desk):
    [only] = await desk.open(Plain(), mode="sub")
    assert only.url == "rtsp://10.0.5.21/sub"
    await desk.lose(10)
    assert desk.told == []


async def test_a_camera_with_one_stream_has_no_smaller_one(desk):
    assert await desk.open(Plain(), mode="sub", sources=SOURCES[:1]) == SOURCES[:1]
    await desk.lose(10)
    assert desk.media.opened == []


async def test_a_stream_that_falls_behind_on_a_full_link_steps_down_at_the_second_look(desk):
    await desk.open(Plain())
    desk.media.lag_s = 20.0
    for _ in range(5):
        await desk.bandwidth.look()
    assert desk.told == [], "late by its stamps alone is no fault of the link"
    desk.media.is_link_full = True
    await desk.bandwidth.look()
    assert desk.told == []
    await desk.bandwidth.look()
    assert desk.told == [("camera.bandwidth", "full", "sub", "behind")]


async def test_a_camera_that_was_started_again_keeps_its_step(desk):
    camera = Plain()
    await desk.open(camera)
    await desk.lose()
    [again] = await desk.open(camera)
    assert again.url == "rtsp://10.0.5.21/sub"
