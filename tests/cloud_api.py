"""A stand-in for Meta's WhatsApp Cloud API: documented requests, answers, error codes and webhooks.

In a test: ``async with CloudApi() as api``, then ``api.url``. As a process:
``python tests/cloud_api.py --port 0 --token T --phone-number-id 106540352242922``; it prints one line of
JSON with its address, obeys ``POST /_control {"do": "fail", "code": 131000, "times": 2}`` (any public
method by its name) and tells ``GET /_state`` and ``GET /_picture/<n>``.

Every request is judged by Meta's own OpenAPI where that is at hand (``meta_openapi``) and by checks of
the documented limits; what does not fit goes to ``violations`` and is answered as Meta would.
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import re
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from meta_openapi import judge

PHONE_NUMBER_ID = "106540352242922"
DISPLAY_NUMBER = "15550783881"
TOKEN = "EAAStandIn0123456789"
APP_SECRET = "stand-in-app-secret"
VERIFY_TOKEN = "stand-in-verify-token"
# HTTP status by code, as in Meta's list of error codes; 400 where it is not named here.
HTTP_STATUS = {
    0: 401, 190: 401, 3: 500, 10: 403, 200: 403, 4: 429, 80007: 429, 130429: 429, 131048: 429, 131056: 429,
    368: 403, 130497: 403, 131031: 403, 2: 503, 131000: 500, 131005: 403, 131016: 503, 131057: 500,
    132001: 404, 132016: 400, 133004: 503,
}  # fmt: skip
MAX_BYTES = {"image/jpeg": 5_000_000, "image/png": 5_000_000, "video/mp4": 16_000_000}


@dataclass
class Template:
    """An approved template: how many parameters, their names if it uses names, its header and quick-reply button."""

    parameters: int = 1
    names: tuple[str, ...] = ()
    header: str = "none"
    button: str = ""


@dataclass
class Message:
    """A message that was accepted. ``arrived_mono_s`` is CLOCK_MONOTONIC when its request was whole."""

    id: str
    to: str
    type: str
    body: dict[str, Any]
    key: str | None
    arrived_mono_s: float
    media_id: str | None = None
    image: bytes | None = None
    is_answered: bool = True

    @property
    def thread(self) -> str | None:
        """Return the id of the message that this one continues."""
        return self.body.get("context", {}).get("message_id")

    @property
    def button(self) -> str:
        """Return what the button holds that the recipient can press; empty where there is none."""
        if self.type == "interactive":
            return self.body["interactive"]["action"]["buttons"][0]["reply"]["id"]
        return next((p["payload"] for c in _components(self.body, "button") for p in c["parameters"]), "")

    @property
    def text(self) -> str:
        """Return what the recipient reads: text, caption, or the template's parameters by line."""
        if self.type == "text":
            return self.body["text"]["body"]
        if self.type in {"image", "video"}:
            return self.body[self.type].get("caption", "")
        if self.type == "interactive":
            return self.body["interactive"]["body"]["text"]
        return "\n".join(p["text"] for c in _components(self.body, "body") for p in c["parameters"])


@dataclass
class Order:
    """What to do with the next requests instead of serving them."""

    on: str
    times: int
    code: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    wait_s: float = 0.0
    drop: bool = False
    accept: bool = False


