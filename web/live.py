"""What happens now, pushed to every open page over one WebSocket each: events, readings, health."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from ..core.errors import StoreFailed
from ..core.event_log import Committed
from ..core.media.messages import Reading
from ..core.notice_book import NoticeChanged
from ..core.tasks import TaskHandle
from ..core.types import Health, Struct
from .camera_states import CameraStates, camera_ids
from .event_words import UNIMPORTANT, is_important
from .parts import Parts, Visitor, parts_of, visitor_of

logger = logging.getLogger(__name__)

# A page that reads so slowly is on a broken line: it is let go, comes again, and catches up.
MOST_WAITING = 200
MOST_PAGES, MOST_OF_ONE = 100, 10
BEAT_S = 15.0
SEND_WITHIN_S = 10.0
GOOD_BYE_WITHIN_S = 0.5
CAUGHT_UP = 50
# RFC 6455 leaves 4000-4999 to us: the page then goes to the login.
SESSION_ENDED = 4401
INCIDENTS = "incident."
MOST_COUNTED = 100
ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class IncidentChanged(Struct):
    """Say that an incident opened or was answered, and how many nobody has answered."""

    incident: str
    open: int


class Page:
    """Hold one open page and what waits to be told to it."""

    def __init__(self, visitor: Visitor, socket: web.WebSocketResponse) -> None:
        self.visitor = visitor
        self.socket = socket
        self.waiting: asyncio.Queue[object] = asyncio.Queue(MOST_WAITING)
        self.is_lost = False

    def tell(self, message: object) -> None:
        """Let a message wait for the page; where too many wait, the page is let go."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.is_lost = True


class Live:
    """Listen to the bus once, and tell every page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._task: TaskHandle | None = None
        self.pages: set[Page] = set()

    def start(self) -> None:
        """Begin to listen; a task of the hub."""
        self._task = self._parts.hub.tasks.start("web: live", self._listen)

    async def stop(self) -> None:
        """Close every page's socket; the page tries again later by itself."""
        if self._task is not None:
            self._task.cancel()
        # All at once: pages that do not answer must not use up, one after another, what the hub has to stop in.
        await asyncio.gather(*(_say_good_bye(page) for page in self.pages))

    def has_room(self, visitor: Visitor) -> bool:
        """Say whether one more page may follow."""
        own = sum(page.visitor.token == visitor.token for page in self.pages)
        return len(self.pages) < MOST_PAGES and own < MOST_OF_ONE

    async def _listen(self) -> None:
        bus = self._parts.hub.bus
        async with bus.subscribe(Committed, Reading, Health, NoticeChanged, size=2000, name="web") as news:
            await self._count_incidents()
            async for message in news:
                told: list[object] = [message]
                if isinstance(message, Committed) and message.event.kind.startswith(INCIDENTS):
                    await self._count_incidents()
                    incident = str(message.event.data.get("incident", ""))
                    told.append(IncidentChanged(incident=incident, open=self._parts.open_incidents))
                for page in self.pages:
                    for one in told:
                        page.tell(one)

    async def _count_incidents(self) -> None:
        try:
            found = await self._parts.hub.alerts.incidents("open", MOST_COUNTED)
        except StoreFailed as err:
            logger.warning("open incidents could not be counted: %s", err)
        else:
            self._parts.open_incidents = len(found)

    async def serve(self, page: Page, after: int | None, since: datetime | None) -> None:
        """Tell a page what it missed, then what happens, until it leaves or its session ends."""
        self.pages.add(page)
        self._parts.open_pages = len(self.pages)
        try:
            await self._catch_up(page, after, since)
            await self._talk(page)
        finally:
            self.pages.discard(page)
            self._parts.open_pages = len(self.pages)

    async def _catch_up(self, page: Page, after: int | None, since: datetime | None) -> None:
        """Tell the newest that matters: what stands on the first page, and what somebody was told about."""
        hub = self._parts.hub
        hello = {"type": "hello", "seq": await hub.events.last_seq(), "now": self._now()}
        await _send(page, {**hello, "open": self._parts.open_incidents})
        missed: list[tuple[datetime, dict[str, Any] | None]] = []
        if after is not None:
            found = await hub.events.find(without=UNIMPORTANT, limit=CAUGHT_UP)
            missed = [(item.event.at, self._say(page.visitor, item)) for item in found if item.seq > after]
        if since is not None:
            notices = [record.notice for record in await hub.outbox.find(limit=CAUGHT_UP)]
            told = {notice.event_id: notice.created_at for notice in notices if notice.created_at >= since}
            missed += [(at, await self._say_alert(page.visitor, event_id)) for event_id, at in told.items()]
        for _, said in sorted(missed, key=lambda item: item[0]):
            if said is not None:
                await _send(page, said)

    def _now(self) -> str:
        # The page gives it back when it comes again: by our clock, whatever its own says.
        return self._parts.hub.clock.now().isoformat()

    async def _talk(self, page: Page) -> None:
        loop = asyncio.get_running_loop()
        beat_at_s = loop.time() + BEAT_S
        while not page.socket.closed and not page.is_lost:
            try:
                async with asyncio.timeout_at(beat_at_s):
                    message = await page.waiting.get()
            except TimeoutError:
                # A session that ended must not go on being told what happens.
                if await self._parts.sessions.find(page.visitor.token) is None:
                    await page.socket.close(code=SESSION_ENDED)
                    return
                await _send(page, {"type": "beat", "now": self._now()})
                beat_at_s = loop.time() + BEAT_S
                continue
            await self._tell(page, message)
        if page.is_lost:
            self._parts.pages_let_go += 1
            await page.socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    async def _tell(self, page: Page, message: object) -> None:
        if isinstance(message, NoticeChanged):
            is_new = message.state == "waiting" and not message.attempts
            said = await self._say_alert(page.visitor, message.notice.event_id) if is_new else None
            notice = message.notice
            about = {"event": notice.event_id, "incident": notice.incident_id, "state": message.state}
            await _send(page, {"type": "notice", **about})
        elif isinstance(message, IncidentChanged):
            said = {"type": "incident", "incident": message.incident, "open": message.open}
        else:
            said = self._say(page.visitor, message)
        if said is not None:
            await _send(page, said)

    async def _say_alert(self, visitor: Visitor, event_id: str | None) -> dict[str, Any] | None:
        """Say that a rule found an event worth telling somebody: then the screen shows it too."""
        event = await self._parts.hub.events.get(event_id) if event_id else None
        if event is None:
            return None
        card = self._parts.words(visitor).card(event)
        if card.severity == "info":
            # By itself it is no news; that somebody was told makes it one.
            word = self._parts.wording(visitor).texts("web.alert.told")
            card = msgspec.structs.replace(card, severity_word=word)
        return {"type": "alert", "event": card}

    def _say(self, visitor: Visitor, message: object) -> dict[str, Any] | None:
        """Say a message in the visitor's language, or None where no page shows it."""
        words = self._parts.words(visitor)
        states = CameraStates(self._parts.hub, self._parts.wording(visitor), words)
        if isinstance(message, Committed):
            card = words.card(message.event)
            shown = is_important(message.event)
            return {"type": "event", "seq": message.seq, "event": card, "is_important": shown}
        if isinstance(message, Reading):
            return {"type": "reading", "camera": message.camera, "reading": states.reading(message)}
        if isinstance(message, Health):
            name = message.part.removeprefix("camera ").split(" ")[0]
            if message.part.startswith("camera ") and name in camera_ids(self._parts.hub):
                return {"type": "camera", "camera": states.one(name)}
        return None


