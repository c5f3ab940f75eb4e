"""The first page with every camera, and the page of one camera."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple, TypeVar

from aiohttp import web

from ..core.contracts import Ptz
from ..core.errors import MediaError, SiagaError
from ..core.settings import CameraSettings
from ..core.tasks import Crash, fenced, fenced_call
from ..core.types import Polygon
from .camera_states import CameraStates, camera_ids
from .event_words import UNIMPORTANT, EventCard
from .pages_incidents import waiting
from .parts import Parts, parts_of, visitor_of
from .ptz_panel import PtzPanel, panel_now

logger = logging.getLogger(__name__)
T = TypeVar("T")

NEWEST = 8
NEWEST_CLIPS = 3
NEWEST_GAPS, GAPS_SHOWN = 10, timedelta(days=7)
# An eye that was restarted counts its things from one again.
SAME_THING = timedelta(minutes=2)
# Several of one thing make one row.
LOOKED_THROUGH = 60
# The widths that pages ask for; a free choice would make the eye encode anything anybody types.
WIDTHS = {"480": 480, "960": 960}
PRESETS_WITHIN_S = 3.0


def states_of(request: web.Request) -> CameraStates:
    """Return how the cameras are, in the visitor's language."""
    parts, visitor = parts_of(request), visitor_of(request)
    return CameraStates(parts.hub, parts.wording(visitor), parts.words(visitor))


async def show_home(request: web.Request) -> web.StreamResponse:
    """Show every camera and the newest events that matter."""
    cameras = states_of(request).all()
    values = {
        "cameras": cameras,
        "tones": Counter(camera.tone for camera in cameras),
        "incidents": await waiting(request),
        "events": await _newest(request, None),
        "problems": [p for p in parts_of(request).hub.problems if not p.path.startswith("cameras.")],
    }
    return parts_of(request).page(request, "home.html", values)


async def show_camera(request: web.Request) -> web.StreamResponse:
    """Show one camera: its picture, streams, zones, presets, events and clips."""
    return await camera_page(request)


async def show_picture(request: web.Request) -> web.StreamResponse:
    """Answer with what the camera sees now; 503 with the reason where it sees nothing."""
    camera = known_camera(request)
    state = states_of(request).one(camera)
    if not state.has_picture:
        raise web.HTTPServiceUnavailable(text=": ".join(filter(None, (state.state_word, state.reason))))
    try:
        picture = await parts_of(request).pictures.take(camera, WIDTHS.get(request.query.get("width", "")))
    except MediaError as err:
        raise web.HTTPServiceUnavailable(text=str(err)) from err
    wording = parts_of(request).wording(visitor_of(request))
    # The reader's clock may be wrong: how old the picture is, is said by ours.
    age_s = (parts_of(request).hub.clock.now() - picture.at).total_seconds()
    headers = {
        "Cache-Control": "no-store",
        "X-Taken": picture.at.isoformat(),
        "X-Time": wording.exact_time(picture.at),
        "X-Age": f"{max(0.0, age_s):.1f}",
    }
    return web.Response(body=picture.jpeg, content_type="image/jpeg", headers=headers)


