"""A camera that turns: a preset's zones count only while it stands there, and a turn is nobody's burglar."""

import time

import pytest
from eye_looks import FENCE, Answering, Counting, frame_at, kinds_of, person, told
from eye_process import EyeProcess, is_report
from packet_server import PacketServer, encode, header, moving_pictures, still_pictures

from siaga.core import Observation, Texts
from siaga.core.media.camera_looks import CameraLooks
from siaga.core.media.lookout import STANDS_AFTER_S, Lookout
from siaga.core.media.looks import Looks
from siaga.core.media.messages import CameraStands, EyeEvent, Reading, StreamPacket, WatchCamera
from siaga.core.settings import CameraSettings, DetectSettings

SMALL = (320, 240)
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
FAR = ((0.8, 0.0), (1.0, 0.0), (1.0, 0.2))


def detect(kind, preset=None):
    return DetectSettings(type=kind, options={}, preset=preset)


def settings(*detects, **more):
    presets = {"pintu-air": {"bantaran": WHOLE}, "jalan": {"trotoar": WHOLE, "bantaran": FAR}}
    return CameraSettings(id="ptz", type="x", name="ptz", detect=detects, preset_zones=presets, **more)


def looks_of(its, last=(), **makes):
    looks = CameraLooks(its, kinds_of(**makes), FENCE, last=last, texts=Texts("en"))
    looks.make(100.0)
    return looks


def entered(messages):
    return [message.zone for message in messages if isinstance(message, EyeEvent) and message.kind == "zone.enter"]


def look(looks, mono_s):
    looks.make(mono_s)
    return looks.look(frame_at(mono_s))


def test_a_presets_zone_counts_only_while_the_camera_stands_there_and_a_plain_one_always():
    looks = looks_of(settings(detect("them"), zones={"layar": WHOLE}), them=lambda o, s: Answering([person()]))
    assert entered(look(looks, 100.0)) == ["layar"], "nobody knows yet where it stands"
    looks.stand("pintu-air", is_turning=False)
    assert entered(look(looks, 101.0)) == ["bantaran", "layar"]
    looks.stand("jalan", is_turning=False)
    assert entered(look(looks, 102.0)) == ["layar", "trotoar"], "here the bank is somewhere else in the picture"
    looks.stand("", is_turning=False)
    assert entered(look(looks, 103.0)) == ["layar"]


def test_while_a_camera_turns_nobody_is_seen_and_whoever_was_seen_is_followed_no_more():
    looks = looks_of(settings(detect("them"), detect("count")), them=lambda o, s: Answering([person()]), count=counting)
    looks.stand("pintu-air", is_turning=False)
    first = look(looks, 100.0)
    assert told(first) == ["object.person", "zone.enter"] and counted(first) == [1]
    looks.stand("", is_turning=True)
    assert not looks.wants(100.5, is_key=True, is_awake=True)
    assert [*look(looks, 100.5), *looks.tick(101.5, is_live=True)] == []
    looks.stand("pintu-air", is_turning=False)
    assert counted(looks.tick(102.5, is_live=True)) in ([], [0]), "who was there before the turn is not there now"
    again = look(looks, 103.0)
    assert told(again) == ["object.person", "zone.enter"]
    assert again[0].data["track"] != first[0].data["track"]


def counting(_options, _scene):
    return Counting([])


def counted(messages):
    return [message.data["count"] for message in messages if isinstance(message, Reading)]


def test_a_detector_bound_to_a_preset_looks_only_there_and_goes_on_where_it_was():
    made = []

    class Gauge(Answering):
        def __init__(self, options, scene):
            made.append(sorted(scene.zones))
            self.seen = 0

        def look(self, frame, context):
            self.seen += 1
            return [Observation(kind="level", data={"n": self.seen})]

    looks = looks_of(settings(detect("gauge", "pintu-air")), gauge=Gauge)
    assert look(looks, 100.0) == [] and not looks.needs_soon
    looks.stand("pintu-air", is_turning=False)
    assert [event.data["n"] for event in [*look(looks, 101.0), *look(looks, 102.0)]] == [1, 2]
    looks.stand("", is_turning=True)
    looks.stand("jalan", is_turning=False)
    assert look(looks, 103.0) == []
    looks.stand("pintu-air", is_turning=False)
    assert [event.data["n"] for event in look(looks, 104.0)] == [3]
    assert len(made) == 1


