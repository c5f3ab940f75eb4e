"""Asks one device over HTTP: its login, its time, and bounds on whatever it answers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from .contracts import Services
from .device_parts import DevicePart, PartCutter, PartTooLarge
from .errors import AuthFailed, CameraLost, NotSupported
from .types import Struct

_CONNECT_S = 5.0
_MOST_REDIRECTS = 3
_PIECE_BYTES = 65_536
_LACKING = (404, 405, 501)
_AWAY = (301, 302, 303, 307, 308)
_LARGEST_REFUSAL, _LONGEST_LOCK_S = 10_000, 3600.0


class DeviceAnswer(Struct):
    """Hold an answer. Header names are in lower case; ``body`` is unpacked and within the bound."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str]


class _Asked(Struct):
    method: str
    path: str
    body: bytes
    params: Mapping[str, str] | None
    headers: Mapping[str, str]


class DeviceHttp:
    """Ask one device: Digest login where it asks for it, Basic where it offers nothing else.

    Errors, in words without the login: AuthFailed (401, 403), NotSupported (404, 405, 501), CameraLost for all that
    may pass: refused, silent, cut, too large, sent elsewhere, 5xx. Certificates are not checked unless asked for:
    cameras sign their own. ``locked_s`` reads from a refusal for how many seconds the device has locked the login, 0
    where it has not: until then nothing is asked of it, since each try may begin the time anew.
    """

    def __init__(
        self,
        services: Services,
        base: str,
        *,
        username: str = "",
        password: str = "",
        limit_s: float = 8.0,
        largest_bytes: int = 2_000_000,
        verify_tls: bool = False,
        locked_s: Callable[[bytes], float] | None = None,
    ) -> None:
        self._clock = services.clock
        self._locked_s = locked_s
        self._locked_until_s = float("-inf")
        self._texts = services.texts
        self._base = base.rstrip("/") + "/"
        self._basic = aiohttp.encode_basic_auth(username, password)
        self._limit_s = limit_s
        self._largest = largest_bytes
        self._verify_tls = verify_tls
        self._session: aiohttp.ClientSession | None = None
        self._digest = aiohttp.DigestAuthMiddleware(username.replace(":", ""), password) if username else None
        self._wants_basic = False
        self._is_closed = False

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        largest_bytes: int | None = None,
        keeps: Container[int] = (),
    ) -> DeviceAnswer:
        """Get a path; ``keeps`` are statuses that are no error here."""
        return await self.send("GET", path, params=params, headers=headers, largest_bytes=largest_bytes, keeps=keeps)

    async def send(  # noqa: PLR0913  what a request is made of, by keyword
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        largest_bytes: int | None = None,
        limit_s: float | None = None,
        keeps: Container[int] = (),
    ) -> DeviceAnswer:
        """Send a request and read its whole answer, within the time and the size of this device.

        ``keeps`` are statuses that are no error here: a SOAP fault comes with 400 or 500, and says more.
        """
        limit_s = limit_s or self._limit_s
        said = {**(headers or {}), **({"Content-Type": content_type} if content_type else {})}
        asked = _Asked(method=method, path=path, body=body, params=params, headers=said)
        largest = largest_bytes or self._largest
        try:
            async with (
                asyncio.timeout(limit_s),
                self._ask(asked, limit_s, keeps) as response,
            ):
                content = await self._read(response, largest)
                return DeviceAnswer(
                    status=response.status,
                    content_type=response.headers.get("Content-Type", ""),
                    body=content,
                    headers={name.lower(): value for name, value in response.headers.items()},
                )
        except TimeoutError:
            raise CameraLost(self._texts("device.http.silent", host=self._host, seconds=f"{limit_s:g}")) from None

    async def parts(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        silence_s: float = 60.0,
        largest_bytes: int = 1_000_000,
    ) -> AsyncIterator[DevicePart]:
        """Yield the parts of an endless answer; CameraLost when it ends, or is silent for so long."""
        cutter = PartCutter(largest_bytes)
        try:
            asked = _Asked(method="GET", path=path, body=b"", params=params, headers={})
            async with self._ask(asked, silence_s) as response:
                async for content in response.content.iter_chunked(_PIECE_BYTES):
                    for part in cutter.feed(content):
                        yield part
        except PartTooLarge:
            raise CameraLost(self._texts("device.http.bad_part", host=self._host)) from None
        except TimeoutError:
            raise CameraLost(self._texts("device.http.silent", host=self._host, seconds=f"{silence_s:g}")) from None
        except (aiohttp.ClientError, OSError, ValueError) as err:
            self._raise_lost(err)
        raise CameraLost(self._texts("device.http.ended", host=self._host))

    def open(self) -> None:
        """Ask again after ``close``; a new one is open."""
        self._is_closed = False

    async def close(self) -> None:
        """Let go of the connections; who asks afterwards, as a task that ends a moment later does, hears CameraLost."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def _host(self) -> str:
        return urlsplit(self._base).hostname or "?"

    @asynccontextmanager
    async def _ask(
        self, asked: _Asked, read_s: float, keeps: Container[int] = ()
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that is good; follow the device to its own other addresses only."""
        self._refuse_while_locked()
        url = self._own(urljoin(self._base, asked.path.lstrip("/")))
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._open(asked, url, read_s)
            try:
                if response.status not in _AWAY:
                    if response.status not in keeps:
                        await self._check(response)
                    yield response
                    return
                url = self._own(urljoin(str(response.url), response.headers.get("Location", "")))
                asked = msgspec.structs.replace(asked, params=None)
            finally:
                response.close()
        raise CameraLost(self._texts("device.http.redirected", host=self._host))

    async def _open(self, asked: _Asked, url: str, read_s: float) -> aiohttp.ClientResponse:
        for is_last in (False, True):
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=read_s)
            is_basic = self._wants_basic and self._digest is not None
            try:
                response = await self._open_session().request(
                    asked.method,
                    url,
                    params=asked.params,
                    data=asked.body or None,
                    headers={**asked.headers, **({"Authorization": self._basic} if is_basic else {})},
                    timeout=timeout,
                    allow_redirects=False,
                    ssl=self._verify_tls,
                    middlewares=(self._digest,) if self._digest is not None and not is_basic else (),
                )
            except TimeoutError:
                raise
            except (aiohttp.ClientError, OSError, ValueError) as err:
                self._raise_lost(err)
            if is_last or is_basic or not self._offers_basic(response):
                return response
            response.close()
            self._wants_basic = True
        raise AssertionError("a last try returns")

    def _offers_basic(self, response: aiohttp.ClientResponse) -> bool:
        schemes = [value.strip().lower() for value in response.headers.getall("WWW-Authenticate", [])]
        is_asked = response.status == 401 and self._digest is not None
        # A refused Digest is a refused password: it is not sent in clear for a second answer.
        return is_asked and any(one.startswith("basic") for one in schemes) and not schemes[0].startswith("digest")

    def _open_session(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise CameraLost(self._texts("device.http.cut", host=self._host))
        if self._session is None:
            connector = aiohttp.TCPConnector(limit_per_host=6, ttl_dns_cache=60)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def _read(self, response: aiohttp.ClientResponse, largest: int) -> bytes:
        content = bytearray()
        try:
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                content += piece
                if len(content) > largest:
                    words = self._texts("device.http.too_large", host=self._host, megabytes=f"{largest / 1e6:g}")
                    raise CameraLost(words)
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as err:
            self._raise_lost(err)
        return bytes(content)

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status in (401, 403):
            if self._locked_s is not None:
                said = await response.content.read(_LARGEST_REFUSAL)
                locked_s = min(_LONGEST_LOCK_S, max(0.0, self._locked_s(said)))
                self._locked_until_s = self._clock.mono_s() + locked_s if locked_s else float("-inf")
            self._refuse_while_locked()
            raise AuthFailed(self._texts("device.http.refused_login", host=self._host))
        if response.status in _LACKING:
            words = self._texts("device.http.lacks", host=self._host, path=response.url.path, status=response.status)
            raise NotSupported(words)
        if response.status >= 400:
            raise CameraLost(self._texts("device.http.status", host=self._host, status=response.status))

    def _refuse_while_locked(self) -> None:
        rest_s = self._locked_until_s - self._clock.mono_s()
        if rest_s > 0:
            minutes = max(1, math.ceil(rest_s / 60))
            locked = AuthFailed(self._texts("device.http.locked", host=self._host, minutes=minutes))
            locked.wait_s = rest_s
            raise locked

    def _own(self, url: str) -> str:
        parts = urlsplit(url)
        # The login belongs to this device; elsewhere may be anybody.
        if parts.scheme not in ("http", "https") or parts.hostname != urlsplit(self._base).hostname:
            words = self._texts("device.http.sent_away", host=self._host, other=parts.hostname or "?")
            raise CameraLost(words)
        return url

    def _raise_lost(self, err: Exception) -> NoReturn:
        if isinstance(err, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            key = "device.http.certificate"
        elif isinstance(err, aiohttp.ClientConnectorDNSError):
            key = "device.http.unknown_host"
        elif isinstance(err, aiohttp.ClientConnectorError):
            key = "device.http.unreachable"
        elif isinstance(err, aiohttp.ClientResponseError | aiohttp.ClientPayloadError | ValueError):
            key = "device.http.garbage"
        else:
            key = "device.http.cut"
        raise CameraLost(self._texts(key, host=self._host)) from None
