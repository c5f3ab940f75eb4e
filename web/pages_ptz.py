"""Turning a camera from its page: commands to the PTZ desk, their answers, and how the camera is shared meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

import msgspec
from aiohttp import web

from ..core.errors import SiagaError
from ..core.ptz.lease import CameraHeld, Mover
from ..core.types import Json
from .accounts import Account
from .pages_cameras import camera_page, known_camera
from .parts import parts_of, visitor_of
from .ptz_panel import PtzPanel, held_words, panel_now

# As long as the desk's own limit, and a little for what waits before it.
PTZ_WITHIN_S = 12.0
# A finger on a button asks again each second: a browser that is gone turns the camera no longer than this.
MOVE_S = 1.5
LONGEST_NAME = 60

Form = Mapping[str, str]
Command = Callable[[web.Request, str, Mover, Form], Awaitable[None]]


async def command(request: web.Request) -> web.StreamResponse:
    """Do what a form asks of a camera; a page answers with itself, a script gets what changed."""
    parts, camera = parts_of(request), known_camera(request)
    account = visitor_of(request).account
    form = {key: str(value)[:100] for key, value in (await request.post()).items()}
    verb = form.get("do", "goto")
    if account is None or not _may(account, verb):
        await parts.note(request, "ptz.refused", camera, command=verb, preset=form.get("preset", ""))
        raise web.HTTPForbidden()
    if parts.hub.ptz.state(camera) is None:
        raise web.HTTPNotFound()
    if verb not in _COMMANDS:
        raise web.HTTPBadRequest()
    who = Mover(kind="person", name=account.name, address=request.remote or "")
    said, status = await _done(request, camera, verb, who, form)
    if "application/json" in request.headers.get("Accept", ""):
        return _json(said)
    if status == 200:
        shown = f"?preset={quote(form.get('preset', ''))}" if verb == "goto" else ""
        raise web.HTTPSeeOther(f"/cameras/{quote(camera)}{shown}")
    return await camera_page(request, said, status, form)


async def show_state(request: web.Request) -> web.StreamResponse:
    """Answer a script with how a camera is shared now."""
    panel = panel_now(request, known_camera(request))
    if panel is None:
        raise web.HTTPNotFound()
    return _json(panel)


async def _done(request: web.Request, camera: str, verb: str, who: Mover, form: Form) -> tuple[PtzPanel, int]:
    parts, visitor = parts_of(request), visitor_of(request)
    wording = parts.wording(visitor)
    key = _SAID.get(verb, "")
    more: dict[str, Json] = {"said": wording.texts(key, preset=form.get("preset", "")) if key else "", "tone": "good"}
    status = 200
    try:
        async with asyncio.timeout(PTZ_WITHIN_S):
            await _COMMANDS[verb](request, camera, who, form)
    except CameraHeld as err:
        held = held_words(err.lease, wording, visitor.account)
        more, status = {"said": held, "tone": "warning", "asks_take_over": err.may_take_over}, 409
    except SiagaError as err:
        more, status = {"said": str(err), "tone": "bad"}, 502
    except TimeoutError:
        more, status = {"said": wording.texts("web.ptz.late"), "tone": "bad"}, 502
    panel = panel_now(request, camera)
    assert panel is not None
    return msgspec.structs.replace(panel, **more), status


def _may(account: Account, verb: str) -> bool:
    # A preset is where others look for the river tomorrow: who may change rules may change it.
    return account.may_change_rules if verb in ("set_preset", "remove_preset") else account.may_act


async def _goto(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    desk = parts_of(request).hub.ptz
    await desk.goto(camera, form.get("preset", ""), who, is_confirmed="take_over" in form)


async def _move(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    speed = _speed(form, "pan"), _speed(form, "tilt"), _speed(form, "zoom")
    await parts_of(request).hub.ptz.move(camera, speed, MOVE_S, who, is_confirmed="take_over" in form)


async def _stop(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.stop(camera, who, is_confirmed="take_over" in form)


async def _home(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.home(camera, who, is_confirmed="take_over" in form)


async def _release(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.release(camera, who)


async def _patrol_on(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.patrol(camera, who, is_on=True)


async def _patrol_off(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.patrol(camera, who, is_on=False)


async def _set_preset(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.set_preset(camera, _name(form), who, is_confirmed="take_over" in form)


async def _remove_preset(request: web.Request, camera: str, who: Mover, form: Form) -> None:
    await parts_of(request).hub.ptz.remove_preset(camera, _name(form), who, is_confirmed="take_over" in form)


def _name(form: Form) -> str:
    name = form.get("preset", "").strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise web.HTTPBadRequest()
    return name


def _speed(form: Form, axis: str) -> float:
    try:
        speed = float(form.get(axis, "0"))
    except ValueError as err:
        raise web.HTTPBadRequest() from err
    # Also refuses what is no number at all.
    if not -1.0 <= speed <= 1.0:
        raise web.HTTPBadRequest()
    return speed


_COMMANDS: dict[str, Command] = {
    "goto": _goto,
    "move": _move,
    "stop": _stop,
    "home": _home,
    "release": _release,
    "patrol_on": _patrol_on,
    "patrol_off": _patrol_off,
    "set_preset": _set_preset,
    "remove_preset": _remove_preset,
}
_SAID = {
    "goto": "web.ptz.moved",
    "home": "web.ptz.going_home",
    "release": "web.ptz.released",
    "set_preset": "web.ptz.kept",
    "remove_preset": "web.ptz.removed",
}


def _json(panel: PtzPanel) -> web.Response:
    return web.Response(body=msgspec.json.encode(panel), content_type="application/json")
