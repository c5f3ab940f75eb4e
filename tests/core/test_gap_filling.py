"""Gaps are filled from a camera's card: when, how often it is tried, and what is told of it."""

import itertools
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from siaga.core.bus import Bus
from siaga.core.card_recordings import RecordedSpan, ReplaySource
from siaga.core.clip_index import ClipIndex
from siaga.core.contracts import StreamSource
from siaga.core.device_clocks import DeviceClocks
from siaga.core.errors import CameraLost, MediaError, NotSupported
from siaga.core.event_log import Committed, EventLog
from siaga.core.gap_book import GapBook
from siaga.core.gap_filling import GapFilling
from siaga.core.journal import Journal
from siaga.core.settings import CameraSettings, RecordSettings
from siaga.core.texts import Texts
from siaga.core.types import Clip, Event

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)


class SetClock:
    """A clock that a test moves."""

    def __init__(self):
        self.moment, self.mono = NOW, 1000.0

    def now(self):
        return self.moment

    def mono_s(self):
        return self.mono

    def go_on(self, seconds):
        self.moment += timedelta(seconds=seconds)
        self.mono += seconds


class Card:
    """A camera with a card; its clock is ahead."""

    ptz = None

    def __init__(self, clock):
        self.clock, self.ahead, self.error, self.asked, self.spans = clock, timedelta(0), None, [], None

    async def device_time(self):
        return self.clock.now() + self.ahead

    async def recordings(self, begin, end):
        self.asked.append((begin, end))
        if self.error:
            raise self.error
        return [RecordedSpan(begin=begin, end=end)] if self.spans is None else self.spans

    async def replay(self, begin, end):
        return ReplaySource(source=StreamSource(role="main", url="rtsp://h/card"), begin=begin)


class Site:
    """The parts of a hub that filling needs: real books, and a recorder that answers as told."""

    def __init__(self, journal, clock):
        self.journal, self.clock, self.bus, self.texts = journal, clock, Bus(), Texts("en")
        self.told, self.orders, self.fails = [], [], ""
        self.media = self
        self.camera = Card(clock)
        self.cameras = {"gang": self.camera}

    async def open(self, tmp_path):
        self.gaps, self.clips = await GapBook.open(self.journal), await ClipIndex.open(self.journal)
        self.events = await EventLog.open(self.journal, self.bus)
        record = RecordSettings(fill_gaps=True)
        settings = CameraSettings(id="gang", type="x", name="Gang", record=record)
        site, storage = SimpleNamespace(id="kebon"), SimpleNamespace(keep_days=14)
        self.settings = SimpleNamespace(cameras={"gang": settings}, site=site, storage=storage)
        clocks = DeviceClocks("kebon", clock=self.clock, emit=self.emit, show=self.emit)
        self.filling = GapFilling(self, clocks)

    async def emit(self, event):
        self.told.append((event.kind, event.data))
        return len(self.told)

    def fetch(self, order):
        self.orders.append(order)
        if self.fails:
            data = {"clip": order.clip, "reason": self.fails}
            event = Event(id="e", site="kebon", kind="clip.failed", at=NOW, camera="gang", data=data)
            self.bus.publish(Committed(seq=1, event=event))
            return
        end = order.begin + timedelta(seconds=order.seconds)
        facts = {"codec": "h264", "size_bytes": 1, "sha256": "00", "keys": (order.key,), "origin": "card"}
        self.bus.publish(Clip(id=order.clip, camera="gang", path="x", start=order.begin, end=end, **facts))

    async def miss(self, seconds):
        begin = self.clock.now()
        await self.gaps.begin("gang", begin, "no link")
        self.clock.go_on(seconds)
        await self.gaps.end("gang", self.clock.now())
        return begin


@pytest.fixture
async def site(tmp_path: Path):
    journal = await Journal.open(tmp_path / "siaga.db")
    made = Site(journal, SetClock())
    await made.open(tmp_path)
    yield made
    await journal.close()


