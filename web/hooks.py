"""What a notifier's far side calls back: receipts and replies, believed only after the notifier checked them."""

from __future__ import annotations

import asyncio
import uuid

from aiohttp import web

from ..core.inbound import Inbound, InboundRequest, Reply
from ..core.types import Event
from .parts import Parts, parts_of

READ_WITHIN_S = 10.0
METHODS = {"GET", "POST"}


async def receive(request: web.Request) -> web.StreamResponse:
    """Hand a call to its notifier; what it learns is committed before the far side is answered."""
    parts, notifier_id = parts_of(request), request.match_info["notifier"]
    notifier = parts.hub.notifiers.get(notifier_id)
    if not parts.hook_rate.may_call(request.remote or ""):
        raise web.HTTPTooManyRequests(headers={"Retry-After": "5"})
    if not isinstance(notifier, Inbound) or request.method not in METHODS:
        raise web.HTTPNotFound()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            body = await request.read()
    except TimeoutError as err:
        raise web.HTTPRequestTimeout() from err
    asked = InboundRequest(method=request.method, headers=dict(request.headers), query=dict(request.query), body=body)
    result = await notifier.receive(asked)
    for keyed in result.receipts:
        await parts.hub.outbox.receive(keyed)
    for reply in result.replies:
        await _tell(parts, notifier_id, reply)
    return web.Response(status=result.status, text=result.body)


async def _tell(parts: Parts, notifier_id: str, reply: Reply) -> None:
    # The far side repeats what it thinks was lost: the same reply has the same id, and is one event.
    event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"siaga:{notifier_id}:{reply.id}"))
    event = Event(
        id=event_id,
        site=parts.hub.settings.site.id,
        kind="notice.reply",
        at=reply.at,
        data={
            "notifier": notifier_id,
            "sender": reply.sender,
            "name": reply.name,
            "text": reply.text[:2000],
            "reply_to": reply.in_reply_to,
            "button": reply.payload or None,
        },
    )
    await parts.hub.emit(event)
