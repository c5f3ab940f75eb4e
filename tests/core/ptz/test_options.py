"""What an operator writes about a camera that turns, and every mistake in it told where it stands."""

import msgspec
import pytest
from hub_for_rules import built_in_words

from siaga.core.config import load_settings
from siaga.core.ptz.settings import PatrolStop
from siaga.core.settings import CameraSettings

GOOD = """\
site: {name: Kebon Baru}
cameras:
  ptz-jembatan:
    type: demo
    scene: ptz
    zones: {langit: [[0, 0], [1, 0], [1, 0.2]]}
    presets:
      pintu-air: {zones: {bantaran: [[0, 0], [1, 0], [1, 1]]}}
      jembatan: {zones: {bantaran: [[0, 0], [1, 0], [0, 1]], trotoar: [[0, 0], [1, 0], [1, 1]]}}
      pos-rw:
    detect:
      - {type: objects, zones: [bantaran, langit]}
      - {type: crowd, zone: bantaran, preset: pintu-air}
    ptz:
      home: jembatan
      return_after: 45 s
      patrol: {presets: [pintu-air, {preset: jembatan, dwell: 40 s}], dwell: 20 s, pause: 3 min}
      settle: 4 s
"""


def load(folder, text):
    (folder / "config.yaml").write_text(text, "utf-8")
    return load_settings(folder / "config.yaml", built_in_words())


def test_the_presets_with_their_zones_home_and_patrol_are_read(tmp_path):
    loaded = load(tmp_path, GOOD)
    assert loaded.problems == ()
    camera = loaded.settings.cameras["ptz-jembatan"]
    assert loaded.settings.presets("ptz-jembatan") == ("pintu-air", "jembatan", "pos-rw")
    assert camera.zone_names == ("langit", "bantaran", "trotoar")
    assert set(camera.zones_at("pintu-air")) == {"langit", "bantaran"} and set(camera.zones_at("")) == {"langit"}
    assert camera.zones_at("pintu-air")["bantaran"] != camera.zones_at("jembatan")["bantaran"]
    assert [one.preset for one in camera.detect] == [None, "pintu-air"]
    assert "preset" not in camera.detect[1].options
    ptz = camera.ptz
    assert (ptz.home, ptz.return_after_s, ptz.settle_s, ptz.lease_s) == ("jembatan", 45.0, 4.0, 30.0)
    assert ptz.patrol.stops == (
        PatrolStop(preset="pintu-air", dwell_s=20.0),
        PatrolStop(preset="jembatan", dwell_s=40.0),
    )
    assert (ptz.patrol.pause_s, ptz.patrol.waits_for_incident) == (180.0, False)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(camera), type=CameraSettings) == camera


def test_a_list_of_presets_is_as_right_as_before(tmp_path):
    loaded = load(tmp_path, "site: {name: A}\ncameras:\n  a: {type: demo, scene: ptz, presets: [satu, dua]}\n")
    assert loaded.problems == () and loaded.settings.cameras["a"].presets == ("satu", "dua")
    assert loaded.settings.cameras["a"].preset_zones == {}


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            "home: jembatan",
            "home: jembatn",
            "config.yaml:15: cameras.ptz-jembatan.ptz.home: tidak ada preset 'jembatn'",
        ),
        ("[pintu-air, {preset", "[pintu-ari, {preset", "ptz.patrol.presets[0]: tidak ada preset 'pintu-ari'"),
        ("{preset: jembatan,", "{preset: jembatn,", "ptz.patrol.presets[1].preset: tidak ada preset 'jembatn'"),
        ("preset: pintu-air}", "preset: pintu}", "detect[1].preset: tidak ada preset 'pintu'"),
        ("zones: [bantaran,", "zones: [bantarn,", "detect[0].zones[0]: kamera ini tidak punya zona 'bantarn'"),
        ("zone: bantaran,", "zone: trotoar,", "detect[1].zone: kamera ini tidak punya zona 'trotoar'"),
        ("dwell: 20 s,", "dwell: 1 s,", "ptz.patrol.dwell"),
        ("return_after", "return_aftr", "maksud Anda 'return_after'"),
        ("[[0, 0], [1, 0], [0, 1]]", "[[0, 0], [1, 0]]", "cameras.ptz-jembatan.presets.jembatan.zones.bantaran"),
        ("pintu-air: {zones:", "pintu-air: {zone:", "maksud Anda 'zones'"),
        ("[pintu-air, {preset: jembatan, dwell: 40 s}]", "[pintu-air]", "ptz.patrol.presets"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, right, wrong, says):
    assert right in GOOD
    said = [str(problem) for problem in load(tmp_path, GOOD.replace(right, wrong)).problems]
    assert any(says in one for one in said), said
