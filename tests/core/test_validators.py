"""What operators write is taken in every usual form, and refused in words."""

from datetime import time

import pytest
import voluptuous as vol
from hypothesis import given
from hypothesis import strategies as st

from siaga.core import validators as v
from siaga.core.checks import check
from siaga.core.texts import Texts


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(10, 10), (0.5, 0.5), ("10", 10), ("1:30", 5400), ("0:01:30", 90), ("15 min", 900), ("90 s", 90), ("2 h", 7200),
     ("500 ms", 0.5), ("15 menit", 900), ("2 jam", 7200), ({"minutes": 15}, 900), ({"hours": 1, "seconds": 5}, 3605),
     ("1.5 h", 5400)],
)  # fmt: skip
def test_a_duration_is_read(written, seconds):
    assert v.duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", [None, True, "", "soon", "-5", -5, "1:75", {}, {"weeks": 1}, {"minutes": "x"}, [], float("nan"), 1e12]
)
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(v.Wrong):
        v.duration(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("19:00", time(19)), ("7:05", time(7, 5)), ("19.05", time(19, 5)), ("00:00:30", time(0, 0, 30))],
)
def test_a_time_of_day_is_read(written, meant):
    assert v.time_of_day(written) == meant


@pytest.mark.parametrize("written", ["24:00", "19", 1140, "19:60", None])
def test_what_is_no_time_of_day_is_refused(written):
    with pytest.raises(v.Wrong):
        v.time_of_day(written)


@pytest.mark.parametrize(
    ("written", "count"),
    [("20 GB", 20_000_000_000), ("2 GiB", 2 << 30), (500, 500), ("1.5 mb", 1_500_000), ("100", 100)],
)
def test_a_size_is_read(written, count):
    assert v.size(written) == count


def test_a_polygon_must_enclose_something_and_not_cross_itself():
    assert v.polygon([[0, 0], [1, 0], [1, 1]]) == ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    for wrong in (
        [[0, 0], [1, 1]],
        [[0, 0], [0.5, 0.5], [1, 1]],
        [[0, 0], [1, 1], [1, 0], [0, 1]],
        [[0, 0], [2, 0], [1, 1]],
        "x",
        [1, 2, 3],
    ):
        with pytest.raises(v.Wrong):
            v.polygon(wrong)


def test_a_template_is_checked_for_its_syntax_and_kept():
    assert v.template("{{ trigger.event.kind }}") == "{{ trigger.event.kind }}"
    with pytest.raises(v.Wrong) as wrong:
        v.template("ok\n{{ trigger. }}")
    assert "line 2" in wrong.value.say(Texts("en"))


def test_a_phone_number_needs_its_country():
    assert v.phone("+62 812-3456-7890") == "+6281234567890"
    for wrong in ("081234567890", 62812345678, "+62", "posko"):
        with pytest.raises(v.Wrong):
            v.phone(wrong)


def test_a_stream_address_holds_no_login():
    assert v.stream_url("rtsp://10.0.5.21:554/main") == "rtsp://10.0.5.21:554/main"
    with pytest.raises(v.Wrong) as wrong:
        v.stream_url("rtsp://petugas:rahasia@10.0.5.21/main")
    assert "rahasia" not in str(wrong.value)
    for bad in ("10.0.5.21", "ftp://x/y", "rtsp://", "rtsp://x:port/", 5):
        with pytest.raises(v.Wrong):
            v.stream_url(bad)


@pytest.mark.parametrize(
    ("written", "meant"), [(True, True), ("on", True), ("off", False), ("tidak", False), ("YES", True)]
)
def test_a_switch_takes_the_usual_words(written, meant):
    assert v.boolean(written) is meant


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(_ANYTHING)
def test_no_value_makes_a_validator_fall_over(value):
    for one in (v.duration, v.time_of_day, v.time_zone, v.point, v.polygon, v.size, v.template, v.slug, v.phone,
                v.stream_url, v.boolean, v.text, v.optional_text, v.web_address):  # fmt: skip
        try:
            one(value)
        except vol.Invalid as err:
            assert str(err)


def test_every_item_of_a_list_is_checked_not_only_up_to_the_first_mistake():
    schema = vol.Schema({"via": v.Each({vol.Required("to"): str})})
    _, problems = check(schema, {"via": [{"to": 1}, {}, {"to": "x"}, {"too": "y"}]}, "kontak", Texts("en"))
    assert [(problem.path, problem.what) for problem in problems] == [
        ("kontak.via[0].to", "must be text, here it says '1'"),
        ("kontak.via[1].to", "this key is needed"),
        ("kontak.via[3].too", "this key is not known (did you mean 'to'?)"),
    ]


def test_the_mistakes_of_voluptuous_are_told_in_plain_indonesian():
    schema = vol.Schema(
        {
            vol.Required("a"): vol.All(int, vol.Range(min=1, max=5)),
            vol.Required("b"): vol.In(["events", "off"]),
            vol.Required("c"): vol.Any("x", "y"),
            vol.Required("d"): vol.Any(None, v.duration),
            vol.Required("e"): vol.Coerce(float),
            vol.Required("f"): vol.All([str], vol.Length(min=2)),
            vol.Exclusive("g", "one"): str,
            vol.Exclusive("h", "one"): str,
            vol.Required("i"): vol.Url(),
            vol.Required("password"): vol.All(str, vol.Length(min=8)),
        }
    )
    good = {
        "a": 1,
        "b": "off",
        "c": "x",
        "d": None,
        "e": 1,
        "f": ["a", "b"],
        "i": "http://x.id/",
        "password": "12345678",
    }
    said = {}
    for key, value in {
        "a": 9,
        "b": "event",
        "c": "z",
        "d": "besok",
        "e": "dua",
        "f": ["a"],
        "i": "x",
        "password": "rahasia",
    }.items():
        _, problems = check(schema, good | {key: value}, "", Texts("id"))
        said[key] = [problem.what for problem in problems]
    _, problems = check(schema, good | {"g": "1", "h": "2"}, "", Texts("id"))
    said["gh"] = [problem.what for problem in problems]
    assert said == {
        "a": ["paling banyak 5, di sini tertulis '9'"],
        "b": ["harus salah satu dari: events, off, di sini tertulis 'event' (maksud Anda 'events'?)"],
        "c": ["harus salah satu dari: x, y, di sini tertulis 'z'"],
        "d": ["harus berupa lama waktu, misalnya 10, '15 min' atau {minutes: 15}, di sini tertulis 'besok'"],
        "e": ["harus berupa bilangan, di sini tertulis 'dua'"],
        "f": ["paling sedikit 2 isi"],
        "i": ["harus berupa alamat web (https://...), di sini tertulis 'x'"],
        "password": ["paling sedikit 8 isi"],
        "gh": ["hanya salah satu dari g, h yang boleh diisi"],
    }


def test_a_plugins_own_words_are_kept_and_its_broken_schema_is_no_crash():
    def strange(value):
        raise KeyError(value)

    def own(value):
        raise vol.Invalid("nomor perangkat tidak ada di pabrik")

    _, problems = check(vol.Schema({"a": own}), {"a": 1}, "cameras.x", Texts("id"))
    assert problems[0].what.startswith("nomor perangkat tidak ada di pabrik")
    _, problems = check(vol.Schema({"a": strange}), {"a": 1}, "cameras.x", Texts("en"))
    assert "the plugin that checks this part is broken" in problems[0].what
