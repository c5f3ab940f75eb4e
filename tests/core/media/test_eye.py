import os
import signal
import textwrap
import time

import cv2
import numpy as np
import pytest
from eye_process import EyeProcess, is_report, report_of
from media_clips import make_clip
from packet_server import VTEST, PacketServer, encode, moving_pictures, people_pictures, still_pictures
from recorder_process import RecorderProcess
from rtsp_server import RtspServer

from siaga.core.contracts import StreamSource
from siaga.core.media.messages import (
    EyeBeat,
    EyeEvent,
    ForgetCamera,
    PictureTaken,
    Reading,
    Stop,
    TakePicture,
)

SMALL = (320, 240)

STRANGERS = '''
"""Detectors of strangers: one counts, one raises, one hangs, one takes its time."""
import time
import voluptuous as vol
from siaga.core import Box, Detection, Kind, Observation, Wants, hookimpl

class Brightness:
    wants = Wants(pixels="luma", interval_s=0.2, when="always", keyframes_only=True)
    def __init__(self, options, scene): pass
    def look(self, frame, context):
        return [Observation(kind="brightness", data={"mean": float(frame.luma.mean())}, is_event=False)]

class Watches(Brightness):
    wants = Wants(pixels="luma", interval_s=0.2)

class Raises(Brightness):
    wants = Wants(pixels="luma", interval_s=0.1)
    def look(self, frame, context): raise KeyError("a stranger's mistake")

class Hangs(Brightness):
    wants = Wants(pixels="luma", interval_s=0.1)
    def look(self, frame, context): time.sleep(600)

class Slow(Brightness):
    def __init__(self, options, scene): time.sleep(8)

@hookimpl
def offer_detectors():
    kinds = (("brightness", Brightness), ("watches", Watches), ("raises", Raises), ("hangs", Hangs), ("slow", Slow))
    return [Kind(name, vol.Schema({}), make, name) for name, make in kinds]
'''


@pytest.fixture
def server(tmp_path):
    server = PacketServer(tmp_path / "packets")
    yield server
    server.close()


@pytest.fixture
def eye(tmp_path, server):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "strangers.py").write_text(textwrap.dedent(STRANGERS))
    eye = EyeProcess(server.path, tmp_path)
    yield eye
    if eye.process.poll() is None:
        eye.link.close()
        eye.process.kill()
        eye.process.wait()


@pytest.mark.slow
def test_people_become_events_with_a_picture_within_a_second(server, eye):
    if not VTEST.exists():
        pytest.skip("vtest.avi is not here: there is nobody real to find")
    server.add("halaman", encode(people_pictures(60)))
    zones = {"kanan": ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))}
    eye.watch("halaman", "objects", "crowd", zones=zones)
    told = eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "object.person")
    assert time.monotonic() - told.arrived_mono_s < 3.0  # the net is loaded for the first of them
    picture = cv2.imdecode(np.frombuffer(told.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (480, 640, 3)
    assert set(told.data) == {"track", "label", "zones", "box"} and told.score >= 0.5
    eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "zone.enter" and m.zone == "kanan")
    eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "crowd.count" and m.data["count"] >= 3)
    eye.wait(lambda m: isinstance(m, Reading) and m.kind == "crowd.count")
    eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "motion.start")


