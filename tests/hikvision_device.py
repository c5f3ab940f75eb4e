"""A Hikvision recorder for tests: the part of ISAPI that is documented and used, with its errors, told to fail."""

import asyncio
import re

from aiohttp import web
from digest_login import DigestLogin

JPEG = b"\xff\xd8\xff\xe0" + b"JFIF" * 20 + b"\xff\xd9"
NS = 'xmlns="http://www.hikvision.com/ver20/XMLSchema" version="2.0"'


def refused(status, sub):
    body = f"<ResponseStatus {NS}><statusCode>4</statusCode><subStatusCode>{sub}</subStatusCode></ResponseStatus>"
    return web.Response(status=status, text=body, content_type="application/xml")


class HikvisionDevice:
    """Play a device at ``address``; a context manager. ``channels`` above 1 make it a recorder."""

    def __init__(self, channels=1, has_ptz=True, outputs=2) -> None:
        self.channels, self.has_ptz, self.outputs = channels, has_ptz, outputs
        self.login = DigestLogin()
        self.presets = {1: "gerbang", 2: "pasar", 34: "Auto-flip"}
        self.commands = []
        self.streams = []
        self.is_hanging = False
        self.picture = JPEG
        self.time = ("2026-11-25T10:00:00+07:00", "CST-7:00:00")
        self.garbage = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.cut()
        await self._runner.cleanup()

    def options(self, **more):
        """Return what an operator would write."""
        return {
            "host": "127.0.0.1", "port": self.port, "username": self.login.username, "password": self.login.password,
            **more,
        }  # fmt: skip

    async def tell(self, event_type, state="active", *, channel=1, more="", lengths=True):
        """Say something on every open alert stream, as the firmware does: XML behind a boundary."""
        body = (
            f"<EventNotificationAlert {NS}><ipAddress>127.0.0.1</ipAddress><channelID>{channel}</channelID>"
            f"<dateTime>2026-11-25T10:00:00+07:00</dateTime><activePostCount>1</activePostCount>"
            f"<eventType>{event_type}</eventType><eventState>{state}</eventState>{more}</EventNotificationAlert>"
        ).encode()
        await self.say(body, lengths=lengths)

    async def say(self, body, content_type='application/xml; charset="UTF-8"', lengths=True):
        length = f"Content-Length: {len(body)}\r\n" if lengths else ""
        part = f"--boundary\r\nContent-Type: {content_type}\r\n{length}\r\n".encode() + body + b"\r\n"
        for stream in list(self.streams):
            await stream.write(part)

    async def heard(self):
        """Wait until somebody listens."""
        while not self.streams:
            await asyncio.sleep(0.01)

    def cut(self):
        """Break every alert stream."""
        for stream in self.streams:
            if stream._req.transport is not None:
                stream._req.transport.abort()
        self.streams.clear()

    async def _answer(self, request):
        while self.is_hanging:
            await asyncio.sleep(0.02)
        if self.garbage is not None:
            return web.Response(body=self.garbage, content_type="application/xml")
        if (refusal := self.login.refusal(request)) is not None:
            return refusal
        path = request.path.removeprefix("/ISAPI/")
        for pattern, answer in self._routes().items():
            if found := re.fullmatch(pattern, path):
                return await answer(request, *found.groups())
        return refused(404, "methodNotAllowed")

    def _routes(self):
        return {
            "System/deviceInfo": self._device_info,
            "System/time": self._time,
            "System/IO/outputs": self._outputs,
            r"System/IO/outputs/(\d+)/trigger": self._trigger,
            "Event/notification/alertStream": self._alerts,
            "ContentMgmt/InputProxy/channels": self._inputs,
            r"Streaming/channels/(\d+)/picture": self._picture,
            r"PTZCtrl/channels/(\d+)/(.+)": self._ptz,
        }

    async def _device_info(self, request):
        kind = "NVR" if self.channels > 1 else "IPCamera"
        return xml(
            f"<DeviceInfo {NS}><deviceName>Posko</deviceName><model>DS-2DE4425</model><serialNumber>SN1</serialNumber>"
            f"<deviceType>{kind}</deviceType></DeviceInfo>"
        )

    async def _time(self, request):
        local, zone = self.time
        return xml(
            f"<Time {NS}><timeMode>NTP</timeMode><localTime>{local}</localTime><timeZone>{zone}</timeZone></Time>"
        )

    async def _outputs(self, request):
        ports = "".join(f"<IOOutputPort><id>{n}</id></IOOutputPort>" for n in range(1, self.outputs + 1))
        return xml(f"<IOOutputPortList {NS}>{ports}</IOOutputPortList>")

    async def _trigger(self, request, number):
        state = re.search("<outputState>(.*?)</outputState>", await request.text())[1]
        self.commands.append(("output", int(number), state))
        return xml(f"<ResponseStatus {NS}><statusCode>1</statusCode></ResponseStatus>")

    async def _inputs(self, request):
        if self.channels == 1:
            return refused(404, "notSupport")
        listed = "".join(
            f"<InputProxyChannel><id>{n}</id><name>Gang {n}</name></InputProxyChannel>"
            for n in range(1, self.channels + 1)
        )
        return xml(f"<InputProxyChannelList {NS}>{listed}</InputProxyChannelList>")

    async def _picture(self, request, stream):
        return web.Response(body=self.picture, content_type="image/jpeg")

    async def _ptz(self, request, channel, what):
        if not self.has_ptz:
            return refused(403, "notSupport")
        body = await request.text()
        if what == "presets":
            listed = "".join(
                f"<PTZPreset><enabled>true</enabled><id>{n}</id><presetName>{name}</presetName></PTZPreset>"
                for n, name in self.presets.items()
            )
            return xml(
                f"<PTZPresetList {NS}>{listed}<PTZPreset><enabled>false</enabled><id>9</id></PTZPreset></PTZPresetList>"
            )
        if what == "status":
            return xml(
                f"<PTZStatus {NS}><AbsoluteHigh><elevation>450</elevation><azimuth>2700</azimuth>"
                "<absoluteZoom>155</absoluteZoom></AbsoluteHigh></PTZStatus>"
            )
        if found := re.fullmatch(r"presets/(\d+)", what):
            number = int(found[1])
            if request.method == "DELETE":
                self.presets.pop(number, None)
            else:
                self.presets[number] = re.search("<presetName>(.*?)</presetName>", body)[1]
        self.commands.append((request.method, what, re.sub(r"</?PTZData>", "", body)))
        return xml(f"<ResponseStatus {NS}><statusCode>1</statusCode></ResponseStatus>")

    async def _alerts(self, request):
        response = web.StreamResponse(headers={"Content-Type": "multipart/mixed; boundary=boundary"})
        await response.prepare(request)
        self.streams.append(response)
        try:
            while response in self.streams and request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.02)
        finally:
            if response in self.streams:
                self.streams.remove(response)
        return response


def xml(body):
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', content_type="application/xml")
