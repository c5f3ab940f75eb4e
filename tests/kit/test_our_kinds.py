"""The kinds of camera that come with Siaga pass the checks that strangers' kinds must pass."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from dahua_device import DahuaDevice
from digest_login import DigestLogin
from hikvision_device import HikvisionDevice
from onvif_device import OnvifPlayed

from siaga.plugins.cameras import dahua, frigate, hikvision, onvif, pictures, zoneminder
from siaga.testing import CameraConformance

sys.path.append(str(Path(__file__).resolve().parents[1] / "plugins"))

from test_frigate import FrigatePlayed
from test_http_pictures import PictureCamera
from test_zoneminder import ZoneMinderPlayed

pytestmark = pytest.mark.slow
PASSWORD = DigestLogin().password
LOGIN = {"username": "siaga", "password": "rahasia-kita"}


class At:
    """Hold a played device and say where it listens."""

    def __init__(self, device) -> None:
        self._device = device

    async def __aenter__(self):
        device = await self._device.__aenter__()
        port = getattr(device, "port", None) or int(device.base.rsplit(":", 1)[1])
        return SimpleNamespace(host="127.0.0.1", port=port)

    async def __aexit__(self, *error):
        await self._device.__aexit__(*error)


class OurKind(CameraConformance):
    hurry = 20.0

    def test_the_module_says_for_which_api_it_was_made(self):
        """What comes with Siaga fits it."""


class TestOnvif(OurKind):
    module, kind = onvif, "onvif"

    def device(self):
        return At(OnvifPlayed())

    def options(self, host, port):
        return {"host": host, "port": port, "username": "admin", "password": PASSWORD}


class TestHikvision(OurKind):
    module, kind = hikvision, "hikvision"

    def device(self):
        return At(HikvisionDevice())

    def options(self, host, port):
        return {"host": host, "port": port, "username": "admin", "password": PASSWORD}


class TestDahua(OurKind):
    module, kind = dahua, "dahua"

    def device(self):
        return At(DahuaDevice())

    def options(self, host, port):
        return {"host": host, "port": port, "username": "admin", "password": PASSWORD}


class TestMjpeg(OurKind):
    module, kind = pictures, "mjpeg"

    def device(self):
        return At(PictureCamera(login=DigestLogin()))

    def options(self, host, port):
        return {"url": f"http://{host}:{port}/video.mjpg", "username": "admin", "password": PASSWORD}


class TestSnapshot(OurKind):
    module, kind = pictures, "snapshot"

    def device(self):
        return At(PictureCamera(login=DigestLogin()))

    def options(self, host, port):
        return {"url": f"http://{host}:{port}/shot.jpg", "username": "admin", "password": PASSWORD}


class TestFrigate(OurKind):
    module, kind = frigate, "frigate"

    def device(self):
        return At(FrigatePlayed(token="aaa.bbb.ccc"))

    def options(self, host, port):
        return {
            "host": host,
            "port": port,
            "camera": "gang",
            "username": "siaga",
            "password": "rahasia-kita",
            "events": False,
        }


class TestZoneMinder(OurKind):
    module, kind = zoneminder, "zoneminder"

    def device(self):
        return At(ZoneMinderPlayed(token="aaa.bbb.ccc"))

    def options(self, host, port):
        return {
            "host": host,
            "port": port,
            "monitor": 1,
            "username": "siaga",
            "password": "rahasia-kita",
            "events": False,
        }
