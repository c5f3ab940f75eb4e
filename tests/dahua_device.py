"""A Dahua recorder for tests: the part of its CGI that is documented and used, with its errors, told to fail."""

import asyncio
import json

from aiohttp import web
from digest_login import DigestLogin

JPEG = b"\xff\xd8\xff\xe0" + b"JFIF" * 20 + b"\xff\xd9"


class DahuaDevice:
    """Play a device; a context manager. ``channels`` above 1 make it a recorder."""

    def __init__(self, channels=1, has_ptz=True, outputs=1) -> None:
        self.channels, self.has_ptz, self.outputs = channels, has_ptz, outputs
        self.login = DigestLogin(realm="Login to 8D0C")
        self.presets = {1: "gerbang", 2: "pasar"}
        self.commands = []
        self.streams = []
        self.picture = JPEG
        self.time = "2026-11-25 10:00:00"
        self.garbage = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/cgi-bin/{cgi}.cgi", self._answer)
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
        return {
            "host": "127.0.0.1", "port": self.port, "username": self.login.username, "password": self.login.password,
            **more,
        }  # fmt: skip

    async def tell(self, code, action="Start", index=0, data=None):
        said = f"Code={code};action={action};index={index}"
        await self.say(said + (f";data={json.dumps(data, indent=3)}" if data is not None else ""))

    async def say(self, text):
        body = text.encode()
        part = f"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:{len(body)}\r\n\r\n".encode()
        for stream in list(self.streams):
            await stream.write(part + body + b"\r\n\r\n")

    async def heard(self):
        while not self.streams:
            await asyncio.sleep(0.01)

    def cut(self):
        for stream in self.streams:
            if stream._req.transport is not None:
                stream._req.transport.abort()
        self.streams.clear()

    async def _answer(self, request):
        if self.garbage is not None:
            return web.Response(body=self.garbage)
        if (refusal := self.login.refusal(request, "Error\nInvalid Authority!\n")) is not None:
            return refusal
        asked = dict(request.query)
        answer = getattr(self, f"_{request.match_info['cgi']}", None)
        said = await answer(request, asked) if answer else None
        if isinstance(said, web.StreamResponse):
            return said
        if said is None:
            return web.Response(status=400, text="Error\r\nBad Request!\r\n")
        return web.Response(text=said)

    async def _magicBox(self, request, asked):
        return {"getDeviceType": "type=DH-SD49225\r\n", "getSerialNo": "sn=7K0A\r\n"}.get(asked["action"])

    async def _global(self, request, asked):
        return f"result={self.time}\r\n"

    async def _snapshot(self, request, asked):
        return web.Response(body=self.picture, content_type="image/jpeg")

    async def _alarm(self, request, asked):
        return f"result={self.outputs}\r\n" if self.outputs else None

    async def _configManager(self, request, asked):
        if asked["action"] == "setConfig":
            self.commands.append({key: value for key, value in asked.items() if key != "action"})
            return "OK"
        titles = [f"table.ChannelTitle[{n}].Name=Gang {n + 1}" for n in range(self.channels)]
        return "\r\n".join(titles) + "\r\n"

    async def _ptz(self, request, asked):
        if not self.has_ptz:
            return None
        self.commands.append(asked)
        if asked["action"] == "getPresets":
            lines = [
                f"presets[{k}].Index={n}\r\npresets[{k}].Name={x}" for k, (n, x) in enumerate(self.presets.items())
            ]
            return "\r\n".join(lines) + "\r\n"
        if asked["action"] == "getStatus":
            return (
                "status.MoveStatus=Moving\r\nstatus.Postion[0]=270.0\r\nstatus.Postion[1]=45.0\r\n"
                "status.Postion[2]=15.5\r\n"
            )
        if asked.get("code") == "ClearPreset":
            self.presets.pop(int(asked["arg2"]))
        if asked["action"] == "setPreset":
            self.presets[int(asked["arg1"])] = asked["arg2"]
        return "OK"

    async def _eventManager(self, request, asked):
        response = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace; boundary=myboundary"})
        await response.prepare(request)
        self.streams.append(response)
        try:
            while response in self.streams and request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.02)
        finally:
            if response in self.streams:
                self.streams.remove(response)
        return response
