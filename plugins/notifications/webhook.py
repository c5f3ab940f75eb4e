"""Notifier kind ``webhook``: posts each notice as signed JSON to an address of the operator's own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import timezone
from pathlib import Path
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

import aiohttp
import msgspec
import voluptuous as vol

from ...core import Kind, Notice, Notifier, NotifierSettings, Receipt, SendFailed, Services, hookimpl, retry_after_s

# Base64 adds a third: the body stays under 10 MB, which common servers take by setting.
MAX_PICTURE_BYTES = 6_000_000
# What the far side says beyond this is not read.
MAX_ANSWER_BYTES = 16_000


def _url(value: object) -> str:
    """Return an address of http or https."""
    text = str(value)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise vol.Invalid("https://...")
    return text


SCHEMA = vol.Schema(
    {
        vol.Required("url", description="webhook.option.url"): _url,
        vol.Required("secret", description="webhook.option.secret"): vol.All(str, vol.Length(min=8, max=600)),
        vol.Optional("image", default="none", description="webhook.option.image"): vol.In(("none", "base64", "path")),
        vol.Optional("timeout", default=15.0, description="webhook.option.timeout"): vol.All(
            vol.Coerce(float), vol.Range(0.2, 50)
        ),
    }
)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return ``sha256=`` and the HMAC over ``timestamp.body``: a repeated old call can be told by its time."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookNotifier:
    """Fulfil ``Notifier``. The key goes as ``Idempotency-Key``: a lost answer may simply be sent again."""

    def __init__(self, settings: NotifierSettings, services: Services) -> None:
        self._id = settings.id
        self._url: str = settings.options["url"]
        self._secret: str = settings.options["secret"]
        self._image: Literal["none", "base64", "path"] = settings.options.get("image", "none")
        self._timeout_s = float(settings.options.get("timeout", 15.0))
        self._services = services

    def __repr__(self) -> str:
        return f"WebhookNotifier({self._id})"

    async def send(self, notice: Notice) -> Receipt:
        """Post once. SendFailed with ``retry`` even when the answer was lost, see the class."""
        body, detail = await self._body(notice)
        timestamp = str(int(self._services.clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Siaga/0.1.0",
            # A header holds ASCII only, without line ends; a key may hold a camera's name.
            "Idempotency-Key": notice.key if notice.key.isascii() and notice.key.isprintable() else _digest(notice.key),
            "X-Siaga-Timestamp": timestamp,
            "X-Siaga-Signature": signature(self._secret, timestamp, body),
        }
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        try:
            async with self._services.http().post(
                self._url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                answer = await response.content.read(MAX_ANSWER_BYTES)
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (TimeoutError, aiohttp.ClientError, OSError) as err:
            words = self._services.texts("webhook.fault.no_answer", host=self._host, why=type(err).__name__)
            raise SendFailed(words, verdict="retry") from err
        if not 200 <= status < 300:
            self._refuse(status, answer, retry_after)
        return Receipt(state="delivered", at=self._services.clock.now(), detail=detail)

    async def close(self) -> None:
        """Let go of nothing: the session is the hub's."""

    @property
    def _host(self) -> str:
        # The path or query of an address often holds a secret; the host is enough to know it by.
        return urlsplit(self._url).hostname or ""

    async def _body(self, notice: Notice) -> tuple[bytes, str]:
        content: dict[str, Any] = {
            "key": notice.key,
            "site": {"id": self._services.site.id, "name": self._services.site.name},
            "to": notice.to,
            "text": notice.text,
            "parameters": notice.parameters,
            "priority": notice.priority,
            "event": notice.event_id,
            "run": notice.run_id,
            "incident": notice.incident_id,
            "asks_answer": notice.asks_answer,
            "thread": notice.thread,
            "clip": notice.clip,
            "created_at": notice.created_at.astimezone(timezone.utc),
            "since": notice.since.astimezone(timezone.utc) if notice.since else None,
            "image": None,
        }
        detail = ""
        if notice.image and self._image == "path":
            content["image"] = {"path": notice.image}
        elif notice.image and self._image == "base64":
            picture = await asyncio.to_thread(_read, self._services.media_path(notice.image))
            if picture is None:
                detail = self._services.texts("webhook.no_picture")
            else:
                content["image"] = {"path": notice.image, "base64": base64.b64encode(picture).decode()}
        return msgspec.json.encode(content), detail

    def _refuse(self, status: int, answer: bytes, retry_after: str | None) -> NoReturn:
        said = " ".join(answer.decode("utf-8", "replace").replace(self._secret, "***").split())
        values = {"host": self._host, "status": status, "said": said[:200]}
        if status in {408, 425, 429} or status >= 500:
            words = self._services.texts("webhook.fault.busy", **values)
            raise SendFailed(words, verdict="retry", wait_s=retry_after_s(retry_after, self._services.clock.now()))
        if 300 <= status < 400:
            raise SendFailed(self._services.texts("webhook.fault.redirect", **values), verdict="ask_operator")
        if status in {401, 403, 404, 405}:
            raise SendFailed(self._services.texts("webhook.fault.settings", **values), verdict="ask_operator")
        raise SendFailed(self._services.texts("webhook.fault.refused", **values), verdict="give_up")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_PICTURE_BYTES else None
    except OSError:
        return None


@hookimpl
def offer_notifiers() -> Iterable[Kind[Notifier]]:
    """Offer ``webhook``."""
    return (
        Kind(
            "webhook",
            SCHEMA,
            WebhookNotifier,
            "Mengirim pemberitahuan sebagai JSON bertanda tangan ke alamat Anda sendiri.",
            "Posts notices as signed JSON to an address of your own.",
        ),
    )
