"""What Meta's webhook tells: the hand-shake, delivery statuses, and what people answered."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from ....core import InboundRequest, InboundResult, KeyedReceipt, Receipt, Reply, Services
from .conversations import Conversations, moment
from .messages import shorten
from .options import Options
from .verdicts import PICTURE_REFUSED, UNKNOWN, WINDOW_CLOSED, fault_of

# Meta: a webhook's payload can be up to 3 MB.
MAX_BODY_BYTES = 3_000_000
MAX_REPLY = 4096
MAX_PAYLOAD = 256
MAX_NAME = 100
_STATES: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
_log = logging.getLogger(__name__)


class Webhook:
    """Believe only what is signed with the app's secret; a delivery that is repeated changes nothing."""

    def __init__(
        self,
        options: Options,
        services: Services,
        conversations: Conversations,
        on_file_refused: Callable[[str], None],
    ) -> None:
        self._on_file_refused = on_file_refused
        self._options = options
        self._services = services
        self._conversations = conversations

    async def receive(self, request: InboundRequest) -> InboundResult:
        """Answer the hand-shake (GET) or read what happened (POST)."""
        if request.method == "GET":
            return self._shake_hands(request)
        if request.method != "POST":
            return InboundResult(status=405)
        if len(request.body) > MAX_BODY_BYTES:
            return InboundResult(status=413)
        if not self._is_genuine(request):
            return InboundResult(status=401)
        return await self._read(request.body)

    def _shake_hands(self, request: InboundRequest) -> InboundResult:
        token = request.query.get("hub.verify_token", "")
        expected = self._options.verify_token
        if not expected or request.query.get("hub.mode") != "subscribe":
            return InboundResult(status=403)
        if not hmac.compare_digest(_bytes(token), expected.encode()):
            return InboundResult(status=403)
        return InboundResult(status=200, body=request.query.get("hub.challenge", "")[:200])

    def _is_genuine(self, request: InboundRequest) -> bool:
        if not self._options.app_secret:
            return False
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = headers.get("x-hub-signature-256", "")
        digest = hmac.new(self._options.app_secret.encode(), request.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(_bytes(given), f"sha256={digest}".encode())

    async def _read(self, body: bytes) -> InboundResult:
        receipts: list[KeyedReceipt] = []
        replies: list[Reply] = []
        try:
            values = list(self._values(msgspec.json.decode(body)))
        except msgspec.MsgspecError:
            _log.warning("a signed webhook call of WhatsApp holds no JSON; ignored")
            values = []
        for value in values:
            for status in _dicts(value.get("statuses")):
                receipt = await self._receipt(status)
                if receipt:
                    receipts.append(receipt)
            names = _names(value)
            for message in _dicts(value.get("messages")):
                reply = await self._reply(message, names)
                if reply:
                    replies.append(reply)
        return InboundResult(status=200, receipts=tuple(receipts), replies=tuple(replies))

    def _values(self, payload: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        """Yield what concerns this number: one app's webhook tells of all its numbers."""
        for entry in _dicts(payload.get("entry") if isinstance(payload, dict) else None):
            for change in _dicts(entry.get("changes")):
                value = change.get("value")
                if not isinstance(value, dict):
                    continue
                metadata = value.get("metadata")
                number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
                if change.get("field") == "messages" and str(number) == self._options.phone_number_id:
                    yield value

    async def _receipt(self, status: dict[str, Any]) -> KeyedReceipt | None:
        state = _STATES.get(str(status.get("status")))
        if state is None:
            return None
        callback = status.get("biz_opaque_callback_data")
        key = await self._conversations.key_of(callback) if isinstance(callback, str) and callback else None
        detail, may_retry = await self._failure(status, key) if state == "failed" else ("", False)
        receipt = Receipt(
            state=state,
            at=moment(status.get("timestamp"), self._services),
            provider_id=str(status["id"]) if status.get("id") else None,
            detail=detail,
        )
        if key is None and receipt.provider_id is None:
            return None
        return KeyedReceipt(receipt=receipt, key=key, may_retry=may_retry)

    async def _failure(self, status: dict[str, Any], key: str | None) -> tuple[str, bool]:
        """Return why a message failed after it was accepted, and whether sending it again may help."""
        error = next(_dicts(status.get("errors")), {})
        code = error.get("code")
        if not isinstance(code, int):
            return self._services.texts("whatsapp.fault.unknown"), False
        if code == WINDOW_CLOSED:
            await self._conversations.close(str(status.get("recipient_id", "")))
        if code in PICTURE_REFUSED and key:
            self._on_file_refused(key)
        fault = fault_of(code)
        data = error.get("error_data")
        details = (data.get("details") if isinstance(data, dict) else None) or error.get("title") or ""
        words = self._services.texts(f"whatsapp.fault.{fault.text}")
        detail = shorten(f"{words} ({code}: {self._options.scrub(str(details))})", 500)
        return detail, fault.decision == "retry" and fault is not UNKNOWN

    async def _reply(self, message: dict[str, Any], names: dict[str, str]) -> Reply | None:
        sender = message.get("from")
        # "system" tells of a changed number or a changed identity; nobody wrote anything.
        if not isinstance(sender, str) or not sender or message.get("type") == "system":
            return None
        at = moment(message.get("timestamp"), self._services)
        await self._conversations.heard(sender, at)
        text = _words(message)
        if not text or not message.get("id"):
            return None
        return Reply(
            id=str(message["id"]),
            sender=f"+{sender.lstrip('+')}",
            name=names.get(sender, ""),
            text=text[:MAX_REPLY],
            at=at,
            in_reply_to=_answered(message),
            payload=_pressed(message)[:MAX_PAYLOAD],
        )


def _bytes(text: str) -> bytes:
    # What was no UTF-8 on the wire comes as lone surrogates, which plain UTF-8 cannot write.
    return text.encode("utf-8", "surrogatepass")


def _words(message: dict[str, Any]) -> str:
    """Return what was written or pressed; empty for pictures, places and what is not known."""
    kind = message.get("type")
    part = message.get(str(kind))
    if not isinstance(part, dict):
        return ""
    if kind == "interactive":
        part = part.get(str(part.get("type")))
        part = part if isinstance(part, dict) else {}
    word = {"text": "body", "button": "text", "interactive": "title", "reaction": "emoji"}.get(str(kind), "caption")
    return str(part.get(word) or "")


def _answered(message: dict[str, Any]) -> str | None:
    """Return the id of our message that was answered: quoted, reacted to, or the one whose button was pressed."""
    reaction, context = message.get("reaction"), message.get("context")
    answered = reaction.get("message_id") if isinstance(reaction, dict) else None
    answered = answered or (context.get("id") if isinstance(context, dict) else None)
    return answered if isinstance(answered, str) and answered else None


def _pressed(message: dict[str, Any]) -> str:
    """Return what the pressed button holds: of a template, or of a message of ours; empty where none was pressed."""
    part, word = message.get("button"), "payload"
    if message.get("type") == "interactive":
        interactive = message.get("interactive")
        part, word = (interactive.get("button_reply") if isinstance(interactive, dict) else None), "id"
    pressed = part.get(word) if isinstance(part, dict) else None
    return pressed if isinstance(pressed, str) else ""


def _names(value: dict[str, Any]) -> dict[str, str]:
    """Return how people call themselves, by their number."""
    names = {}
    for contact in _dicts(value.get("contacts")):
        profile = contact.get("profile")
        if isinstance(profile, dict) and isinstance(profile.get("name"), str):
            names[str(contact.get("wa_id"))] = profile["name"][:MAX_NAME]
    return names


def _dicts(items: object) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
