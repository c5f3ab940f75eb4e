"""A configuration is read whole: what is right runs, what is wrong is told at once, by line and in words."""

import logging
import random
import re
import time
from pathlib import Path

import msgspec
import pytest
from config_samples import GOOD, SECRETS, load, write_site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siaga.core.config import load_settings, peek
from siaga.core.media.messages import WatchCamera
from siaga.core.plugin_manager import PluginManager
from siaga.core.yaml_lines import line_of, where

ROOT = Path(__file__).parent.parent.parent


def said(loaded):
    return [str(problem) for problem in loaded.problems]


def test_a_right_configuration_becomes_settings(tmp_path):
    loaded = load(tmp_path)
    assert said(loaded) == []
    settings_ = loaded.settings
    assert settings_.site.id == "kelurahan-kebon-baru"
    assert settings_.storage.min_free_bytes == 20_000_000_000
    assert settings_.media.ring_s == 30
    kali = settings_.cameras["kali"]
    assert kali.options == {
        "streams": {"main": "rtsp://10.0.5.21/main"},
        "username": "petugas",
        "password": "sangat-rahasia-1",
    }
    assert kali.record.mode == "off"
    assert kali.zones == {"bantaran": ((0.1, 0.55), (0.9, 0.55), (0.95, 1.0))}
    assert kali.detect[0].options == {"labels": ["person"], "zones": ["bantaran"]}
    assert settings_.cameras["gang"].name == "gang"
    assert settings_.contacts["posko"].via[0].to == "+6281234567"
    assert settings_.folder == str(tmp_path)


def test_rules_are_handed_on_with_their_lines(tmp_path):
    rule = load(tmp_path).settings.rules[0]
    assert where(rule) == ("config.yaml", 33)
    assert line_of(rule, "alias") == 34


def test_a_cameras_settings_travel_to_an_eye_and_back(tmp_path):
    message = WatchCamera(settings=load(tmp_path).settings.cameras["kali"])
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=WatchCamera)
    assert again.settings.zones == message.settings.zones


def test_a_typo_in_every_section_is_told_all_at_once_with_its_line(tmp_path):
    text = """\
site:
  nme: Kelurahan Kebon Baru
  language: en
web: {port: 80800}
storage:
  keep_days: banyak
  min_fre: 20 GB
media: {ring: soon}
places:
  rw05: {nama: RW 05}
cameras:
  kali:
    type: kamra
    place: rw06
    zones:
      bantaran: [[0.1, 0.55], [0.9, 0.55]]
    detect:
      - {type: bnda}
      - type: benda
        labels: [persn]
        zones: [bantarn]
    record: {mode: event}
  Gang Mawar:
    type: kamera
    streams: {man: "rtsp://10.0.5.22/main"}
    pasword: x
notifiers:
  wa: {type: kirim, token: !secret wa_tokn}
contacts:
  posko: {name: Posko, via: [{notifier: waa, to: "+62812"}, {notifier: wa}]}
rules:
  kali: 1
plugins: {disabled: [ujii]}
camera: {}
"""
    loaded = load(tmp_path, text)
    assert loaded.settings is None
    assert said(loaded) == [
        "config.yaml:2: site.nme: this key is not known (did you mean 'name'?)",
        "config.yaml:4: web.port: must be at most 65535, here it says '80800'",
        "config.yaml:6: storage.keep_days: must be a whole number, here it says 'banyak'",
        "config.yaml:7: storage.min_fre: this key is not known (did you mean 'min_free'?)",
        "config.yaml:8: media.ring: must be a duration, such as 10, '15 min' or {minutes: 15}, here it says 'soon'",
        "config.yaml:10: places.rw05.nama: this key is not known (did you mean 'name'?)",
        "config.yaml:13: cameras.kali.type: there is no camera type 'kamra' (did you mean 'kamera'?)",
        "config.yaml:14: cameras.kali.place: there is no place 'rw06' under places (did you mean 'rw05'?)",
        "config.yaml:16: cameras.kali.zones.bantaran: a zone needs 3 to 64 points [x, y]",
        "config.yaml:18: cameras.kali.detect[0].type: there is no detector type 'bnda' (did you mean 'benda'?)",
        "config.yaml:20: cameras.kali.detect[1].labels[0]: must be one of: person, car, here it says 'persn'"
        " (did you mean 'person'?)",
        "config.yaml:21: cameras.kali.detect[1].zones[0]: this camera has no zone 'bantarn' (did you mean 'bantaran'?)",
        "config.yaml:22: cameras.kali.record.mode: must be one of: events, off, here it says 'event'"
        " (did you mean 'events'?)",
        "config.yaml:23: cameras.Gang Mawar: an id may hold small letters, digits, '-' and '_' only"
        " (such as kali-ciliwung)",
        "config.yaml:25: cameras.Gang Mawar.streams.man: this key is not known (did you mean 'main'?)",
        "config.yaml:26: cameras.Gang Mawar.pasword: this key is not known (did you mean 'password'?)",
        "config.yaml:28: notifiers.wa.token: there is no secret 'wa_tokn' in secrets.yaml (did you mean 'wa_token'?)",
        "config.yaml:30: contacts.posko.via[0].notifier: there is no notifier 'waa' under notifiers"
        " (did you mean 'wa'?)",
        "config.yaml:30: contacts.posko.via[1].to: this key is needed",
        "config.yaml:31: rules: rules are a list (lines that begin with '- ') or !include_dir folder",
        "config.yaml:33: plugins.disabled[0]: there is no plugin 'ujii' (did you mean 'uji'?)",
        "config.yaml:34: camera: this key is not known (did you mean 'cameras'?)",
    ]