async def camera_page(
    request: web.Request, told: PtzPanel | None = None, status: int = 200, asked: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Show one camera; ``told`` is how a command went, ``asked`` its form, to be sent again after a confirmation."""
    parts, camera_id = parts_of(request), known_camera(request)
    settings = parts.hub.settings.cameras.get(camera_id)
    ptz = _ptz_of(parts, camera_id)
    panel = told or (panel_now(request, camera_id) if ptz is not None else None)
    presets, ptz_error = await _presets(request, ptz)
    clips = await parts.hub.clips.find(camera=camera_id, limit=NEWEST_CLIPS)
    moved = request.query.get("preset", "")
    state = parts.hub.ptz.state(camera_id)
    values = {
        "camera": states_of(request).one(camera_id),
        "zones": [(zone, preset, _points(polygon)) for zone, preset, polygon in _zones(settings)],
        "panel": panel,
        "abilities": state.abilities if state is not None else (),
        "home": state.home if state is not None else "",
        "presets": presets,
        "ptz_error": ptz_error,
        "moved": moved if moved in presets else "",
        "asked": [(key, value) for key, value in (asked or {}).items() if key not in ("csrf", "take_over")],
        "events": await _newest(request, camera_id),
        "gaps": await parts.hub.gaps.find(camera_id, parts.hub.clock.now() - GAPS_SHOWN, NEWEST_GAPS),
        "bandwidth": parts.hub.bandwidth.get(camera_id, "full"),
        "clock_off_s": _clock_off_s(parts, camera_id),
        "clips": clips,
    }
    return parts.page(request, "camera.html", values, status=status)


def _clock_off_s(parts: Parts, camera_id: str) -> int | None:
    """Return by how many seconds a camera's clock is ahead; None where it never said."""
    reading = parts.hub.readings.get((camera_id, "camera.clock", None))
    offset_s = reading.data.get("offset_s") if reading is not None else None
    return round(offset_s) if isinstance(offset_s, int | float) else None


def _zones(settings: CameraSettings | None) -> Iterator[tuple[str, str, Polygon]]:
    """Yield every zone with the preset at which it counts, "" for always."""
    if settings is not None:
        yield from ((zone, "", polygon) for zone, polygon in settings.zones.items())
        for preset, its in settings.preset_zones.items():
            yield from ((zone, preset, polygon) for zone, polygon in its.items())


class _Refusal(NamedTuple):
    why: str


async def _ask(request: web.Request, within_s: float, work: Callable[[], Awaitable[T]]) -> T | _Refusal:
    """Ask a camera that a plugin brings: whatever it raises is told on the page, and breaks no page."""
    parts = parts_of(request)
    texts = parts.wording(visitor_of(request)).texts
    try:
        async with asyncio.timeout(within_s):
            answer = await fenced(work)
    except TimeoutError:
        return _Refusal(texts("web.ptz.late"))
    if not isinstance(answer, Crash):
        return answer
    if isinstance(answer.error, SiagaError):
        return _Refusal(str(answer.error))
    logger.error("camera %s: its plugin failed: %s", request.match_info["camera"], answer, exc_info=answer.error)
    return _Refusal(texts("web.ptz.broken", error=type(answer.error).__name__))


def _ptz_of(parts: Parts, camera_id: str) -> Ptz | None:
    camera = parts.hub.cameras.get(camera_id)
    ptz = fenced_call(lambda: camera.ptz) if camera is not None else None
    if isinstance(ptz, Crash):
        logger.error("camera %s: its plugin failed: %s", camera_id, ptz, exc_info=ptz.error)
        return None
    return ptz


async def _presets(request: web.Request, ptz: Ptz | None) -> tuple[tuple[str, ...], str]:
    if ptz is None:
        return (), ""

    async def names() -> tuple[str, ...]:
        return tuple(str(name) for name in await ptz.presets())

    answer = await _ask(request, PRESETS_WITHIN_S, names)
    return ((), answer.why) if isinstance(answer, _Refusal) else (answer, "")


async def _newest(request: web.Request, camera: str | None) -> list[EventCard]:
    parts = parts_of(request)
    words = parts.words(visitor_of(request))
    # What happens all the time is left out by the search: else an hour of motion pushes the flood off the page.
    found = await parts.hub.events.find(camera=camera, without=UNIMPORTANT, limit=LOOKED_THROUGH)
    return _once([words.card(item.event) for item in found])[:NEWEST]


def _once(cards: list[EventCard]) -> list[EventCard]:
    """Drop what tells of a thing that a newer card tells of already."""
    kept: list[EventCard] = []
    last: dict[str, EventCard] = {}
    for card in cards:
        newer = last.get(card.thing) if card.thing else None
        if newer is None or newer.at - card.at > SAME_THING:
            kept.append(card)
            last[card.thing] = card
    return kept


def known_camera(request: web.Request) -> str:
    """Return the camera of the address; 404 where there is none."""
    camera = request.match_info["camera"]
    if camera not in camera_ids(parts_of(request).hub):
        raise web.HTTPNotFound()
    return camera


def _points(polygon: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{x * 100:.2f},{y * 100:.2f}" for x, y in polygon)