async def test_a_gap_is_filled_once_the_camera_is_stable_and_the_gap_names_its_clip(site):
    begin = await site.miss(60)
    site.clock.go_on(10)
    await site.filling.look()
    assert not site.orders  # it may go away again
    site.clock.go_on(25)
    await site.filling.look()
    [order] = site.orders
    assert order.begin == begin - timedelta(seconds=2) and order.seconds == 64
    [gap] = await site.gaps.find("gang", begin)
    assert gap.filled_by == order.clip
    assert site.told == [("gap.filled", {"gap": gap.number, "clip": order.clip, "seconds": 64.0})]
    await site.filling.look()
    assert len(site.orders) == 1


async def test_a_camera_whose_clock_is_ahead_is_asked_by_its_own_clock_and_the_clip_has_true_times(site):
    site.camera.ahead = timedelta(minutes=7)
    begin = await site.miss(60)
    site.clock.go_on(60)
    await site.filling.look()
    assert abs(site.camera.asked[0][0] - (begin + timedelta(minutes=7, seconds=-2))) < timedelta(seconds=0.1)
    assert abs(site.orders[0].begin - (begin - timedelta(seconds=2))) < timedelta(seconds=0.1)


async def test_no_more_of_a_long_gap_is_fetched_than_allowed(site):
    await site.miss(7200)
    site.clock.go_on(60)
    await site.filling.look()
    assert site.orders[0].seconds == 600


async def test_a_hiccup_is_not_fetched(site):
    await site.miss(3)
    site.clock.go_on(60)
    await site.filling.look()
    assert not site.camera.asked


async def test_files_of_a_card_that_follow_one_another_are_one_stretch(site):
    begin = await site.miss(60)
    middle = begin + timedelta(seconds=30)
    later = begin + timedelta(seconds=31)
    site.camera.spans = [
        RecordedSpan(begin=later, end=begin + timedelta(hours=1)),
        RecordedSpan(begin=begin - timedelta(hours=1), end=middle),
    ]
    site.clock.go_on(60)
    await site.filling.look()
    assert site.orders[0].seconds == 64


@pytest.mark.parametrize(("error", "fails"), [(CameraLost("away"), ""), (None, "disk full")])
async def test_what_fails_is_tried_again_later_and_later_and_given_up_with_the_reason(site, error, fails):
    site.camera.error, site.fails = error, fails
    await site.miss(60)
    site.clock.go_on(31)
    times = []
    for _ in range(400):
        before = len(site.camera.asked)
        await site.filling.look()
        if len(site.camera.asked) > before:
            times.append(site.clock.mono_s())
        site.clock.go_on(10)
    waits = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert waits == [60, 120, 240, 480]
    assert [kind for kind, _ in site.told] == ["gap.given_up"]
    assert site.told[0][1]["reason"] == ("away" if error else "disk full")


async def test_a_camera_that_keeps_nothing_is_asked_once(site):
    site.camera.error = NotSupported("no card")
    await site.miss(60)
    for _ in range(20):
        site.clock.go_on(60)
        await site.filling.look()
    assert len(site.camera.asked) == 1 and site.told[0][0] == "gap.given_up"


async def test_a_clip_that_came_while_the_hub_was_away_fills_its_gap_without_a_second_fetch(site):
    begin = await site.miss(60)
    [gap] = await site.gaps.find("gang", begin)
    facts = {"codec": "h264", "size_bytes": 1, "sha256": "00", "keys": (f"gap:{gap.number}.",), "origin": "card"}
    await site.clips.add(Clip(id="c9", camera="gang", path="x", start=begin, end=begin, **facts))
    site.clock.go_on(60)
    await site.filling.look()
    assert not site.orders
    assert (await site.gaps.find("gang", begin))[0].filled_by == "c9"


async def test_while_the_recorder_is_away_nothing_is_lost(site):
    def away(order):
        raise MediaError("recorder away")

    site.media = SimpleNamespace(fetch=away)
    begin = await site.miss(60)
    site.clock.go_on(60)
    await site.filling.look()
    site.media = site
    site.clock.go_on(120)
    await site.filling.look()
    assert (await site.gaps.find("gang", begin))[0].filled_by == site.orders[0].clip