@pytest.mark.slow
def test_an_eye_answers_pictures_forgets_cameras_and_leaves_with_the_hub(server, eye):
    server.add("kali", encode(still_pictures(40, SMALL)))
    eye.link.send(TakePicture(request=1, camera="kali"))
    assert "belum" in eye.wait(lambda m: isinstance(m, PictureTaken) and m.request == 1).error
    eye.watch("kali", "brightness")
    eye.watch("mati")
    eye.wait(is_report("kali", lambda r: r.mode == "awake" and r.decoded))
    eye.link.send(TakePicture(request=2, camera="kali", width_px=160))
    taken = eye.wait(lambda m: isinstance(m, PictureTaken) and m.request == 2)
    assert cv2.imdecode(np.frombuffer(taken.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (120, 160, 3)
    eye.link.send(TakePicture(request=3, camera="mati"))
    assert "mati" in eye.wait(lambda m: isinstance(m, PictureTaken) and m.request == 3).error
    assert eye.wait(lambda m: isinstance(m, Reading) and m.kind == "brightness").data["mean"] > 20
    eye.wait(is_report("kali", lambda r: r.mode == "asleep"))
    eye.link.send(ForgetCamera(camera="kali"))
    eye.wait(lambda m: isinstance(m, EyeBeat) and report_of(m, "kali") is None)
    assert eye.end() == 0


@pytest.mark.slow
def test_an_eye_says_for_which_cameras_a_detector_waits(server, eye):
    server.add("kali", encode(moving_pictures(40, SMALL)))
    server.add("taman", encode(moving_pictures(40, SMALL)))
    server.add("rumah", encode(still_pictures(40, SMALL)))
    eye.watch("kali", "brightness")  # looks at keyframes only
    eye.watch("taman", "watches")
    eye.watch("rumah", "watches")
    eye.wait(is_report("rumah", lambda r: r.mode == "asleep"))
    assert server.urged[0] == ("kali", False)
    assert ("rumah", False) in server.urged and "taman" not in dict(server.urged)


@pytest.mark.slow
def test_an_eye_that_is_told_to_stop_leaves_at_once(eye):
    eye.wait(lambda m: isinstance(m, EyeBeat))
    eye.link.send(Stop())
    assert eye.process.wait(5) == 0


@pytest.mark.slow
def test_an_eye_finds_the_recorder_that_replaced_another(server, eye, tmp_path):
    server.add("kali", encode(moving_pictures(40, SMALL)))
    eye.watch("kali")
    eye.wait(is_report("kali", lambda r: r.mode == "awake" and r.decoded > 5))
    server.close()
    eye.wait(is_report("kali", lambda r: r.mode == "waiting"))
    eye.forget_heard()
    second = PacketServer(tmp_path / "packets")
    second.add("kali", encode(moving_pictures(40, SMALL)))
    try:
        eye.wait(is_report("kali", lambda r: r.mode == "awake" and r.decoded > 20))
    finally:
        second.close()


@pytest.mark.slow
def test_a_detector_that_raises_is_switched_off_and_costs_no_other_camera_a_look(server, eye):
    for camera in ("kali", "pasar"):
        server.add(camera, encode(moving_pictures(40, SMALL)))
    eye.watch("kali", "raises", "brightness")
    eye.watch("pasar", "brightness")
    report = report_of(eye.wait(is_report("kali", lambda r: r.detectors_off)), "kali")
    assert "a stranger's mistake" in report.detectors_off["raises"]
    assert report.looks["raises"] == 5
    told = eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "detector.off")
    assert told.camera == "kali" and told.data["detector"] == "raises"
    eye.wait(is_report("kali", lambda r: r.looks.get("brightness", 0) >= 2))
    eye.wait(is_report("pasar", lambda r: r.looks.get("brightness", 0) >= 2))


@pytest.mark.slow
def test_a_detector_that_hangs_stops_the_heartbeat(server, eye):
    server.add("kali", encode(moving_pictures(40, SMALL)))
    eye.watch("kali", "hangs")
    eye.wait(is_report("kali", lambda r: r.looks.get("hangs")))
    told = eye.wait(lambda m: isinstance(m, EyeEvent) and m.kind == "detector.off")
    assert (told.detector, told.data["wait_s"]) == ("hangs", 60.0), "the next eye will leave it out for a while"
    last, end = time.monotonic(), time.monotonic() + 20
    while time.monotonic() - last < 4 and time.monotonic() < end:
        eye.forget_heard()
        eye.listen()
        if any(isinstance(m, EyeBeat) for m in eye.heard):
            last = time.monotonic()
    assert time.monotonic() < end, "the beat went on although the detector hangs"
    os.kill(eye.process.pid, signal.SIGKILL)
    assert eye.process.wait(5) == -signal.SIGKILL


@pytest.mark.slow
def test_a_detector_that_is_slow_to_make_is_waited_for(server, eye):
    for camera in ("kali", "pasar"):
        server.add(camera, encode(moving_pictures(40, SMALL)))
    eye.watch("pasar", "brightness")
    eye.wait(is_report("pasar", lambda r: r.looks.get("brightness")))
    eye.watch("kali", "slow")
    began = eye.wait(lambda m: isinstance(m, EyeBeat) and m.is_making and report_of(m, "kali"))
    eye.wait(is_report("kali", lambda r: r.looks.get("slow", 0) >= 2))
    beats = [m for m in eye.heard if isinstance(m, EyeBeat)]
    making = [m for m in beats[beats.index(began) :] if m.is_making]
    assert len(making) >= 7, "it beats on while it makes"
    assert max(report_of(m, "kali").decoded for m in making) > 40, "and decodes on"
    assert not eye.wait(lambda m: isinstance(m, EyeBeat) and m is beats[-1]).is_making


@pytest.mark.slow
def test_a_camera_that_sends_garbage_costs_the_other_nothing(server, eye):
    rng = np.random.default_rng(1)
    server.add("rusak", [(k % 20 == 0, rng.bytes(2000)) for k in range(40)])
    server.add("kali", encode(moving_pictures(40, SMALL)))
    eye.watch("rusak")
    eye.watch("kali")
    eye.wait(is_report("rusak", lambda r: r.decode_errors > 20))
    report = report_of(eye.wait(is_report("kali", lambda r: r.decoded > 25)), "kali")
    assert report.decode_errors == 0


@pytest.mark.slow
def test_an_rtsp_camera_is_seen_through_the_recorder_and_missed_when_that_dies(tmp_path):
    clip = make_clip(seconds=10)
    with RtspServer(clip) as rtsp:
        recorder = RecorderProcess(tmp_path / "storage")
        eye = EyeProcess(recorder.packets, tmp_path)
        try:
            recorder.open("pasar", StreamSource(role="main", url=rtsp.url()))
            eye.watch("pasar")
            report = report_of(eye.wait(is_report("pasar", lambda r: r.decoded > 30)), "pasar")
            assert report.decode_errors == 0
            eye.link.send(TakePicture(request=1, camera="pasar"))
            assert eye.wait(lambda m: isinstance(m, PictureTaken)).jpeg
            recorder.process.kill()
            eye.wait(is_report("pasar", lambda r: r.mode == "waiting"))
            assert eye.end() == 0
        finally:
            eye.process.kill()
            recorder.process.kill()
            recorder.process.wait()
