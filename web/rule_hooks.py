"""What calls the secret address of a rule: a bounded body, committed as ``webhook.call`` before it is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from ..core.types import Event, Json, new_id
from ..rules.trigger_webhook import KIND, webhook_print
from .hooks import READ_WITHIN_S
from .parts import parts_of

# A sensor's word is short. What is longer is refused, so that nobody fills the journal.
MAX_BODY_BYTES = 64_000
# What of it an event keeps as text; JSON is kept whole.
MAX_PAYLOAD_CHARS = 4_096


async def receive(request: web.Request) -> web.StreamResponse:
    """Tell of a call, if a rule listens; any other address is one that is not there."""
    parts = parts_of(request)
    if not parts.hook_rate.may_call(request.remote or ""):
        raise web.HTTPTooManyRequests(headers={"Retry-After": "5"})
    # Looked up by its digest: how long that takes tells nothing of the addresses that exist.
    webhook = webhook_print(request.match_info["webhook"])
    methods = parts.engine.webhook_methods(webhook)
    if not methods:
        raise web.HTTPNotFound()
    if request.method not in methods:
        raise web.HTTPMethodNotAllowed(request.method, sorted(methods))
    body = await _body(request)
    words = body.decode("utf-8", errors="replace")
    data: dict[str, Json] = {
        "webhook": webhook,
        "method": request.method,
        "query": {key: value[:MAX_PAYLOAD_CHARS] for key, value in request.query.items()},
        "json": _json(words),
        "payload": words[:MAX_PAYLOAD_CHARS],
        "is_cut": len(words) > MAX_PAYLOAD_CHARS,
    }
    hub = parts.hub
    event = Event(id=new_id(), site=hub.settings.site.id, kind=KIND, at=hub.clock.now(), data=data)
    await hub.emit(event)
    return web.json_response({"event": event.id})


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            body = await request.content.read(MAX_BODY_BYTES + 1)
            while len(body) <= MAX_BODY_BYTES and not request.content.at_eof():
                body += await request.content.read(MAX_BODY_BYTES + 1 - len(body))
    except TimeoutError as err:
        raise web.HTTPRequestTimeout() from err
    if len(body) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, len(body))
    return body


def _json(words: str) -> Any:  # noqa: ANN401
    """Return what a body means as JSON, None where it is none."""
    try:
        return msgspec.json.decode(words)
    except (msgspec.DecodeError, RecursionError):
        return None
