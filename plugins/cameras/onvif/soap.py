"""ONVIF's SOAP: envelopes with a login by the camera's clock, answers whatever their prefixes, faults in words."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ....core import AuthFailed, CameraLost, DeviceHttp, NotSupported, Services, find_all, read_xml, text_of

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
SEARCH = "http://www.onvif.org/ver10/search/wsdl"
REPLAY = "http://www.onvif.org/ver10/replay/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
NOTIFY = "http://docs.oasis-open.org/wsn/b-2"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
# A fault comes with either; what it is stands in its body.
_FAULTS = (400, 500)
# Words of a fault's subcodes, without case.
_NOT_AUTHORIZED = ("notauthorized", "failedauthentication", "invalidsecurity", "senderisnotauthorized")
_NOT_SUPPORTED = ("actionnotsupported", "optionalactionnotimplemented", "notsupported", "notimplemented")


class OnvifDevice:
    """Ask one device's services; ``offset`` is its clock minus ours."""

    def __init__(
        self, services: Services, host: str, port: int, login: tuple[str, str], *, https: bool = False
    ) -> None:
        self._services = services
        self._texts = services.texts
        self._login = login
        self._origin = (("https" if https else "http"), f"{host}:{port}" if port else host)
        base = urlunsplit((*self._origin, "/", "", ""))
        self.http = DeviceHttp(services, base, username=login[0], password=login[1])
        self.offset = timedelta(0)
        # Learns the clock again when a login was refused: a camera that restarts begins in the year 1970.
        self.relearn: Callable[[], Awaitable[None]] | None = None

    def here(self, address: str) -> str:
        """Return an address of the device as it is reached from here.

        Behind a router it tells the address and the port of its own side, and only ours is reached; one that tells the
        address that we use may well have another port for a service.
        """
        try:
            parts = urlsplit(address)
        except ValueError:
            raise CameraLost(self._texts("onvif.not_onvif")) from None
        is_ours = parts.hostname == urlsplit(f"//{self._origin[1]}").hostname and parts.scheme in ("http", "https")
        scheme, place = (parts.scheme, parts.netloc.rpartition("@")[2]) if is_ours else self._origin
        return urlunsplit((scheme, place, parts.path or "/", parts.query, ""))

    async def call(
        self, address: str, body: str, *, header: str = "", limit_s: float | None = None, login: bool = True
    ) -> Element:
        """Send a request's body to a service; return the answer's body. CameraLost, AuthFailed, NotSupported."""
        return (await self.exchange(address, body, header=header, limit_s=limit_s, login=login))[0]

    async def exchange(
        self, address: str, body: str, *, header: str = "", limit_s: float | None = None, login: bool = True
    ) -> tuple[Element, bytes]:
        """Do as ``call``; return the answer as it came, too: what it wants back must have its prefixes."""
        try:
            return await self._exchange(address, body, header, limit_s, login=login)
        except AuthFailed:
            before = self.offset
            if not login or self.relearn is None:
                raise
            await self.relearn()
            if abs(self.offset - before) < timedelta(seconds=2):
                raise
        return await self._exchange(address, body, header, limit_s, login=login)

    async def _exchange(
        self, address: str, body: str, header: str, limit_s: float | None, *, login: bool
    ) -> tuple[Element, bytes]:
        envelope = self._envelope(body, header, login=login and bool(self._login[0]))
        answer = await self.http.send(
            "POST",
            self.here(address),
            envelope.encode(),
            content_type="application/soap+xml; charset=utf-8",
            limit_s=limit_s,
            keeps=_FAULTS,
        )
        if answer.status in _FAULTS and b"<" not in answer.body[:500]:
            raise CameraLost(self._texts("onvif.status", status=answer.status))
        root = read_xml(answer.body, self._texts)
        fault = next(find_all(root, "Fault"), None)
        if fault is not None:
            self._raise(fault)
        found = next(find_all(root, "Body"), None)
        if found is None:
            raise CameraLost(self._texts("onvif.not_onvif"))
        return found, answer.body

    def _raise(self, fault: Element) -> None:
        codes = {(one.text or "").rpartition(":")[2].strip().lower() for one in find_all(fault, "Value")}
        reason = text_of(fault, "Reason", "Text") or text_of(fault, "faultstring") or "Fault"
        said = {*codes, reason.replace(" ", "").lower()}
        if any(word in one for one in said for word in _NOT_AUTHORIZED):
            raise AuthFailed(self._texts("onvif.refused_login"))
        if any(word in one for one in said for word in _NOT_SUPPORTED):
            raise NotSupported(self._texts("onvif.lacks", why=reason[:200]))
        raise CameraLost(self._texts("onvif.fault", why=reason[:200]))

    def _envelope(self, body: str, header: str, *, login: bool) -> str:
        security = self._security() if login else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}" xmlns:a="{_ADDRESSING}"'
            f' xmlns:tt="{SCHEMA}"><s:Header>{header}{security}</s:Header><s:Body>{body}</s:Body></s:Envelope>'
        )

    def _security(self) -> str:
        """Return a UsernameToken (OASIS WSS 1.0): the password's digest with a nonce and the camera's own time."""
        nonce = secrets.token_bytes(16)
        created = (datetime.now(timezone.utc) + self.offset).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        digest = hashlib.sha1(nonce + created.encode() + self._login[1].encode()).digest()
        return (
            f'<w:Security xmlns:w="{_SECURITY}" xmlns:u="{_UTILITY}" s:mustUnderstand="1"><w:UsernameToken>'
            f"<w:Username>{escape(self._login[0])}</w:Username>"
            f'<w:Password Type="{_PROFILE}">{base64.b64encode(digest).decode()}</w:Password>'
            f'<w:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</w:Nonce>'
            f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
        )


def addressed(action: str, to: str, more: str = "") -> str:
    """Return WS-Addressing headers; the event services of several makers want them."""
    number = secrets.token_hex(16)
    return f"<a:Action>{action}</a:Action><a:MessageID>urn:uuid:{number}</a:MessageID><a:To>{escape(to)}</a:To>{more}"
