"""What an eye says of each detector: how often it looked of late, and how often it wants to."""

import pytest
from eye_looks import FENCE, frame_at, kinds_of

from siaga.core import Wants
from siaga.core.media.camera_looks import CameraLooks
from siaga.core.media.lookout import Lookout
from siaga.core.media.looks import Looks
from siaga.core.settings import CameraSettings, DetectSettings


class Often:
    def __init__(self, options, scene):
        self.wants = Wants(pixels="luma", interval_s=0.25, when="always")

    def look(self, frame, context):
        return ()


def test_rates_are_looks_a_second_over_the_last_reports(monkeypatch):
    settings = CameraSettings(id="kali", type="demo", name="Kali", detect=(DetectSettings(type="sering", options={}),))
    looks = Looks(kinds_of(sering=Often), FENCE, lambda message: None)
    mine = CameraLooks(settings, kinds_of(sering=Often), FENCE)
    mine.make(0.0)
    looks._cameras["kali"] = mine
    lookout = Lookout(settings, looks, lambda event: None)
    now_s = 100.0
    monkeypatch.setattr("siaga.core.media.lookout.time.monotonic", lambda: now_s)
    assert lookout.report().rates == {}
    for second in range(1, 60):
        now_s += 1.0
        for look in range(2 if second < 50 else 0):
            mine.look(frame_at(now_s + look * 0.5))
        rates = lookout.report().rates
        if second == 40:
            assert rates == {"sering": (pytest.approx(2.0, abs=0.1), 4.0)}
    assert rates["sering"][0] < 1.5, "who stopped looking is told so within the half minute"
