"""The first page with every camera, and the page of one camera."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from ..core.contracts import Ptz
from ..core.errors import CameraError, MediaError, SiagaError
from .camera_states import CameraStates, camera_ids
from .event_words import EventCard, is_important
from .parts import parts_of, visitor_of

NEWEST = 8
NEWEST_CLIPS = 3
# An eye that was restarted counts its things from one again.
SAME_THING = timedelta(minutes=2)
LOOKED_THROUGH = 200
# The widths that pages ask for; a free choice would make the eye encode anything anybody types.
WIDTHS = {"480": 480, "960": 960}
PTZ_WITHIN_S = 10.0
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
        "events": await _newest(request, None),
        "problems": [p for p in parts_of(request).hub.problems if not p.path.startswith("cameras.")],
    }
    return parts_of(request).page(request, "home.html", values)


async def show_camera(request: web.Request) -> web.StreamResponse:
    """Show one camera: its picture, streams, zones, presets, events and clips."""
    return await _camera_page(request, "", 200)


async def show_picture(request: web.Request) -> web.StreamResponse:
    """Answer with what the camera sees now; 503 with the reason where it sees nothing."""
    camera = _known(request)
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


async def go_to_preset(request: web.Request) -> web.StreamResponse:
    """Turn a camera to a preset; written into the audit whether it went well or not."""
    parts, camera_id = parts_of(request), _known(request)
    account = visitor_of(request).account
    preset = str((await request.post()).get("preset", ""))[:100]
    camera = parts.hub.cameras.get(camera_id)
    if account is None or not account.may_act:
        await parts.note(request, "ptz.refused", camera_id, preset=preset)
        raise web.HTTPForbidden()
    if camera is None or camera.ptz is None:
        raise web.HTTPNotFound()
    try:
        async with asyncio.timeout(PTZ_WITHIN_S):
            await camera.ptz.goto(preset)
    except TimeoutError:
        error = parts.wording(visitor_of(request)).texts("web.ptz.late")
    except SiagaError as err:
        error = str(err)
    else:
        await parts.note(request, "ptz.goto", camera_id, preset=preset)
        raise web.HTTPSeeOther(f"/cameras/{quote(camera_id)}?preset={quote(preset)}")
    await parts.note(request, "ptz.failed", camera_id, preset=preset, error=error)
    return await _camera_page(request, error, 502)


async def _camera_page(request: web.Request, error: str, status: int) -> web.StreamResponse:
    parts, camera_id = parts_of(request), _known(request)
    wording = parts.wording(visitor_of(request))
    settings = parts.hub.settings.cameras.get(camera_id)
    camera = parts.hub.cameras.get(camera_id)
    presets, ptz_error = await _presets(camera.ptz if camera else None, wording.texts("web.ptz.late"))
    clips = await parts.hub.clips.find(camera=camera_id, limit=NEWEST_CLIPS)
    moved = request.query.get("preset", "")
    zones = settings.zones if settings else {}
    values = {
        "camera": states_of(request).one(camera_id),
        "zones": {name: _points(polygon) for name, polygon in zones.items()},
        "has_ptz": camera is not None and camera.ptz is not None,
        "presets": presets,
        "ptz_error": error or ptz_error,
        "moved": moved if moved in presets else "",
        "events": await _newest(request, camera_id),
        "clips": clips,
    }
    return parts.page(request, "camera.html", values, status=status)


async def _presets(ptz: Ptz | None, late: str) -> tuple[tuple[str, ...], str]:
    if ptz is None:
        return (), ""
    try:
        async with asyncio.timeout(PRESETS_WITHIN_S):
            return await ptz.presets(), ""
    except TimeoutError:
        return (), late
    except CameraError as err:
        return (), str(err)


async def _newest(request: web.Request, camera: str | None) -> list[EventCard]:
    parts = parts_of(request)
    words = parts.words(visitor_of(request))
    found = await parts.hub.events.find(camera=camera, limit=LOOKED_THROUGH if camera is None else 30)
    cards = [words.card(item.event) for item in found if is_important(item.event)]
    return _once(cards)[:NEWEST]


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


def _known(request: web.Request) -> str:
    camera = request.match_info["camera"]
    if camera not in camera_ids(parts_of(request).hub):
        raise web.HTTPNotFound()
    return camera


def _points(polygon: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{x * 100:.2f},{y * 100:.2f}" for x, y in polygon)
