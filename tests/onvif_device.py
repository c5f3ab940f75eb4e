"""An ONVIF device for tests, with what PyPI's ipycam lacks: pull points, relays, Media2, several channels."""

import asyncio
import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone

from aiohttp import web

JPEG = b"\xff\xd8\xff\xe0" + b"JFIF" * 20 + b"\xff\xd9"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
    ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"'
    ' xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"'
    ' xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
    ' xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:dom0="http://www.axis.com/2009/event">'
    "<SOAP-ENV:Body>{}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
MESSAGE = (
    "<wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic><wsnt:Message>"
    '<tt:Message UtcTime="2026-11-25T03:00:00Z"{operation}><tt:Source>{source}</tt:Source><tt:Data>{data}</tt:Data>'
    "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
)


def items(values):
    return "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in values.items())


def message(topic, data, source=None, operation="Changed"):
    """Return a notification as devices write it."""
    said = f' PropertyOperation="{operation}"' if operation else ""
    return MESSAGE.format(topic=topic, operation=said, source=items(source or {}), data=items(data))


class OnvifPlayed:
    """Play a device; a context manager. ``channels`` above 1 make it a recorder."""

    def __init__(self, channels=1, has_media2=False, has_ptz=True, reference="") -> None:
        self.channels, self.has_media2, self.has_ptz, self.reference = channels, has_media2, has_ptz, reference
        self.username, self.password = "admin", "s3cret-word"
        self.clock_offset = timedelta(0)
        self.asked = []
        self.headers = []
        self.relays = {"RelayOutput_1": "inactive"}
        self.presets = {"1": "gerbang", "2": "pasar"}
        self.position = (0.25, -0.5, 0.1)
        self.waiting = asyncio.Queue()
        self.points = 0
        self.has_forgotten = False
        self.is_hanging = False
        self.garbage = None
        self.refused = {}
        self.rtsp = "rtsp://192.168.99.7:8554/kamera/{token}?profile=1"

    async def __aenter__(self):
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/{path:.*}", self._answer)
        app.router.add_get("/snap/{token}", self._snap)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    def options(self, **more):
        return {"host": "127.0.0.1", "port": self.port, "username": self.username, "password": self.password, **more}

    def tell(self, *messages):
        self.waiting.put_nowait("".join(messages))

    def count(self, action):
        return sum(1 for name in self.asked if name == action)

    async def _snap(self, request):
        return web.Response(body=JPEG, content_type="image/jpeg")

    async def _answer(self, request):
        body = await request.text()
        while self.is_hanging:
            await asyncio.sleep(0.02)
        if self.garbage is not None:
            return web.Response(body=self.garbage, content_type="application/soap+xml")
        found = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", body)
        action = found[1]
        self.asked.append(action)
        self.headers.append(body[: found.start()])
        if action != "GetSystemDateAndTime" and not self._is_known(body):
            return self._fault("ter:NotAuthorized", "Sender not Authorized", 400)
        if self.refused.get(action, 0) > 0:
            self.refused[action] -= 1
            return self._fault("ter:Action", "busy", 500)
        answer = getattr(self, f"_{action}", None)
        if answer is None:
            return self._fault("ter:ActionNotSupported", "Optional Action Not Implemented", 500)
        said = answer(body)
        if asyncio.iscoroutine(said):
            said = await said
        return said if isinstance(said, web.Response) else self._said(action, said)

    def _is_known(self, body):
        parts = dict(re.findall(r"<\w+:(Username|Password|Nonce|Created)(?:\s[^>]*)?>([^<]*)", body))
        if parts.get("Username") != self.username:
            return False
        created = datetime.strptime(parts["Created"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        if abs(created - (datetime.now(timezone.utc) + self.clock_offset)) > timedelta(seconds=10):
            return False
        digest = hashlib.sha1(base64.b64decode(parts["Nonce"]) + parts["Created"].encode() + self.password.encode())
        return base64.b64encode(digest.digest()).decode() == parts["Password"]

    def _fault(self, code, reason, status):
        body = (
            f"<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
            f"<SOAP-ENV:Value>{code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason>"
            f'<SOAP-ENV:Text xml:lang="en">{reason}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>'
        )
        return web.Response(status=status, text=ENVELOPE.format(body), content_type="application/soap+xml")

    def _said(self, action, inside):
        return web.Response(
            text=ENVELOPE.format(f"<tds:{action}Response>{inside}</tds:{action}Response>"),
            content_type="application/soap+xml",
        )

    # --- device ---------------------------------------------------------------------------------

    def _GetSystemDateAndTime(self, body):
        now = datetime.now(timezone.utc) + self.clock_offset
        return (
            f"<tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}"
            f"</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>"
            f"{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>"
        )

    def _GetDeviceInformation(self, body):
        told = {"Manufacturer": "Nusa", "Model": "N-16", "SerialNumber": "S7"}
        return "".join(f"<tds:{name}>{value}</tds:{name}>" for name, value in told.items())

    def _GetServices(self, body):
        # Behind a router a device tells the address of its own side.
        names = {
            "http://www.onvif.org/ver10/media/wsdl": "media", "http://www.onvif.org/ver20/ptz/wsdl": "ptz",
            "http://www.onvif.org/ver10/events/wsdl": "events",
        }  # fmt: skip
        if self.has_media2:
            names["http://www.onvif.org/ver20/media/wsdl"] = "media2"
        return "".join(
            f"<tds:Service><tds:Namespace>{name}</tds:Namespace><tds:XAddr>http://192.168.99.7/onvif/{path}</tds:XAddr>"
            "</tds:Service>"
            for name, path in names.items()
        )

    def _GetRelayOutputs(self, body):
        return "".join(f'<tds:RelayOutputs token="{token}"/>' for token in self.relays)

    def _SetRelayOutputState(self, body):
        self.relays[re.search("<RelayOutputToken>(.*?)<", body)[1]] = re.search("<LogicalState>(.*?)<", body)[1]
        return ""

    # --- media ----------------------------------------------------------------------------------

    def _GetProfiles(self, body):
        told = ""
        for number in range(1, self.channels + 1):
            for kind, (width, height) in {"main": (1920, 1080), "sub": (640, 360)}.items():
                source, ptz = f"VideoSource_{number}", "<tt:PTZConfiguration token='p'/>" if self.has_ptz else ""
                size = f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
                if self.has_media2:
                    told += (
                        f'<tr2:Profiles token="p{number}_{kind}"><tr2:Configurations><tr2:VideoSource><tt:SourceToken>'
                        f"{source}</tt:SourceToken></tr2:VideoSource><tr2:VideoEncoder><tt:Encoding>H265</tt:Encoding>"
                        f"{size}</tr2:VideoEncoder>{'<tr2:PTZ/>' if self.has_ptz else ''}</tr2:Configurations>"
                        "</tr2:Profiles>"
                    )
                else:
                    told += (
                        f'<trt:Profiles token="p{number}_{kind}"><tt:VideoSourceConfiguration token="vsc_{number}">'
                        f"<tt:SourceToken>{source}"
                        "</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration>"
                        f"<tt:Encoding>H264</tt:Encoding>{size}</tt:VideoEncoderConfiguration>{ptz}</trt:Profiles>"
                    )
        # One that has no picture: firmware lists such, too.
        return told + '<trt:Profiles token="audio_only"/>'

    def _GetStreamUri(self, body):
        uri = self.rtsp.format(token=re.search("<ProfileToken>(.*?)<", body)[1]).replace("&", "&amp;")
        return f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"

    def _GetSnapshotUri(self, body):
        return f"<trt:MediaUri><tt:Uri>http://192.168.99.7:{self.port}/snap/1</tt:Uri></trt:MediaUri>"

    # --- ptz ------------------------------------------------------------------------------------

    def _GetPresets(self, body):
        if not self.has_ptz:
            return self._fault("ter:ActionNotSupported", "no PTZ", 500)
        named = [
            f'<tptz:Preset token="{n}"><tt:Name>{name}</tt:Name></tptz:Preset>' for n, name in self.presets.items()
        ]
        return "".join(named) + '<tptz:Preset token="9"/>'

    def _GetStatus(self, body):
        pan, tilt, zoom = self.position
        return (
            f'<tptz:PTZStatus><tt:Position><tt:PanTilt x="{pan}" y="{tilt}"/><tt:Zoom x="{zoom}"/></tt:Position>'
            "<tt:MoveStatus><tt:PanTilt>MOVING</tt:PanTilt><tt:Zoom>IDLE</tt:Zoom></tt:MoveStatus></tptz:PTZStatus>"
        )

    def _SetPreset(self, body):
        again = re.search("<PresetToken>(.*?)<", body)
        token = again[1] if again else str(len(self.presets) + 10)
        self.presets[token] = re.search("<PresetName>(.*?)<", body)[1]
        return f"<tptz:PresetToken>{token}</tptz:PresetToken>"

    def _RemovePreset(self, body):
        self.presets.pop(re.search("<PresetToken>(.*?)<", body)[1])
        return ""

    def _moved(self, body):
        self.moved = re.search(r"Body><((?:Goto|Continuous|Absolute|Relative|Stop).*)", body)[1]
        return ""

    _GotoPreset = _ContinuousMove = _AbsoluteMove = _RelativeMove = _Stop = _GotoHomePosition = _moved

    # --- events ---------------------------------------------------------------------------------

    def _CreatePullPointSubscription(self, body):
        self.points += 1
        self.has_forgotten = False
        return (
            f"<tev:SubscriptionReference><wsa5:Address>http://192.168.99.7/onvif/point{self.points}</wsa5:Address>"
            f"{self.reference}</tev:SubscriptionReference>"
        )

    async def _PullMessages(self, body):
        if self.has_forgotten:
            return self._fault("wsrf-rw:ResourceUnknownFault", "unknown subscription", 400)
        try:
            async with asyncio.timeout(2):
                return await self.waiting.get()
        except TimeoutError:
            return ""

    def _Renew(self, body):
        return ""

    def _Unsubscribe(self, body):
        return ""
