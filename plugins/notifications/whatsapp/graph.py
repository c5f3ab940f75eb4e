"""Requests to Meta's Graph API: what came back, what was refused, and whether a lost request may have arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from ....core import Services, SiagaError, retry_after_s
from .options import Options

# Graph answers in some hundred bytes; anything longer is not Graph.
MAX_ANSWER_BYTES = 64_000
CONNECT_LIMIT_S = 8.0
# Meta's OpenAPI fixes the shape name/1.2.3 for this header.
USER_AGENT = "Siaga/0.1.0"
FILE_NAMES = {"image/png": "siaga.png", "image/jpeg": "siaga.jpg", "video/mp4": "siaga.mp4"}


class NotSent(SiagaError):
    """Say that the request never left: no network, no name, no connection, a bad certificate."""


class AnswerLost(SiagaError):
    """Say that the request left and no answer came that can be read: it may have been accepted."""


class Refused(SiagaError):
    """Say that the API refused, with its code where it gave one."""

    def __init__(self, error: GraphError) -> None:
        self.error = error
        super().__init__(error.text())


class GraphError(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what the Graph API says about a refusal. ``code`` None: the answer was not Graph's."""

    status: int
    code: int | None = None
    subcode: int | None = None
    message: str = ""
    is_transient: bool = False
    retry_after_s: float | None = None

    def text(self) -> str:
        """Return one line for the detail of a receipt or an error."""
        name = f"HTTP {self.status}" if self.code is None else str(self.code)
        return f"{name}: {self.message}" if self.message else name


class Accepted(msgspec.Struct, frozen=True):
    """Hold the id of an accepted message; ``status`` is Meta's word where it held the message back."""

    message_id: str
    status: str = ""


class Graph:
    """Speak for one business phone number. The token goes into one header and nowhere else."""

    def __init__(self, options: Options, services: Services) -> None:
        self._options = options
        self._services = services

    async def send(self, body: dict[str, Any]) -> Accepted:
        """Send one message. NotSent, AnswerLost, Refused."""
        answer = await self._post("messages", lambda: {"json": body}, self._options.timeout)
        try:
            message = answer["messages"][0]
            return Accepted(str(message["id"]), str(message.get("message_status") or ""))
        except (LookupError, TypeError, AttributeError) as err:
            raise AnswerLost("no message id in the answer") from err

    async def upload(self, content: bytes, mime_type: str, limit_s: float) -> str:
        """Upload a picture or a recording and return its media id, good for 30 days. NotSent, AnswerLost, Refused."""

        def form() -> dict[str, Any]:
            parts = aiohttp.FormData()
            parts.add_field("messaging_product", "whatsapp")
            parts.add_field("type", mime_type)
            parts.add_field("file", content, filename=FILE_NAMES[mime_type], content_type=mime_type)
            return {"data": parts}

        answer = await self._post("media", form, limit_s)
        media_id = answer.get("id") if isinstance(answer, dict) else None
        if not media_id:
            raise AnswerLost("no media id in the answer")
        return str(media_id)

    async def _post(self, edge: str, content: Callable[[], dict[str, Any]], limit_s: float) -> Any:  # noqa: ANN401
        timeout = aiohttp.ClientTimeout(total=limit_s, connect=min(CONNECT_LIMIT_S, limit_s * 0.9))
        headers = {"Authorization": f"Bearer {self._options.token}", "User-Agent": USER_AGENT}
        try:
            async with self._services.http().post(
                self._options.endpoint(edge), headers=headers, timeout=timeout, allow_redirects=False, **content()
            ) as response:
                body = await _read(response)
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as err:
            raise NotSent(_why(err)) from err
        except (TimeoutError, aiohttp.ClientError, OSError) as err:
            raise AnswerLost(_why(err)) from err
        return self._judge(status, body, retry_after_s(retry_after, self._services.clock.now()))

    def _judge(self, status: int, body: bytes, retry_after_s: float | None) -> Any:  # noqa: ANN401
        try:
            answer = msgspec.json.decode(body)
        except msgspec.MsgspecError:
            answer = None
        if status == 200 and isinstance(answer, dict) and "error" not in answer:
            return answer
        error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(error, dict):
            raise Refused(self._graph_error(status, error, retry_after_s))
        if status == 200 or status in {408, 500, 502, 504}:
            # A gateway between us and Meta spoke: what stands behind it may have accepted the message.
            raise AnswerLost(f"HTTP {status}")
        raise Refused(GraphError(status=status, retry_after_s=retry_after_s))

    def _graph_error(self, status: int, error: dict[str, Any], retry_after_s: float | None) -> GraphError:
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else None
        message = self._options.scrub(str(details or error.get("message") or ""))
        return GraphError(
            status=status,
            code=_int(error.get("code")),
            subcode=_int(error.get("error_subcode")),
            message=" ".join(message.split())[:300],
            is_transient=error.get("is_transient") is True,
            retry_after_s=retry_after_s,
        )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in response.content.iter_chunked(16_384):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            break  # not Graph; what is there will not parse, and says so
    return body


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _why(err: BaseException) -> str:
    return str(err) or type(err).__name__
