"""The hub's loop is held up by somebody's code: that is told with the line."""

import asyncio
import time
from datetime import datetime, timezone

from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.health import HealthBook
from siaga.core.loop_watch import PART, LoopWatch
from siaga.core.texts import Texts


def hold_up():
    time.sleep(1.2)


async def test_who_holds_up_the_loop_is_named_with_file_line_and_function():
    health = HealthBook(Bus(), ManualClock(datetime(2026, 11, 25, tzinfo=timezone.utc)))
    watch = LoopWatch(health, Texts("en"))
    await watch.start()
    try:
        hold_up()
        async with asyncio.timeout(10):
            while "(hold_up)" not in health.get(PART).reason:
                await asyncio.sleep(0.02)
        assert "test_loop_watch.py:" in health.get(PART).reason
        assert health.get(PART).figures["longest_stall_s"] > 1.0
    finally:
        await watch.stop()