def test_a_wrong_camera_is_off_and_the_others_run(tmp_path):
    loaded = load(tmp_path, GOOD.replace("username: petugas", "usrname: petugas"))
    assert said(loaded) == ["config.yaml:18: cameras.kali.usrname: this key is not known (did you mean 'username'?)"]
    assert list(loaded.settings.cameras) == ["gang"]


def test_a_camera_goes_on_when_only_its_place_is_wrong(tmp_path):
    loaded = load(tmp_path, GOOD.replace("{name: RW 05, kind: rw}", "{nme: RW 05}"))
    assert len(loaded.problems) == 1
    assert loaded.settings.cameras["kali"].place is None


def test_a_contact_whose_only_notifier_is_wrong_is_told(tmp_path):
    loaded = load(tmp_path, GOOD.replace("{type: kirim, token: !secret wa_token}", "{type: kirim, tokn: x}"))
    assert said(loaded)[0].startswith("config.yaml:29: notifiers.wa.tokn: this key is not known")
    assert said(loaded)[1].startswith("config.yaml:31: contacts.posko.via: notifier 'wa' is off")
    assert loaded.settings.contacts == {}


def test_a_camera_given_twice_is_off_and_told_at_the_second(tmp_path):
    loaded = load(tmp_path, GOOD.replace("  gang:\n", "  kali:\n"))
    assert said(loaded) == [
        "config.yaml:25: cameras.kali: the key 'kali' stands in line 13 already; take one of them out"
    ]
    assert loaded.settings.cameras == {}


def test_a_broken_file_of_rules_stops_only_its_rules(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("- id: satu\n")
    (tmp_path / "rules" / "b.yaml").write_text("- id: 'dua\n")
    loaded = load(tmp_path, GOOD.split("rules:")[0] + "rules: !include_dir rules\n")
    assert [rule["id"] for rule in loaded.settings.rules] == ["satu"]
    assert said(loaded)[0].startswith("rules/b.yaml:1:7: rules[1]: a quotation mark")


def test_a_camera_in_a_file_of_its_own_is_told_with_that_files_line(tmp_path):
    (tmp_path / "gang.yaml").write_text("type: kamera\nstreams:\n  main: ftp://10.0.5.22\n")
    head, tail = GOOD.split("  gang:\n")
    loaded = load(tmp_path, head + "  gang: !include gang.yaml\nnotifiers:\n" + tail.split("notifiers:\n")[1])
    assert said(loaded)[0].startswith("gang.yaml:3: cameras.gang.streams.main: a stream's address must begin")


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (b"", "config.yaml:1: konfigurasi ini kosong"),
        (b"- a\n", "config.yaml:1: di sini harus ada bagian"),
        (b"site: {name: x, language: en}\ncameras: [a]\n", "config.yaml:2: cameras: here must stand a part"),
        (b"site: {name: 'x, language: en}\n", "config.yaml:1:14: a quotation mark"),
        (b"# language: en\nweb: {}\n", "config.yaml:1: site: the part 'site:'"),
    ],
)
def test_a_hub_does_not_start_on_a_configuration_without_its_ground(tmp_path, text, begins):
    loaded = load(tmp_path, text)
    assert loaded.settings is None
    assert said(loaded)[0].startswith(begins)


