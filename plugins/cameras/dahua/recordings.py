"""What a Dahua device keeps itself, and where it is played (mediaFileFind, RTSP cam/playback); local times."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from datetime import datetime, timezone, tzinfo
from typing import Protocol

from ....core import CameraError, NotSupported, RecordedSpan
from .cgi import pairs

_AT_ONCE = 100
_ITEM = re.compile(r"items\[(\d+)\]\.(StartTime|EndTime)")


class Ask(Protocol):
    """How a device's CGI is asked."""

    def __call__(self, cgi: str, **asked: str | int) -> Awaitable[str]:
        """Return the answer's text."""
        ...


async def find_recordings(
    ask: Ask, channel: int, wanted: tuple[datetime, datetime], zone: tzinfo
) -> list[RecordedSpan]:
    """Return the files of a channel between two moments, 100 at most."""
    finder = pairs(await ask("mediaFileFind", action="factory.create")).get("result", "")
    first, last = (f"{one.astimezone(zone):%Y-%m-%d %H:%M:%S}" for one in wanted)
    conditions: dict[str, str | int] = {
        "condition.Channel": channel,
        "condition.StartTime": first,
        "condition.EndTime": last,
    }
    try:
        try:
            await ask("mediaFileFind", action="findFile", object=finder, **conditions)
        except NotSupported:
            return []  # so it says that there is nothing
        told = pairs(await ask("mediaFileFind", action="findNextFile", object=finder, count=_AT_ONCE))
    finally:
        for action in ("close", "destroy"):
            try:
                await ask("mediaFileFind", action=action, object=finder)
            except CameraError:
                break  # a device forgets its finders by itself
    return _spans(told, zone)


def playback_path(channel: int, begin: datetime, end: datetime, zone: tzinfo) -> str:
    """Return the path and query of the RTSP address that plays a time."""
    first, last = (f"{one.astimezone(zone):%Y_%m_%d_%H_%M_%S}" for one in (begin, end))
    return f"/cam/playback?channel={channel}&starttime={first}&endtime={last}"


def _spans(told: dict[str, str], zone: tzinfo) -> list[RecordedSpan]:
    times: dict[str, dict[str, datetime]] = {}
    for key, value in told.items():
        if found := _ITEM.fullmatch(key):
            try:
                local = datetime.strptime(value.strip(), "%Y-%m-%d %H:%M:%S")
            except ValueError:
                continue
            times.setdefault(found[1], {})[found[2]] = local.replace(tzinfo=zone).astimezone(timezone.utc)
    return [RecordedSpan(begin=one["StartTime"], end=one["EndTime"]) for one in times.values() if len(one) == 2]
