"""A preset that a camera does not have is told while the rule is read, wherever its presets are known from."""

import msgspec
import pytest
from hub_for_rules import built_in_words

from siaga.core.config import load_settings
from siaga.core.errors import CameraLost
from siaga.core.journal import Journal
from siaga.core.memory import Memory
from siaga.core.preset_book import PresetBook
from siaga.core.texts import Texts
from siaga.plugins.cameras.demo import PRESETS
from siaga.plugins.cameras.demo_city import PTZ_PRESETS
from siaga.rules.parse import load_rules

CONFIG = """\
site: {name: Kelurahan Kebon Baru}
cameras:
  kali-krukut: {type: demo, scene: ptz}
  sekolah: {type: demo, scene: schoolyard}
  gerbang: {type: rtsp, streams: {main: "rtsp://10.0.0.9/main"}, presets: [depan, belakang]}
  jauh: {type: rtsp, streams: {main: "rtsp://10.0.0.8/main"}}
rules: !include banjir.yaml
"""
RULE = """\
- id: a
  triggers: {trigger: event, kind: hub.start}
  actions:
    - action: ptz.goto_preset
      target: {camera: CAMERA}
      data:
        preset: PRESET
"""


def told(folder, camera, preset, seen=None, language="id"):
    (folder / "config.yaml").write_text(CONFIG, "utf-8")
    (folder / "banjir.yaml").write_text(RULE.replace("CAMERA", camera).replace("PRESET", preset), "utf-8")
    found = load_settings(folder / "config.yaml", built_in_words())
    assert found.problems == ()
    settings = msgspec.structs.replace(found.settings, seen_presets=seen or {})
    loaded = load_rules(settings.rules, built_in_words(), settings, Texts(language))
    return [str(problem) for problem in loaded.problems]


def test_a_misspelt_preset_is_told_with_file_line_and_the_nearest(tmp_path):
    assert told(tmp_path, "kali-krukut", "pintu-ari") == [
        "banjir.yaml:7: actions[0].data.preset: kamera 'kali-krukut' tidak punya preset 'pintu-ari'"
        " (maksud Anda 'pintu-air'?)"
    ]
    assert (
        "camera 'kali-krukut' has no preset 'pintu-ari'" in told(tmp_path, "kali-krukut", "pintu-ari", language="en")[0]
    )


@pytest.mark.parametrize(
    ("camera", "preset"),
    [
        ("kali-krukut", "pintu-air"),
        ("gerbang", "depan"),
        ("jauh", "apa-saja"),
        ("kali-krukut", "'{{ trigger.event.data.preset }}'"),
        ("'{{ trigger.event.camera.id }}'", "apa-saja"),
    ],
)
def test_a_preset_that_is_there_or_cannot_be_known_is_right(tmp_path, camera, preset):
    assert told(tmp_path, camera, preset) == []


def test_every_camera_of_the_target_is_looked_at(tmp_path):
    assert len(told(tmp_path, "[kali-krukut, gerbang, jauh]", "depann")) == 2


def test_a_camera_that_cannot_turn_is_told(tmp_path):
    assert "kamera 'sekolah' tidak punya preset, jadi" in told(tmp_path, "sekolah", "depan")[0]


def test_what_the_camera_answered_last_counts_until_the_configuration_says_otherwise(tmp_path):
    assert "(maksud Anda 'jembatan'?)" in told(tmp_path, "jauh", "jembatn", {"jauh": ("jembatan", "pos")})[0]
    assert told(tmp_path, "gerbang", "depan", {"gerbang": ("lain",)}) == []


def test_the_demo_cameras_presets_are_those_of_its_scene():
    assert tuple(PTZ_PRESETS) == PRESETS


class Ptz:
    def __init__(self, answer):
        self.answer = answer

    async def presets(self):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("wrong", [CameraLost("tidak menjawab"), KeyError("aduh"), (1, 2)])
async def test_what_a_camera_says_is_remembered_and_what_goes_wrong_leaves_it(tmp_path, wrong):
    journal = await Journal.open(tmp_path / "siaga.db")
    try:
        book = PresetBook(await Memory.open(journal))
        await book.learn("jauh", Ptz(("jembatan", "x" * 101)))
        await book.learn("jauh", Ptz(wrong))
        again = PresetBook(await Memory.open(journal))
        assert await again.known(["jauh", "lain"]) == {"jauh": ("jembatan",)}
        await book.learn("jauh", Ptz(tuple(str(number) for number in range(5_000))))
        assert len((await again.known(["jauh"]))["jauh"]) == 300
    finally:
        await journal.close()