def test_no_problem_ever_shows_a_secret(tmp_path):
    # Secrets of the wrong shape, in the wrong place, and refused by a plugin's own words.
    plugin = (
        "import voluptuous as vol\nfrom siaga.core import Kind, hookimpl\n"
        "def refuse(value):\n    raise vol.Invalid(f'the maker does not know {value}')\n"
        "@hookimpl\ndef offer_notifiers():\n"
        "    return [Kind('ketus', vol.Schema({'token': refuse, 'pin': int}), print, 'x')]\n"
    )
    text = GOOD.replace("wa: {type: kirim, token: !secret wa_token}", "wa: {type: ketus, token: !secret wa_token}")
    text = text.replace("username: petugas", "username: {a: !secret wa_token}")
    text = text.replace("place: rw05\n", "place: !secret wa_token\n").replace("port: 8080", "port: !secret wa_token")
    text = text.replace("mode: off", "mode: !secret wa_token").replace("keep_days: 14", "keep_days: !env SIAGA_TEST_X")
    text = text.replace("rtsp://10.0.5.22/main", "rtsp://petugas:sangat-rahasia-3@10.0.5.22/main")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "ketus.py").write_text(plugin)
    loaded = load(tmp_path, text, SECRETS.replace("sangat-rahasia-1", "sgt"))
    told = "\n".join(said(loaded))
    assert len(loaded.problems) >= 7, told
    assert "the maker does not know ***" in told
    assert "rahasia" not in told
    assert "sgt" not in told


def test_a_mistake_in_the_secrets_is_told_without_what_stands_there(tmp_path):
    loaded = load(tmp_path, secrets="kali_password: 'sangat-rahasia\nwa_token: x\n")
    told = "\n".join(said(loaded))
    assert "config.yaml:19: cameras.kali.password:" in told
    assert "secrets.yaml:1:" in told
    assert "sangat-rahasia" not in told
    assert loaded.settings.cameras.keys() == {"gang"}


def test_secrets_that_cannot_be_read_are_told_where_they_are_asked_for(tmp_path):
    file, plugins = write_site(tmp_path)
    (tmp_path / "secrets.yaml").unlink()
    (tmp_path / "secrets.yaml").mkdir()
    loaded = load_settings(file, plugins)
    assert [problem.path for problem in loaded.problems][:2] == ["cameras.kali.password", "notifiers.wa.token"]
    assert "secrets.yaml" in loaded.problems[0].what
    assert list(loaded.settings.cameras) == ["gang"]


def test_secrets_that_everyone_can_read_are_warned_of(tmp_path, caplog):
    file, plugins = write_site(tmp_path)
    (tmp_path / "secrets.yaml").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert load_settings(file, plugins).problems == ()
    assert "chmod 600" in caplog.text


def test_a_kind_whose_plugin_is_off_is_told_with_the_reason(tmp_path):
    write_site(tmp_path)
    plugins = PluginManager(tmp_path, in_hub=True, disabled=["uji"], built_ins=("siaga.core.secrets",))
    plugins.load()
    text = GOOD.replace("type: kamera", "type: uji")
    (tmp_path / "config.yaml").write_text(text + "plugins: {disabled: [uji]}\n")
    told = said(load_settings(tmp_path / "config.yaml", plugins))
    assert (
        "config.yaml:14: cameras.kali.type: camera type 'uji' is not available, because plugin uji is off:"
        " dimatikan di konfigurasi (plugins: disabled:)"
    ) in told


