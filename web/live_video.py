"""A camera's live view: the recorder's MP4 fragments over a WebSocket of its own, while the page is looked at."""

from __future__ import annotations

import asyncio
import logging

import msgspec
from aiohttp import web

from ..core.media.live_views import LiveView
from ..core.media.messages import LiveHeader, LivePiece
from .camera_states import camera_ids
from .live import BEAT_S, ENDS, SEND_WITHIN_S, SESSION_ENDED, refuse_strangers
from .parts import Visitor, parts_of, visitor_of

logger = logging.getLogger(__name__)

# A view costs the hub the stream's bytes once more; a kelurahan has a few screens.
MOST_VIEWS, MOST_OF_ONE = 24, 4


class Viewers:
    """Count who watches, so that nobody uses up the places of the others."""

    def __init__(self) -> None:
        self._tokens: list[str] = []

    def has_room(self, visitor: Visitor) -> bool:
        """Say whether one more view may open."""
        return len(self._tokens) < MOST_VIEWS and self._tokens.count(visitor.token) < MOST_OF_ONE

    def add(self, visitor: Visitor) -> None:
        """Take a place."""
        self._tokens.append(visitor.token)

    def remove(self, visitor: Visitor) -> None:
        """Give it back."""
        self._tokens.remove(visitor.token)


VIEWERS: web.AppKey[Viewers] = web.AppKey("viewers")


async def watch(request: web.Request) -> web.StreamResponse:
    """Show a camera live. Text says what follows (``mime``) or that the stream is away (``ended``); bytes are MP4."""
    parts, visitor, viewers = parts_of(request), visitor_of(request), request.app[VIEWERS]
    camera = request.match_info["camera"]
    if camera not in camera_ids(parts.hub):
        raise web.HTTPNotFound()
    refuse_strangers(request)
    if not viewers.has_room(visitor):
        raise web.HTTPTooManyRequests()
    await parts.note(request, "live.view", camera)
    socket = web.WebSocketResponse(heartbeat=BEAT_S * 2, max_msg_size=1024, compress=False)
    viewers.add(visitor)
    try:
        await socket.prepare(request)
        with parts.hub.views.view(camera) as view:
            teller = parts.hub.tasks.start(f"web: view {id(view):x}", lambda: _tell(socket, view), restart=False)
            try:
                await _stay(request, socket)
            finally:
                teller.cancel()
    finally:
        viewers.remove(visitor)
    return socket


async def _stay(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Wait until the page leaves or its session ends."""
    sessions, token = parts_of(request).sessions, visitor_of(request).token
    while True:
        try:
            async with asyncio.timeout(BEAT_S):
                said = await socket.receive()
        except TimeoutError:
            if await sessions.find(token) is None:
                await socket.close(code=SESSION_ENDED)
                return
            continue
        if said.type in ENDS:
            return


async def _tell(socket: web.WebSocketResponse, view: LiveView) -> None:
    try:
        async for message in view:
            async with asyncio.timeout(SEND_WITHIN_S):
                if isinstance(message, LivePiece):
                    await socket.send_bytes(message.data)
                elif isinstance(message, LiveHeader):
                    await socket.send_str(msgspec.json.encode({"mime": message.mime}).decode())
                    if message.init:
                        await socket.send_bytes(message.init)
                else:
                    await socket.send_str('{"ended":true}')
    except (TimeoutError, ConnectionError) as err:
        logger.debug("a view went away: %s", err)
        await socket.close()