LIVE: web.AppKey[Live] = web.AppKey("live")


async def follow(request: web.Request) -> web.StreamResponse:
    """Open a page's WebSocket. What it missed comes first: events behind ``after``, alerts from ``since`` on."""
    live, visitor = request.app[LIVE], visitor_of(request)
    refuse_strangers(request)
    if not live.has_room(visitor):
        raise web.HTTPTooManyRequests()
    after = request.query.get("after", "")
    socket = web.WebSocketResponse(heartbeat=BEAT_S * 2, max_msg_size=1024, compress=False)
    await socket.prepare(request)
    page = Page(visitor, socket)
    reader = parts_of(request).hub.tasks.start(f"web: page {id(page):x}", lambda: _drain(page), restart=False)
    try:
        since = _time_of(request.query.get("since", ""))
        await live.serve(page, int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None, since)
    except (TimeoutError, ConnectionError) as err:
        logger.debug("a page went away: %s", err)
    finally:
        reader.cancel()
    return socket


def refuse_strangers(request: web.Request) -> None:
    """Refuse a socket that another site's page opens: it would send our cookie. HTTPForbidden."""
    if urlsplit(request.headers.get("Origin", "")).netloc != request.host:
        raise web.HTTPForbidden()


def _time_of(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


async def _say_good_bye(page: Page) -> None:
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(GOOD_BYE_WITHIN_S):
            await page.socket.close(code=WSCloseCode.GOING_AWAY)


async def _drain(page: Page) -> None:
    # Pages say nothing; but only a socket that is read notices that the other end has gone.
    while (await page.socket.receive()).type not in ENDS:
        pass
    page.tell(None)


async def _send(page: Page, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_WITHIN_S):
        await page.socket.send_str(msgspec.json.encode(message).decode())