class CloudApi:
    """Serve one business phone number on 127.0.0.1, and do what a test tells it."""

    def __init__(self, *, token: str = TOKEN, phone_number_id: str = PHONE_NUMBER_ID, port: int = 0) -> None:
        self.token = token
        self.phone_number_id = phone_number_id
        self.templates: dict[str, Template] = {"siaga_peringatan": Template()}
        self.accepted: list[Message] = []
        self.media: dict[str, bytes] = {}
        self.uploads = 0
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.webhook_calls: list[tuple[int, dict[str, Any]]] = []
        self.url = ""
        self._port = port
        self._orders: list[Order] = []
        self._windows: set[str] = set()
        self._webhook_url = ""
        self._app_secret = APP_SECRET
        self._auto: tuple[str, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies = 0
        self._judge = judge()

    async def __aenter__(self) -> "CloudApi":
        app = web.Application(client_max_size=40_000_000)
        app.router.add_post("/_control", self._control)
        app.router.add_get("/_state", self._state)
        app.router.add_get("/_picture/{number}", self._picture)
        app.router.add_get("/_media/{id}", self._download)
        app.router.add_post(r"/{version:v\d+\.\d}/{phone}/messages", self._messages)
        app.router.add_post(r"/{version:v\d+\.\d}/{phone}/media", self._upload)
        app.router.add_get(r"/{version:v\d+\.\d}/{media}", self._media)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        await self._runner.cleanup()

    # --- what a test may tell it ---------------------------------------------------------------

    def options(self, **more: Any) -> dict[str, Any]:
        """Return the options of a ``whatsapp`` notifier that speaks to this stand-in."""
        base = {"phone_number_id": self.phone_number_id, "token": self.token, "template": "siaga_peringatan"}
        return {**base, "base_url": self.url, "timeout": 2.0, **more}

    def fail(
        self,
        code: int,
        times: int = 1,
        on: str = "messages",
        status: int | None = None,
        retry_after: str | None = None,
        subcode: int | None = None,
        is_transient: bool | None = None,
    ) -> None:
        """Refuse the next requests with an error code."""
        extra = {"error_subcode": subcode, "is_transient": is_transient}
        headers = {"Retry-After": retry_after} if retry_after else {}
        kept = {k: v for k, v in extra.items() if v is not None}
        self._orders.append(Order(on=on, times=times, code=code, status=status, headers=headers, extra=kept))

    def answer(self, raw: str, status: int = 200, times: int = 1, on: str = "messages") -> None:
        """Answer the next requests with something that is not Graph's."""
        self._orders.append(Order(on=on, times=times, raw=raw.encode(), status=status))

    def slow(self, seconds: float, times: int = 1, on: str = "messages") -> None:
        """Serve the next requests late; a message is accepted at once, its answer comes late."""
        self._orders.append(Order(on=on, times=times, wait_s=seconds, accept=True))

    def drop(self, times: int = 1, on: str = "messages", after_accepting: bool = False) -> None:
        """Cut the connection of the next requests, before or after accepting what they ask."""
        self._orders.append(Order(on=on, times=times, drop=True, accept=after_accepting))

    def revoke_token(self, new: str = "EAARevokedAndReplaced") -> None:
        """Let the token that was valid until now be valid no more."""
        self.token = new

    def open_window(self, number: str) -> None:
        """Let this number have written to us just now, without a webhook."""
        self._windows.add(_digits(number))

    def close_windows(self) -> None:
        """Let 24 hours pass for everybody."""
        self._windows.clear()

    def clear(self) -> None:
        """Forget what was accepted and ordered."""
        self.accepted.clear()
        self.requests.clear()
        self._orders.clear()

    def webhook_to(self, url: str, app_secret: str = APP_SECRET, auto: tuple[str, ...] = ()) -> None:
        """Call this address; ``auto`` statuses (sent, delivered) follow each accepted message."""
        self._webhook_url, self._app_secret, self._auto = url, app_secret, tuple(auto)

    async def shake_hands(self, verify_token: str = VERIFY_TOKEN, challenge: str = "1158201444") -> tuple[int, str]:
        """Verify the webhook as Meta does when it is registered."""
        query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        async with self._session.get(self._webhook_url, params=query) as response:
            return response.status, await response.text()

    async def status(self, number: int, status: str, code: int | None = None, title: str = "Undeliverable") -> int:
        """Tell a status of the n-th accepted message; return the last HTTP status that was answered."""
        return await self.call(self.status_payload(self.accepted[number], status, code, title))

    async def reply(
        self, sender: str, text: str, kind: str = "text", id: str | None = None, reply_to: str | None = None
    ) -> int:
        """Let somebody write to us (``text``, ``button``, ``interactive`` or ``reaction``); opens the window."""
        self.open_window(sender)
        return await self.call(self.reply_payload(sender, text, kind, id, reply_to))

    async def press(self, number: int, id: str | None = None) -> int:
        """Let the recipient press the button of the n-th accepted message; opens the window."""
        message = self.accepted[number]
        self.open_window(message.to)
        return await self.call(self.press_payload(message, id))

    async def call(self, payload: dict[str, Any], tries: int = 4, signature: str | None = None) -> int:
        """Deliver a webhook payload, again (a little later each time) until it is answered 200."""
        body = json.dumps(payload).encode()
        status = 0
        for attempt in range(tries):
            headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature or self.sign(body)}
            try:
                async with self._session.post(self._webhook_url, data=body, headers=headers) as response:
                    status = response.status
            except aiohttp.ClientError:
                status = 0
            self.webhook_calls.append((status, payload))
            if status == 200 or attempt == tries - 1:
                break
            await asyncio.sleep(0.1 * 2**attempt)
        return status

    async def settle(self) -> None:
        """Wait until every status that was due has been delivered."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # --- payloads, also for tests without a server of their own ---------------------------------

    def sign(self, body: bytes) -> str:
        """Return the signature header of a webhook body."""
        return "sha256=" + hmac.new(self._app_secret.encode(), body, hashlib.sha256).hexdigest()

    def status_payload(self, message: Message, status: str, code: int | None = None, title: str = "") -> dict[str, Any]:
        """Return the webhook payload of one status."""
        entry = {
            "id": message.id,
            "status": status,
            "timestamp": str(int(time.time())),
            "recipient_id": _digits(message.to),
        }
        if message.key is not None:
            entry["biz_opaque_callback_data"] = message.key
        if code is not None:
            data = {"details": f"{title}: what Meta says about it"}
            entry["errors"] = [{"code": code, "title": title, "message": title, "error_data": data}]
        return self._envelope({"statuses": [entry]})

    def press_payload(self, message: Message, id: str | None = None) -> dict[str, Any]:
        """Return the webhook payload of a button that was pressed: of a template or of an interactive message."""
        if message.type == "interactive":
            title = message.body["interactive"]["action"]["buttons"][0]["reply"]["title"]
            return self.reply_payload(message.to, title, "interactive", id, message.id, message.button)
        title = self.templates[message.body["template"]["name"]].button
        return self.reply_payload(message.to, title, "button", id, message.id, message.button or title)

    def reply_payload(
        self,
        sender: str,
        text: str,
        kind: str = "text",
        id: str | None = None,
        reply_to: str | None = None,
        payload: str | None = None,
    ) -> dict[str, Any]:
        """Return the webhook payload of one message from somebody; ``reply_to`` is the message that was quoted."""
        self._replies += 1
        parts = {
            "text": {"body": text},
            "button": {"payload": payload or text, "text": text},
            "interactive": {"type": "button_reply", "button_reply": {"id": payload or "1", "title": text}},
            "reaction": {"message_id": reply_to, "emoji": text},
        }
        message = {
            "from": _digits(sender),
            "id": id or f"wamid.in.{self._replies}",
            "timestamp": str(int(time.time())),
            "type": kind,
            kind: parts[kind],
        }
        if reply_to and kind != "reaction":
            message["context"] = {"from": DISPLAY_NUMBER, "id": reply_to}
        contact = {"profile": {"name": "Budi"}, "wa_id": _digits(sender)}
        return self._envelope({"contacts": [contact], "messages": [message]})

    def _envelope(self, value: dict[str, Any]) -> dict[str, Any]:
        metadata = {"display_phone_number": DISPLAY_NUMBER, "phone_number_id": self.phone_number_id}
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        change = {"value": whole, "field": "messages"}
        return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [change]}]}

    # --- the API --------------------------------------------------------------------------------

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        arrived = time.monotonic()
        self.requests.append("messages")
        refusal = self._gate(request, raw)
        order = self._next_order("messages")
        if refusal is None and order and not order.accept:
            return await self._obey(request, order)
        if refusal is not None:
            return refusal
        body = json.loads(raw)
        problem = self._message_problem(body)
        if problem:
            return self._error(*problem)
        message = self._accept(body, arrived)
        if order:
            message.is_answered = not order.drop
            if order.drop:
                return _cut(request)
            await asyncio.sleep(order.wait_s)
        answer: dict[str, Any] = {"id": message.id}
        if message.type == "template":
            answer["message_status"] = "accepted"
        contact = {"input": message.to, "wa_id": _digits(message.to)}
        return web.json_response({"messaging_product": "whatsapp", "contacts": [contact], "messages": [answer]})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.requests.append("media")
        refusal = self._gate(request, raw)
        order = self._next_order("media")
        if refusal is None and order and not order.accept:
            return await self._obey(request, order)
        if refusal is not None:
            return refusal
        fields = _form(request.headers.get("Content-Type", ""), raw)
        if fields.get("messaging_product", ("", b""))[1] != b"whatsapp":
            return self._error(100, "(#100) The parameter messaging_product is required.", violation=True)
        kind, content = fields.get("file", ("", b""))
        if fields.get("type", ("", b""))[1].decode() != kind or kind not in MAX_BYTES:
            return self._error(100, f"(#100) Param file must be a file with one of the types: {kind}", violation=True)
        if not 0 < len(content) <= MAX_BYTES[kind]:
            return self._error(100, "(#100) The file is empty or too large", violation=True)
        media_id = str(4490709327384033 + len(self.media))
        self.media[media_id] = content
        self.uploads += 1
        if order:
            if order.drop:
                return _cut(request)
            await asyncio.sleep(order.wait_s)
        return web.json_response({"id": media_id})

    async def _media(self, request: web.Request) -> web.Response:
        media_id = request.match_info["media"]
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._error(190, "Invalid OAuth access token")
        if media_id not in self.media:
            return self._error(100, "Object does not exist", extra={"error_subcode": 33})
        content = self.media[media_id]
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "url": f"{self.url}/_media/{media_id}",
                "mime_type": "image/jpeg",
                "sha256": hashlib.sha256(content).hexdigest(),
                "file_size": str(len(content)),
                "id": media_id,
            }
        )

    async def _download(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._error(190, "Invalid OAuth access token")
        return web.Response(body=self.media[request.match_info["id"]], content_type="image/jpeg")

    def _gate(self, request: web.Request, raw: bytes) -> web.Response | None:
        """Check what holds for every request: the judge, the token, the number."""
        faults = self._judge.faults(request.path, dict(request.headers), raw) if self._judge else []
        self.violations += [f"{request.path}: {fault}" for fault in faults]
        given = request.headers.get("Authorization", "")
        if given != f"Bearer {self.token}":
            # Graph repeats a malformed token in its message; who logs that, logs a secret.
            return self._error(190, f"Malformed access token {given.removeprefix('Bearer ')}")
        if request.match_info["phone"] != self.phone_number_id:
            text = f"Unsupported post request. Object with ID '{request.match_info['phone']}' does not exist"
            return self._error(100, text, extra={"error_subcode": 33})
        if faults:
            return self._error(100, f"(#100) Invalid parameter: {faults[0]}")
        return None

    def _message_problem(self, body: dict[str, Any]) -> tuple[int, str] | None:
        """Return the code and words with which Meta refuses a message, or None."""
        problem = self._shape_problem(body)
        if problem:
            self.violations.append(f"messages: {problem[1]}")
            return problem
        to = _digits(body["to"])
        if body["type"] == "template":
            return self._template_problem(body["template"])
        if to not in self._windows:
            return 131047, "Re-engagement message: more than 24 hours have passed since the customer last replied"
        return None

    def _shape_problem(self, body: dict[str, Any]) -> tuple[int, str] | None:
        kind = body.get("type")
        if body.get("messaging_product") != "whatsapp":
            return 100, "(#100) The parameter messaging_product is required."
        if not re.fullmatch(r"\+?[1-9]\d{6,14}", str(body.get("to", ""))):
            return 131009, "Parameter value is not valid: to"
        if len(str(body.get("biz_opaque_callback_data", ""))) > 512:
            return 131009, "Parameter value is not valid: biz_opaque_callback_data"
        if kind not in {"text", "image", "video", "interactive", "template"} or not isinstance(body.get(kind), dict):
            return 131051, "Unsupported message type"
        if kind == "text" and not 1 <= len(body["text"].get("body", "")) <= 4096:
            return 131009, "Parameter value is not valid: text.body"
        if kind in {"image", "video"} and len(body[kind].get("caption", "")) > 1024:
            return 131009, f"Parameter value is not valid: {kind}.caption"
        if kind == "interactive" and (problem := _button_problem(body["interactive"])):
            return 131009, f"Parameter value is not valid: interactive.{problem}"
        thread = body.get("context", {}).get("message_id")
        if thread is not None and thread not in {message.id for message in self.accepted}:
            return 131009, "Parameter value is not valid: context.message_id"
        if any(media_id not in self.media for media_id in _media_ids(body)):
            return 131009, "Parameter value is not valid: media id"
        for parameter in (p for c in _components(body, "body") for p in c.get("parameters", ())):
            if not parameter.get("text"):
                return 131008, "Required parameter is missing: text"
            if re.search(r"[\n\t]| {4}", parameter["text"]):
                return 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        return None

    def _template_problem(self, sent: dict[str, Any]) -> tuple[int, str] | None:
        template = self.templates.get(sent.get("name", ""))
        if template is None:
            return 132001, f"Template name ({sent.get('name')}) does not exist in {sent['language']['code']}"
        whole = {"type": "template", "template": sent}
        body = [p for c in _components(whole, "body") for p in c["parameters"]]
        header = [p["type"] for c in _components(whole, "header") for p in c["parameters"]]
        if len(body) != template.parameters:
            return 132000, f"number of parameters ({len(body)}) does not match ({template.parameters})"
        if tuple(p["parameter_name"] for p in body if "parameter_name" in p) != template.names:
            return 132000, "parameter names do not match"
        buttons = _components(whole, "button")
        if buttons and not template.button:
            return 132012, "button at index 0 does not exist in the template"
        if header != ([template.header] if template.header != "none" else []):
            return 132012, f"header: Format mismatch, expected {template.header}, received {header}"
        if sum(len(p["text"]) for p in body) > 1024:
            return 132005, "Translated text too long"
        return None

    def _accept(self, body: dict[str, Any], arrived: float) -> Message:
        number = len(self.accepted)
        stamp = base64.b64encode(f"{self.phone_number_id}:{number}:{arrived}".encode()).decode()
        media_id = next(iter(_media_ids(body)), None)
        message = Message(
            id=f"wamid.{stamp}",
            to=body["to"],
            type=body["type"],
            body=body,
            key=body.get("biz_opaque_callback_data"),
            arrived_mono_s=arrived,
            media_id=media_id,
            image=self.media[media_id] if media_id else None,
        )
        self.accepted.append(message)
        if self._webhook_url and self._auto:
            task = asyncio.create_task(self._tell(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return message

    async def _tell(self, message: Message) -> None:
        for status in self._auto:
            await asyncio.sleep(0.05)
            await self.call(self.status_payload(message, status))

    def _next_order(self, on: str) -> Order | None:
        for order in self._orders:
            if order.on == on:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return order
        return None

    async def _obey(self, request: web.Request, order: Order) -> web.StreamResponse:
        await asyncio.sleep(order.wait_s)
        if order.drop:
            return _cut(request)
        if order.raw is not None:
            return web.Response(body=order.raw, status=order.status or 200, headers=order.headers)
        text = f"(#{order.code}) as a test told it"
        return self._error(order.code or 0, text, order.status, order.headers, order.extra)

    def _error(
        self,
        code: int,
        text: str,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        violation: bool = False,
    ) -> web.Response:
        if violation:
            self.violations.append(text)
        error = {
            "message": text,
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": text},
            "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
            **(extra or {}),
        }
        return web.json_response({"error": error}, status=status or HTTP_STATUS.get(code, 400), headers=headers)

    # --- for another process --------------------------------------------------------------------

    async def _control(self, request: web.Request) -> web.Response:
        order = await request.json()
        name = order.pop("do")
        if name.startswith("_") or name not in dir(self):
            return web.json_response({"error": f"cannot {name}"}, status=400)
        result = getattr(self, name)(**order)
        if asyncio.iscoroutine(result):
            result = await result
        return web.json_response({"result": result})

    def template(
        self, name: str, parameters: int = 1, names: list[str] | None = None, header: str = "none", button: str = ""
    ) -> None:
        """Let Meta have approved a template."""
        self.templates[name] = Template(parameters, tuple(names or ()), header, button)

    async def _state(self, _: web.Request) -> web.Response:
        accepted = [
            {**asdict(m), "image": None, "image_bytes": len(m.image or b""), "text": m.text} for m in self.accepted
        ]
        return web.json_response(
            {
                "accepted": accepted,
                "violations": self.violations,
                "requests": self.requests,
                "webhook_calls": [status for status, _ in self.webhook_calls],
                "judged_by_openapi": self._judge is not None,
            }
        )

    async def _picture(self, request: web.Request) -> web.Response:
        image = self.accepted[int(request.match_info["number"])].image
        if image is None:
            raise web.HTTPNotFound
        return web.Response(body=image, content_type="image/jpeg")


def _form(content_type: str, raw: bytes) -> dict[str, tuple[str, bytes]]:
    """Return the parts of multipart/form-data by name: their type and their bytes (RFC 7578)."""
    found = re.search(r'boundary="?([^";]+)', content_type)
    parts = {}
    for piece in raw.split(b"--" + found[1].encode())[1:-1] if found else ():
        head, _, content = piece.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace")
        name = re.search(r'name="([^"]*)"', lines)
        kind = re.search(r"(?im)^content-type:\s*(\S+)", lines)
        parts[name[1] if name else ""] = (kind[1] if kind else "", content.removesuffix(b"\r\n"))
    return parts


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _components(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [c for c in body.get("template", {}).get("components", ()) if c.get("type") == kind]


def _button_problem(interactive: dict[str, Any]) -> str:
    """Say what of Meta's limits for reply buttons is not kept, empty where all is."""
    buttons = interactive.get("action", {}).get("buttons", [])
    if interactive.get("type") != "button" or not 1 <= len(buttons) <= 3:
        return "action.buttons"
    if not 1 <= len(interactive.get("body", {}).get("text", "")) <= 1024:
        return "body.text"
    replies = [button.get("reply", {}) for button in buttons]
    if any(not 1 <= len(reply.get("title", "")) <= 20 for reply in replies):
        return "action.buttons.reply.title"
    return "" if all(1 <= len(reply.get("id", "")) <= 256 for reply in replies) else "action.buttons.reply.id"


def _media_ids(body: dict[str, Any]) -> list[str]:
    if body.get("type") in {"image", "video"}:
        return [body[body["type"]].get("id", "")]
    if body.get("type") == "interactive":
        header = body["interactive"].get("header", {})
        return [header["image"].get("id", "")] if header.get("type") == "image" else []
    images = [p for c in _components(body, "header") for p in c.get("parameters", ()) if p.get("type") == "image"]
    return [p["image"].get("id", "") for p in images]


async def _serve(arguments: argparse.Namespace) -> None:
    api = CloudApi(token=arguments.token, phone_number_id=arguments.phone_number_id, port=arguments.port)
    if arguments.webhook:
        api.webhook_to(arguments.webhook, arguments.app_secret, tuple(arguments.auto))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with api:
        print(json.dumps({"url": api.url, "token": api.token, "phone_number_id": api.phone_number_id}), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--phone-number-id", default=PHONE_NUMBER_ID)
    parser.add_argument("--app-secret", default=APP_SECRET)
    parser.add_argument("--webhook", default="", help="where statuses and replies are posted")
    parser.add_argument("--auto", nargs="*", default=[], help="statuses after each message: sent delivered read")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