def test_the_language_and_the_disabled_plugins_are_known_before_anything_is_checked(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("site: {language: en}\nplugins: {disabled: [cameras.rtsp]}\nwrong: [\n")
    assert peek(file).language == "en"
    file.write_text("site: {language: en}\nplugins: {disabled: [cameras.rtsp]}\n")
    assert peek(file) == ("en", ("cameras.rtsp",))
    assert peek(tmp_path / "none.yaml") == ("id", ())


def test_the_example_is_right():
    plugins = PluginManager(ROOT, in_hub=True)
    plugins.load()
    loaded = load_settings(ROOT / "config.example.yaml", plugins)
    assert said(loaded) == []
    assert "kali-ciliwung" in loaded.settings.cameras


def test_a_hundred_cameras_are_read_within_two_seconds(tmp_path):
    camera = GOOD[GOOD.index("  kali:\n") : GOOD.index("  gang:\n")]
    many = "".join(camera.replace("kali:", f"kali-{number}:") for number in range(100))
    file, plugins = write_site(tmp_path, GOOD.replace(camera, camera + many))
    started = time.process_time()
    loaded = load_settings(file, plugins)
    assert time.process_time() - started < 2
    assert len(loaded.settings.cameras) == 102


WRONG_PIECES = ["\t", "'", '"', ":", "{", "}", "[", "]", "&a", "*a", "!secret", "!env X", "!include x", "- ", "\n",
                "{{ x }}", "|", ">", "#", "%", "@", "null", "-1", "1e9", "x" * 300, "\x00", "\ud7ff", "!!set", "<<: 1",
                "? ", "!include_dir .", "true", "[[1]]", "0.5"]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write_site(tmp_path_factory.mktemp("site"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1))
def test_no_damage_to_a_good_configuration_makes_a_traceback_or_a_problem_without_a_line(site, seed):
    file, plugins = site
    chance = random.Random(seed)
    lines = GOOD.splitlines()
    for _ in range(chance.randint(1, 3)):
        number = chance.randrange(len(lines))
        line = lines[number]
        at = chance.randrange(len(line) + 1)
        how = chance.randrange(6)
        if how == 0:
            lines[number] = line[:at] + chance.choice(WRONG_PIECES) + line[at:]
        elif how == 1:
            lines[number] = line[:at] + line[at + chance.randint(1, 4) :]
        elif how == 2:
            lines.insert(number, line)
        elif how == 3:
            lines[number] = " " * chance.randint(0, 6) + line.strip()
        elif how == 4:
            lines[number] = re.sub(r": .*", ": " + chance.choice(WRONG_PIECES), line)
        elif len(lines) > 1:
            del lines[number]
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    loaded = load_settings(file, plugins)
    assert loaded.settings is not None or loaded.problems
    for problem in loaded.problems:
        assert problem.line > 0, str(problem)
        assert problem.file, str(problem)
        assert problem.what, str(problem)
        assert "sangat-rahasia" not in str(problem)


def test_a_ground_becomes_a_map_to_metres_and_a_wrong_one_is_told_with_its_line(tmp_path):
    points = "[[0.1, 0.95], [0.9, 0.95], [0.6, 0.4], [0.4, 0.4]]"
    right = GOOD.replace(
        "    record: {mode: off}", f"    record: {{mode: off}}\n    ground: {{points: {points}, metres: [6, 25]}}"
    )
    ground = load(tmp_path, right).settings.cameras["kali"].ground
    assert ground.place((0.9, 0.95)) == pytest.approx((6, 0))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(ground), type=type(ground))
    assert again.place((0.4, 0.4)) == pytest.approx((0, 25))
    crossed = right.replace("[0.6, 0.4], [0.4, 0.4]", "[0.4, 0.4], [0.6, 0.4]")
    assert any("ground" in problem and "crossed" in problem for problem in said(load(tmp_path, crossed)))
