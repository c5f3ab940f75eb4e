"""What strangers' detectors may do wrong, and what it costs: their own camera's turn, never the eye."""

import threading
import time

import msgspec
import numpy as np
import pytest
from eye_looks import FENCE, Answering, Counting, frame_at, kinds_of, person, told

from siaga.core import Box, Observation, Texts, Wants
from siaga.core.media.camera_looks import CameraLooks
from siaga.core.media.last_told import LastTolds
from siaga.core.media.looks import Looks
from siaga.core.media.messages import LastTold, Reading, WatchCamera
from siaga.core.settings import CameraSettings, DetectSettings


def settings_of(*types, camera="kali"):
    detect = tuple(DetectSettings(type=name, options={}) for name in types)
    return CameraSettings(id=camera, type="x", name=camera, detect=detect)


def looks_of(last=(), **makes):
    looks = CameraLooks(settings_of(*makes), kinds_of(**makes), FENCE, last=last, texts=Texts("en"))
    looks.make(100.0)
    return looks


def test_numbers_of_numpy_are_numbers():
    sides = np.array([0.4, 0.2, 0.5, 0.6], np.float32)
    seen = person(np.float32(0.9), Box(left=sides[0], top=sides[1], right=sides[2], bottom=sides[3]))
    measured = Observation(kind="level", data={"cm": np.float64(120), "all": np.arange(3), "n": np.int64(3)})
    looks = looks_of(them=lambda options, scene: Answering([seen, measured]))
    first, second = looks.look(frame_at(100.0))
    assert (first.kind, second.kind) == ("object.person", "level")
    assert first.score == pytest.approx(0.9) and first.jpeg
    assert second.data == {"cm": 120.0, "all": [0, 1, 2], "n": 3}
    assert (first.detector, second.detector) == ("", "them")


WRONG = {
    "nothing": (None, "NoneType"),
    "a dict": ([{"label": "person"}], "dict"),
    "a text for a score": ([person("high")], "Expected `float`"),
    "a percentage": ([person(87.0)], "87"),
    "no number": ([person(float("nan"))], "nan"),
    "pixels": ([person(box=Box(left=100, top=50, right=180, bottom=300))], "not pixels"),
    "no box": ([person(box=(0.1, 0.2, 0.3, 0.4))], "Expected `object`"),
    "an object in the data": ([Observation(kind="k", data={"x": threading.Lock()})], "lock"),
    "a number too large to send": ([Observation(kind="k", data={"x": 2**70})], "ints"),
    "no text for a kind": ([Observation(kind=None)], "Expected `str`"),
    "more than a picture holds": ([person()] * 5000, "300"),
    "a picture in the data": ([Observation(kind="k", data={"x": np.zeros((300, 300), np.uint8)})], "bytes"),
}


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in WRONG.items()])
def test_a_wrong_answer_is_a_fault_in_words_and_its_neighbour_goes_on(answer):
    wrong, says = answer
    looks = looks_of(wrong=lambda o, s: Answering(wrong), good=lambda o, s: Answering([person()]))
    heard = [kind for number in range(6) for kind in told(looks.look(frame_at(100.0 + number)))]
    assert heard == ["object.person"]
    assert says in looks.off["wrong"] and "good" not in looks.off
    assert looks.looks == {"wrong": 5, "good": 6}


class Unwilling(Answering):
    @property
    def wants(self):
        raise RuntimeError("not today")


class Mumbling(Answering):
    wants = Wants(pixels="purple")


def test_a_detector_whose_wishes_cannot_be_read_is_off_and_its_neighbour_goes_on():
    looks = looks_of(
        unwilling=lambda o, s: Unwilling([]),
        mumbling=lambda o, s: Mumbling([]),
        good=lambda o, s: Answering([person()]),
    )
    assert "not today" in looks.off["unwilling"] and "purple" in looks.off["mumbling"]
    assert told(looks.look(frame_at(100.0))) == ["object.person"]


def test_a_detector_that_is_off_tries_again_later_and_tells_once_each_that_it_went_and_came():
    answers = {"now": ValueError("no model")}
    looks = looks_of(them=lambda o, s: Answering(lambda context: answers["now"]))

    def news_until(end_s, start_s):
        heard = []
        for mono_s in np.arange(start_s, end_s, 1.0):
            looks.look(frame_at(float(mono_s)))
            heard += told(looks.tick(float(mono_s), is_live=True))
        return heard

    assert news_until(150.0, 100.0) == ["detector.off"]
    assert looks.looks == {"them": 5}
    assert news_until(280.0, 150.0) == []
    assert looks.looks == {"them": 6}, "one try after a minute, the next after two"
    answers["now"] = []
    assert news_until(300.0, 280.0) == ["detector.on"]
    assert looks.off == {}
    answers["now"] = ValueError("again")
    assert news_until(320.0, 300.0) == ["detector.off"]
    answers["now"] = []
    assert news_until(500.0, 320.0) == [], "what worked only for seconds waits longer than before"
    assert news_until(600.0, 500.0) == ["detector.on"]


def test_a_detector_that_could_not_be_made_is_made_later():
    files = []

    def make(options, scene):
        if not files:
            raise FileNotFoundError("model.onnx")
        return Answering([person()])

    looks = CameraLooks(settings_of("them"), kinds_of(them=make), FENCE, texts=Texts("en"))
    assert told(looks.make(100.0)) == ["detector.off"]
    assert "model.onnx" in looks.off["them"] and not looks.is_make_due(130.0)
    files.append("model.onnx")
    assert looks.is_make_due(161.0)
    assert told(looks.make(161.0)) == ["detector.on"]
    assert told(looks.look(frame_at(162.0))) == ["object.person"]


