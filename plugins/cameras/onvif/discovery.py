"""Finds ONVIF devices on the local network (WS-Discovery 1.1, 2005 namespace), also those that answer sloppily."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import re
import socket
import uuid
from collections.abc import Sequence
from urllib.parse import SplitResult, unquote, urlsplit
from xml.etree.ElementTree import Element

import psutil

from ....core import CameraLost, FoundCamera, Services, Texts, find_all, read_xml, text_of

_GROUP, _PORT = "239.255.255.250", 3702
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl">'
    "<e:Header><w:MessageID>uuid:{number}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
)
# A datagram may be lost: the probe is said again, at other moments for each.
_PROBES = 3
# More answers than a network has cameras: somebody plays.
_MOST_ANSWERS, _LARGEST_ANSWER = 2000, 65_507
_ADDRESSES = re.compile(rb"https?://[^\s<>\"']{3,200}/onvif/[^\s<>\"']{0,100}")
_SCOPES = re.compile(rb"onvif://www\.onvif\.org/[^\s<>\"']{1,200}")


async def find(services: Services, limit_s: float) -> Sequence[FoundCamera]:
    """Return the devices that answer within some seconds, each once."""
    loop = asyncio.get_running_loop()
    answers: dict[bytes, None] = {}
    transports = []
    for address in own_addresses():
        with contextlib.suppress(OSError):
            transports.append(await _open(loop, address, answers))
    try:
        for number in range(_PROBES):
            probe = _PROBE.format(number=uuid.uuid4()).encode()
            for transport in transports:
                with contextlib.suppress(OSError):
                    transport.sendto(probe, (_GROUP, _PORT))
            rest_s = limit_s / 6 * random.uniform(0.5, 1.0) if number < _PROBES - 1 else limit_s / 2
            await services.clock.sleep(rest_s)
    finally:
        for transport in transports:
            transport.close()
    found: dict[str, FoundCamera] = {}
    for answer in answers:
        for camera in read_answer(answer, services.texts):
            found.setdefault(camera.address, camera)
    return sorted(found.values(), key=lambda camera: _sorted_by(camera.address))


def own_addresses() -> list[str]:
    """Return this machine's IPv4 addresses, one for each network it stands in."""
    found = []
    for cards in psutil.net_if_addrs().values():
        found += [card.address for card in cards if card.family == socket.AF_INET]
    return found


class _Hearing(asyncio.DatagramProtocol):
    def __init__(self, answers: dict[bytes, None]) -> None:
        self._answers = answers

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(self._answers) < _MOST_ANSWERS and len(data) <= _LARGEST_ANSWER:
            self._answers[data] = None


async def _open(loop: asyncio.AbstractEventLoop, address: str, answers: dict[bytes, None]) -> asyncio.DatagramTransport:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        # A hundred cameras answer in the same instant.
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sender.bind((address, 0))
        sender.setblocking(False)
        transport, _ = await loop.create_datagram_endpoint(lambda: _Hearing(answers), sock=sender)
    except OSError:
        sender.close()
        raise
    return transport


def read_answer(answer: bytes, texts: Texts) -> list[FoundCamera]:
    """Return the devices of one ProbeMatches; one that is no XML is searched for what looks like an address."""
    try:
        root = read_xml(answer, texts, largest_bytes=_LARGEST_ANSWER)
    except CameraLost:
        return _camera([found.decode("latin-1") for found in _ADDRESSES.findall(answer)], _scopes(answer))
    cameras = []
    for match in find_all(root, "ProbeMatch"):
        cameras += _camera(text_of(match, "XAddrs").split(), _scopes_of(match))
    return cameras


def _scopes(answer: bytes) -> list[str]:
    return [found.decode("latin-1") for found in _SCOPES.findall(answer)]


def _scopes_of(match: Element) -> list[str]:
    return text_of(match, "Scopes").split()


def _camera(addresses: list[str], scopes: list[str]) -> list[FoundCamera]:
    usable = [parts for address in addresses if (parts := _parts(address)) is not None]
    if not usable:
        return []
    # A camera that got no address once tells the one it gave itself as well.
    parts = min(usable, key=lambda one: str(one.hostname).startswith("169.254."))
    host, port = str(parts.hostname), _port(parts.netloc)
    said = {scope.rsplit("/", 2)[-2].lower(): unquote(scope.rsplit("/", 1)[-1]) for scope in scopes if "/" in scope}
    options: dict[str, str | int] = {"host": host}
    if port not in (0, 80):
        options["port"] = port
    model, name = said.get("hardware", ""), said.get("name", "")
    return [
        FoundCamera(
            type="onvif", name=name or model or host, options={**options}, model=model, address=f"{host}:{port or 80}"
        )
    ]


def _parts(address: str) -> SplitResult | None:
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        if parts.hostname and _is_ipv4(parts.hostname):
            return parts
    return None


def _port(netloc: str) -> int:
    tail = netloc.rpartition(":")[2]
    return int(tail) if tail.isdecimal() and int(tail) < 65_536 else 0


def _is_ipv4(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).version == 4
    return False


def _sorted_by(address: str) -> tuple[int, int]:
    host, _, port = address.partition(":")
    return int(ipaddress.ip_address(host)), int(port or 0)