def test_a_detector_that_looks_everywhere_begins_anew_with_the_zones_of_where_it_stands():
    scenes = []

    class Learns(Answering):
        def __init__(self, options, scene):
            super().__init__([Observation(kind="learnt", data={"at": len(scenes)})])
            scenes.append(dict(scene.zones))
            self.told = {}

        def resume(self, told):
            self.told = told
            scenes[-1]["resumed"] = told["learnt"]["at"]

    looks = looks_of(settings(detect("learns")), learns=Learns)
    assert set(scenes[0]) == {"bantaran", "trotoar"}, "a zone of any preset may be named"
    look(looks, 100.0)
    looks.stand("", is_turning=True)
    assert len(scenes) == 1
    looks.stand("jalan", is_turning=False)
    look(looks, 101.0)
    assert len(scenes) == 2
    assert scenes[1]["bantaran"] == FAR and scenes[1]["resumed"] == 0


def test_who_is_told_twice_where_it_stands_loses_nothing():
    looks = looks_of(settings(detect("them")), them=lambda o, s: Answering([person()]))
    looks.stand("pintu-air", is_turning=False)
    assert len(look(looks, 100.0)) == 2
    looks.stand("pintu-air", is_turning=False)
    assert look(looks, 101.0) == []


# --- motion -----------------------------------------------------------------------------------


class Scene:
    """Give a lookout the packets of pictures, as fast as it takes them; its own time runs at 10 a second."""

    def __init__(self, lookout, first_s):
        self.lookout, self.now_s, self.has_header = lookout, first_s, False

    def show(self, pictures):
        if not self.has_header:
            self.lookout.open(header("ptz", size=SMALL))
            self.has_header = True
        for is_key, content in encode(pictures, gop=10):
            self.now_s += 0.1
            self.lookout.take(
                StreamPacket(
                    camera="ptz",
                    pts_s=self.now_s,
                    is_key=is_key,
                    at_s=time.time(),
                    arrived_mono_s=self.now_s,
                    data=content,
                )
            )


def test_the_motion_of_a_turn_is_nobodys_and_what_moves_afterwards_is_told():
    heard = []
    looks = Looks({}, FENCE, heard.append)
    lookout = Lookout(settings(), looks, heard.append)
    scene = Scene(lookout, time.monotonic() - 100)
    scene.show(still_pictures(30, SMALL))
    assert told(heard) == []
    lookout.stand(is_turning=True)
    for seed in range(1, 5):
        scene.show(moving_pictures(10, SMALL, seed=seed))
    assert told(heard) == [], "the whole picture moved, and nobody is told"
    lookout.stand(is_turning=False)
    scene.show(moving_pictures(5, SMALL, seed=5))
    assert told(heard) == [], "what comes now was sent while it turned"
    scene.now_s = time.monotonic() + STANDS_AFTER_S
    scene.show(still_pictures(30, SMALL, seed=9))
    assert told(heard) == [], "another scene that stands still is no motion"
    scene.show(moving_pictures(20, SMALL, seed=9))
    assert told(heard) == ["motion.start"]
    lookout.stand(is_turning=True)
    assert told(heard) == ["motion.start", "motion.end"], "what moved is gone with the scene"
    lookout.stand(is_turning=True)
    assert len(heard) == 2


# --- the real process -------------------------------------------------------------------------

SEES = '''
"""A detector that sees one person in the middle of every picture."""
import voluptuous as vol
from siaga.core import Box, Detection, Kind, Wants, hookimpl

class Sees:
    wants = Wants(pixels="luma", interval_s=0.1, when="always")
    def __init__(self, options, scene): pass
    def look(self, frame, context):
        return [Detection(label="person", score=0.9, box=Box(left=0.4, top=0.4, right=0.6, bottom=0.9))]

@hookimpl
def offer_detectors():
    return [Kind("sees", vol.Schema({}), Sees, "sees")]
'''


@pytest.mark.slow
def test_a_real_eye_learns_where_its_camera_stands(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sees.py").write_text(SEES)
    server = PacketServer(tmp_path / "packets")
    eye = EyeProcess(server.path, tmp_path)

    def is_entered(message):
        return isinstance(message, EyeEvent) and message.kind == "zone.enter"

    try:
        server.add("ptz", encode(still_pictures(40, SMALL)))
        eye.link.send(WatchCamera(settings=settings(detect("sees"))))
        eye.link.send(CameraStands(camera="ptz", is_turning=True))
        eye.wait(is_report("ptz", lambda r: r.decoded > 20))
        assert not [m for m in eye.heard if isinstance(m, EyeEvent)], "it turns: nobody is seen"
        eye.link.send(CameraStands(camera="ptz", preset="pintu-air"))
        assert eye.wait(is_entered).zone == "bantaran"
        eye.forget_heard()
        eye.link.send(CameraStands(camera="ptz", is_turning=True))
        eye.link.send(CameraStands(camera="ptz", preset="jalan"))
        assert eye.wait(is_entered).zone == "trotoar"
    finally:
        eye.link.close()
        eye.process.kill()
        eye.process.wait()
        server.close()
