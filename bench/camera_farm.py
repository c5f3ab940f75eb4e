"""Plays many cameras in a process of its own: ``python -m bench.camera_farm onvif|probe|events ...``.

``onvif FIRST_PORT N RTSP_PORT``: N cameras by PyPI's ipycam. ``probe N``: answers WS-Discovery for N of them.
``events N``: N Hikvision cameras that tell a line crossing twice a second, with the monotonic time of the telling.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

MATCHES = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><d:ProbeMatches '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><d:ProbeMatch><d:Types>NetworkVideoTransmitter</d:Types>'
    "<d:Scopes>onvif://www.onvif.org/name/Kamera%20{n} onvif://www.onvif.org/hardware/Sim</d:Scopes>"
    "<d:XAddrs>http://127.0.0.1:{port}/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)


async def onvif(first: int, count: int, rtsp_port: int) -> None:
    """Serve cameras until killed."""
    from onvif_farm import onvif_farm

    async with onvif_farm(range(first, first + count), rtsp_port):
        print("ready", flush=True)
        await asyncio.Event().wait()


def probe(count: int) -> None:
    """Answer each probe for every camera, from a socket in the group."""
    hearing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hearing.bind(("", 3702))
    group = struct.pack("4s4s", socket.inet_aton("239.255.255.250"), socket.inet_aton("127.0.0.1"))
    hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    print("ready", flush=True)
    while True:
        said, sender = hearing.recvfrom(65_535)
        if not re.search(rb"Probe>", said):
            continue
        for number in range(count):
            hearing.sendto(MATCHES.format(n=number, port=20_000 + number).encode(), sender)


async def events(count: int) -> None:
    """Tell until killed; prints the ports first."""
    from hikvision_device import HikvisionDevice

    devices: list[Any] = [await HikvisionDevice(has_ptz=False, outputs=0).__aenter__() for _ in range(count)]
    print("ready", *(device.port for device in devices), flush=True)
    number = 0
    while True:
        for device in devices:
            region = f"<regionID>{time.monotonic_ns()}</regionID>"
            state = "active"
            if device.streams:
                await device.tell("linedetection", state, more=region)
            await asyncio.sleep(0.5 / count)
        number += 1


if __name__ == "__main__":
    what, numbers = sys.argv[1], [int(one) for one in sys.argv[2:]]
    if what == "probe":
        probe(*numbers)
    else:
        asyncio.run({"onvif": onvif, "events": events}[what](*numbers))
