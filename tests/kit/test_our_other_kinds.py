"""Our own stores, notifiers, detectors and actions pass the checks that strangers' must pass."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from aiohttp import web

from siaga.plugins.detectors import behaviour, brawl, crowd, fire, flood, left, objects, tamper
from siaga.plugins.notifications import log, webhook
from siaga.plugins.storage import local
from siaga.rules import actions, camera_actions, incident_actions, ptz_actions
from siaga.testing import ActionConformance, DetectorConformance, NotifierConformance, StoreConformance

pytestmark = pytest.mark.slow


class Ours:
    def test_the_module_says_for_which_api_it_was_made(self):
        """What comes with Siaga fits it."""


class TestLocal(Ours, StoreConformance):
    module, kind = local, "local"


class TestLog(Ours, NotifierConformance):
    module, kind = log, "log"


class Receiver:
    """Take what the webhook posts."""

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/", self.answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return SimpleNamespace(host="127.0.0.1", port=self._runner.addresses[0][1])

    async def __aexit__(self, *error):
        await self._runner.cleanup()

    @staticmethod
    async def answer(request):
        await request.read()
        return web.Response()


class TestWebhook(Ours, NotifierConformance):
    module, kind = webhook, "webhook"

    def device(self):
        return Receiver()

    def options(self, host, port):
        return {"url": f"http://{host}:{port}/", "secret": "rahasia-sekali"}


class OurDetector(Ours, DetectorConformance):
    pass


class TestTamper(OurDetector):
    module, kind = tamper, "tamper"


class TestCrowd(OurDetector):
    module, kind = crowd, "crowd"

    def right(self):
        return {"zone": "halaman", "above": 1}


class TestLoitering(OurDetector):
    module, kind = behaviour, "loitering"

    def right(self):
        return {"zone": "halaman", "for": "10 s"}


class TestLine(OurDetector):
    module, kind = behaviour, "line"

    def right(self):
        return {"name": "gerbang", "line": [[0.3, 0.5], [0.3, 0.9]]}


class TestTraffic(OurDetector):
    module, kind = behaviour, "traffic"

    def right(self):
        return {"zone": "halaman", "way": [[0.9, 0.5], [0.1, 0.5]], "stopped_for": 5}


class TestFire(OurDetector):
    module, kind = fire, "fire"


class TestRunning(OurDetector):
    module, kind = behaviour, "running"


class TestFallen(OurDetector):
    module, kind = behaviour, "fallen"


class TestLeft(OurDetector):
    module, kind = left, "left"

    def right(self):
        return {"zone": "halaman"}


class TestBrawl(OurDetector):
    module, kind = brawl, "brawl"


class TestObjects(OurDetector):
    module, kind = objects, "objects"

    def pictures(self):
        """Return a few only: each costs a look of the net."""
        return super().pictures()[:4]


class TestFlood(OurDetector):
    module, kind = flood, "flood"

    def right(self):
        return {"gauge": {"points": [[0.5, 0.1, 300], [0.5, 0.9, 0]], "width": 0.1}, "stages": {3: 150, 2: 200, 1: 250}}

    def pictures(self):
        shown = []
        for level in range(200, 60, -12):
            picture = np.full((240, 320, 3), 190, np.uint8)
            for top in range(20, 220, 20):
                cv2.rectangle(picture, (150, top), (170, top + 9), (20, 20, 20), -1)
            picture[level:] = (70, 90, 80)
            shown.append(picture)
        return shown


class OurAction(Ours, ActionConformance):
    pass


class TestBurst(OurAction):
    module, kind, target = actions, "recording.burst", {"camera": ("gang", "pasar")}

    def options(self, host, port):
        return {"before": 5, "after": 10}


class TestSnapshot(OurAction):
    module, kind, target = actions, "snapshot", {"camera": ("gang",)}


class TestSiren(OurAction):
    """No camera of the stand-in hub has a siren: every way of asking is refused in words."""

    module, kind, target = camera_actions, "io.siren", {"camera": ("gang",)}

    def test_a_step_is_done_and_says_what_came_of_it(self):
        pytest.skip("no device with a siren here: tests/rules/test_camera_actions.py has one")

    test_the_same_step_again_is_done_once = test_it_leaves_nothing_and_blocks_nobody = (
        test_a_step_is_done_and_says_what_came_of_it
    )


class TestOpenIncident(OurAction):
    module, kind = incident_actions, "incident.open"

    def options(self, host, port):
        return {"incident": "banjir/kali", "title": "Air naik"}


class TestGotoPreset(OurAction):
    module, kind, target = ptz_actions, "ptz.goto_preset", {"camera": ("gang",)}

    def options(self, host, port):
        return {"preset": "gerbang"}