def test_a_detector_that_hung_in_the_eye_before_waits_and_its_neighbour_does_not():
    def on_hang(context):
        hung.extend(looks.hung())
        return []

    hung = []
    looks = looks_of(them=lambda o, s: Answering(on_hang), good=lambda o, s: Answering([]))
    looks.look(frame_at(100.0))
    (off,) = hung
    assert (off.kind, off.data["detector"], off.data["wait_s"]) == ("detector.off", "them", 60.0)
    last = LastTolds()
    last.take(off)
    looks = looks_of(last.of("kali"), them=lambda o, s: Answering([]), good=lambda o, s: Answering([person()]))
    now_s = time.monotonic()
    assert told(looks.make(now_s)) == [] and not looks.is_make_due(now_s + 59) and "them" in looks.off
    assert told(looks.look(frame_at(now_s))) == ["object.person"]
    looks.make(now_s + 61)
    assert "them" in looks.off, "until it has shown that it can look"
    looks.look(frame_at(now_s + 62))
    (on,) = looks.tick(now_s + 62, is_live=True)
    assert on.kind == "detector.on" and looks.off == {}
    last.take(on)
    assert last.of("kali") == ()


def test_somebody_at_the_same_spot_an_hour_after_an_outage_is_somebody_new():
    looks = looks_of(them=lambda o, s: Answering([person()]))
    assert told(looks.look(frame_at(100.0))) == ["object.person"]
    assert told(looks.look(frame_at(104.0))) == []
    assert told(looks.look(frame_at(3700.0))) == ["object.person"]


def test_a_parked_motorcycle_is_not_told_anew_after_a_short_outage():
    looks = looks_of(them=lambda o, s: Answering([person()]))
    looks.look(frame_at(100.0))
    looks.tick(101.0, is_live=False)
    looks.tick(105.0, is_live=False)
    assert told(looks.look(frame_at(106.0))) == []
    looks.tick(107.0, is_live=False)
    looks.tick(120.0, is_live=False)
    assert told(looks.look(frame_at(121.0))) == ["object.person"]


def test_nobody_is_counted_while_there_is_no_stream():
    looks = looks_of(them=lambda o, s: Answering([person()]), count=lambda o, s: Counting([]))
    counts = [message.data["count"] for message in looks.look(frame_at(100.0)) if isinstance(message, Reading)]
    counts += [message.data["count"] for message in looks.tick(101.0, is_live=True)]
    assert counts == [1, 1]
    assert [looks.tick(102.0 + second, is_live=False) for second in range(60)] == [[]] * 60
    assert [message.data["count"] for message in looks.tick(170.0, is_live=True)] == [0]


def test_a_detector_goes_on_from_what_it_told_in_the_eye_before_and_no_other_does():
    heard = {}

    class Resuming(Answering):
        def resume(self, told):
            heard["them"] = dict(told)

    class Failing(Answering):
        def resume(self, told):
            raise KeyError("stage")

    last = (
        LastTold(kind="flood.stage", data={"to": 2}, detector="them"),
        LastTold(kind="crowd.count", data={"count": 3}, detector="other"),
        LastTold(kind="level", data={"cm": 5}),
    )
    looks = looks_of(last, them=lambda o, s: Resuming([]), failing=lambda o, s: Failing([person()]))
    assert heard["them"] == {"flood.stage": {"to": 2}, "level": {"cm": 5}}
    assert told(looks.look(frame_at(100.0))) == ["object.person"], "who cannot go on begins anew"


def test_colours_are_converted_once_and_only_for_who_is_due_and_asks():
    converted = []

    def colour():
        converted.append(1)
        return np.zeros((120, 160, 3), np.uint8)

    class Colourful(Answering):
        wants = Wants(pixels="colour", interval_s=10.0, when="always")

        def look(self, frame, context):
            frame.colour()
            return []

    looks = looks_of(one=lambda o, s: Colourful([]), two=lambda o, s: Colourful([]), grey=lambda o, s: Answering([]))
    for second in range(5):
        looks.look(msgspec.structs.replace(frame_at(100.0 + second), colour=colour))
    assert len(converted) == 1


def until(is_so, limit_s=5.0):
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)  # a real thread: nobody sets an event of ours


def test_the_hub_hears_that_detectors_are_being_made_and_a_mistake_of_ours_does_not_end_the_thread():
    may_go_on, heard = threading.Event(), []

    def make(options, scene):
        may_go_on.wait(5)
        return Answering([person()])

    looks = Looks(kinds_of(them=make), FENCE, heard.append, texts=Texts("en"))
    looks.watch(WatchCamera(settings=settings_of("them")))
    looks.watch(WatchCamera(settings=settings_of("them", camera="pasar")))
    assert looks.is_making, "said before the making begins"
    looks.start()
    until(lambda: looks.is_making and looks.stuck() is None)
    may_go_on.set()
    until(lambda: not looks.is_making)
    broken = frame_at(time.monotonic(), camera="pasar")
    looks.offer(msgspec.structs.replace(broken, arrived_mono_s="noon"))
    looks.offer(frame_at(time.monotonic()))
    until(lambda: told(heard) == ["object.person"])
    looks.stop()
    assert looks.stuck() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_ended_is_noticed():
    def send(message):
        raise SystemExit

    looks = Looks(kinds_of(them=lambda o, s: Answering([person()])), FENCE, send, texts=Texts("en"))
    looks.start()
    looks.watch(WatchCamera(settings=settings_of("them")))
    until(lambda: looks.of("kali") is not None)
    assert looks.stuck() is None
    looks.offer(frame_at(time.monotonic()))
    until(lambda: looks.stuck() is not None)
    assert "ended" in looks.stuck()
