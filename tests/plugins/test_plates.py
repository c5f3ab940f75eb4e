"""The detector ``plates``: the grammar decides between look-alikes, one vehicle is one event, a basis is needed."""

import importlib.util
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
import voluptuous as vol

from siaga.core.contracts import LookContext, Scene
from siaga.core.errors import PluginError
from siaga.core.types import Box, Frame, Sighting
from siaga.plugins.detectors.plates import make_plates, offer_detectors
from siaga.plugins.detectors.plates import reader as reader_module
from siaga.plugins.detectors.plates.detector import PlatesDetector, likeliest
from siaga.plugins.detectors.plates.grammar import SYMBOLS, Plate, is_plate, most_likely, weights

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
[KIND] = offer_detectors()
BASIS = {"legal_basis": "UU 27/2022 ps. 17, uji", "role": "Kasi Pemtrantib", "keep_days": 7}
SIGNS = ["", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyzØ|京.-", " "]
needs_rapidocr = pytest.mark.skipif(
    importlib.util.find_spec("rapidocr") is None, reason="rapidocr is missing: pip install 'siaga[plates]'"
)


# --- grammar -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["B1234KZM", "B1AB", "AD9999XX", "L5", "DK1157AAB", "CD12", "KT4021B", "N6497KS"])
def test_plates_as_they_are_written(number):
    assert is_plate(number) and Plate(number, 1.0).area == number.rstrip(SYMBOLS[:26]).rstrip(SYMBOLS[26:])


@pytest.mark.parametrize(
    "number",
    ["", "B", "1234AB", "B0123AB", "B12345A", "B1234ABCD", "XX1234A", "I1234A", "B12A4C", "b1234kz", "B١٢"],
)
def test_what_is_no_plate(number):
    assert not is_plate(number)


def said(text, doubt=0.1, other=None):
    """Return the beliefs of a net that saw a text, a column for each sign and a gap behind; ``other`` is its doubt."""
    rows = []
    for place, sign in enumerate(text):
        row = np.full(len(SIGNS), 1e-6, np.float32)
        row[SIGNS.index(sign)] = 1 - doubt
        row[SIGNS.index((other or {}).get(place, sign), 1)] += doubt
        gap = np.full(len(SIGNS), 1e-6, np.float32)
        gap[0] = 1.0
        rows += [row / row.sum(), gap / gap.sum()]
    beliefs = np.stack(rows)
    return beliefs @ weights(SIGNS), beliefs[:, 0] + beliefs[:, SIGNS.index(" ")]


@pytest.mark.parametrize(
    ("seen", "plate"),
    [
        ("B1234KZM", "B1234KZM"),
        ("B 1234 KZM", "B1234KZM"),
        ("81234KZM", "B1234KZM"),
        ("BI234KZM", "B1234KZM"),
        ("B1O34KZM", "B1034KZM"),
        ("B1234K0M", "B1234KOM"),
        ("B1234N0G", "B1234NOG"),
        ("B1234NØG", "B1234NOG"),
        ("B5Z12SKY", "B5212SKY"),
        ("l1470abk", "L1470ABK"),
        ("6840VU", "G840VU"),
        ("AG8634EK", "AG8634EK"),
        ("A68634EK", "AG8634EK"),
        ("DD3798KM", "DD3798KM"),
        ("DO3798KM", "DD3798KM"),
        ("S5131OCF", "S5131OCF"),
        ("B1111AAA", "B1111AAA"),
    ],
)
def test_what_looks_alike_is_read_by_its_place(seen, plate):
    assert most_likely(*said(seen)).number == plate


@pytest.mark.parametrize("seen", ["京", "-..-", "KELURAHAN", "0525", "", "XXXX"])
def test_other_texts_are_no_plate_or_hardly_believed(seen):
    read = most_likely(*said(seen, doubt=0.02)) if seen else most_likely(np.zeros((0, 36), np.float32), np.zeros(0))
    assert read is None or read.confidence < 0.6


def test_who_is_torn_between_two_signs_is_less_sure():
    sure, torn = most_likely(*said("B1234KZM")), most_likely(*said("B1234KZM", 0.48, {3: "8"}))
    assert sure.confidence > 0.85 and torn.number == "B1234KZM" and torn.confidence < 0.65


def test_noise_is_read_as_nothing_that_is_believed():
    rng = np.random.default_rng(2)
    for _ in range(20):
        beliefs = rng.dirichlet(np.full(len(SIGNS), 0.3), 40).astype(np.float32)
        read = most_likely(beliefs @ weights(SIGNS), beliefs[:, 0])
        assert read is None or read.confidence < 0.3
    assert SYMBOLS.index("0") == 26


def test_the_tall_line_is_the_number_and_read_alike_twice_counts_twice():
    date, number = (Plate("D327", 0.7), (200, 110, 380, 160)), (Plate("W1185ZO", 0.45), (10, 0, 600, 105))
    assert likeliest([date, number])[0].number == "W1185ZO"
    other = (Plate("W1186ZO", 0.55), (0, 0, 602, 120))
    assert likeliest([number, other, (Plate("W1185ZO", 0.4), (0, 0, 602, 115))])[0].number == "W1185ZO"
    assert likeliest([]) is None


# --- one vehicle, one event ----------------------------------------------------------------------------


class Road:
    """Show a detector vehicles; what the nets would read of each is given."""

    def __init__(self, monkeypatch, **options):
        self.reads = {}
        self.asked = []
        monkeypatch.setattr("siaga.plugins.detectors.plates.detector.plates_in", self.plates_in)
        checked = KIND.schema({**BASIS, **options})
        self.detector = PlatesDetector(checked, None)
        self.now_s, self.told = 0.0, []

    def plates_in(self, _nets, picture):
        track = int(picture[0, 0, 0])
        self.asked.append(track)
        plate = self.reads[track]
        plate = plate.pop(0) if isinstance(plate, list) else plate
        return [(Plate(*plate), (0, 0, 40, 12))] if plate else []

    def look(self, *tracks, size=0.3, label="car"):
        at = START + timedelta(seconds=self.now_s)
        picture = np.zeros((720, 1280, 3), np.uint8)
        seen = []
        for number, track in enumerate(tracks):
            left = 0.1 + 0.3 * number
            box = Box(left=left, top=0.2, right=left + 0.2, bottom=0.2 + size)
            picture[int(0.2 * 720), int(left * 1280)] = track
            seen.append(Sighting(track=track, label=label, score=0.9, box=box, zones=(), first_seen=at, last_seen=at))
        frame = Frame(
            camera="jalan", at=at, arrived_mono_s=self.now_s, is_key=True, luma=picture[..., 0], colour=lambda: picture
        )
        said = self.detector.look(frame, LookContext(at=at, mono_s=self.now_s, sightings=tuple(seen)))
        self.told += [one.data["plate"] for one in said]
        self.now_s += 0.4
        return said


def test_a_vehicle_that_passes_is_told_once_when_two_looks_agree(monkeypatch):
    road = Road(monkeypatch)
    road.reads = {1: [("B1234KZM", 0.9), ("B1284KZM", 0.8), ("B1234KZM", 0.7), None, None]}
    for _ in range(10):
        for one in road.look(1):
            assert one.kind == "plate.read" and one.data["looks"] == 2 and one.data["area"] == "B"
            assert one.score == pytest.approx(0.8) and one.boxes[0].left == pytest.approx(0.1, abs=0.001)
    assert road.told == ["B1234KZM"]
    assert len(road.asked) == 3


def test_two_vehicles_are_looked_at_in_turn_and_who_cannot_be_read_is_left_alone(monkeypatch):
    road = Road(monkeypatch)
    road.reads = {1: ("B1AB", 0.9), 2: None}
    for _ in range(40):
        road.look(1, 2)
    assert road.told == ["B1AB"] and road.asked[:4] == [1, 2, 1, 2] and len(road.asked) == 10


def test_the_same_plate_under_a_new_number_is_the_same_vehicle_for_a_while(monkeypatch):
    road = Road(monkeypatch)
    road.reads = {1: ("B1AB", 0.9), 2: ("B1AB", 0.9), 3: ("B1AB", 0.9)}
    for track in (1, 2):
        for _ in range(3):
            road.look(track)
    road.now_s += 300
    for _ in range(3):
        road.look(3)
    assert road.told == ["B1AB", "B1AB"]


def test_small_ones_and_doubtful_readings_are_not_told(monkeypatch):
    road = Road(monkeypatch)
    road.reads = {1: ("B1AB", 0.9), 2: ("B2AB", 0.1)}
    for _ in range(5):
        road.look(1, size=0.05)
        road.look(2)
    assert road.told == [] and 1 not in road.asked


# --- the law, and what is missing ------------------------------------------------------------------------


@pytest.mark.parametrize("lacks", ["legal_basis", "role", "keep_days"])
def test_nothing_is_read_without_a_basis_a_role_and_a_retention(lacks):
    options = {key: value for key, value in BASIS.items() if key != lacks}
    with pytest.raises(vol.Invalid, match=lacks):
        KIND.schema(options)
    for wrong in ({"legal_basis": "ya"}, {"keep_days": 0}, {"keep_days": 5000}):
        with pytest.raises(vol.Invalid):
            KIND.schema(BASIS | wrong)


def test_without_the_library_it_says_how_to_get_it(monkeypatch):
    def missing():
        raise ModuleNotFoundError("rapidocr", name="rapidocr")

    monkeypatch.setattr(reader_module, "load_nets", missing)
    with pytest.raises(PluginError, match=r"siaga\[plates\]"):
        make_plates(BASIS, Scene(camera="jalan"))


# --- the real nets ---------------------------------------------------------------------------------------


def drawn(text, size=(300, 92), dark=True):
    """Draw a plate with month and year below."""
    ground, ink = (25, 235) if dark else (230, 20)
    plate = np.full((size[1], size[0], 3), ground, np.uint8)
    cv2.rectangle(plate, (3, 3), (size[0] - 4, size[1] - 4), (ink,) * 3, 2)
    cv2.putText(plate, text, (12, 54), cv2.FONT_HERSHEY_DUPLEX, 1.35, (ink,) * 3, 3, cv2.LINE_AA)
    cv2.putText(plate, "05 27", (110, 82), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (ink,) * 3, 2, cv2.LINE_AA)
    return plate


@needs_rapidocr
@pytest.mark.parametrize("dark", [True, False])
def test_drawn_plates_are_read_on_a_vehicle_in_the_street(dark):
    detector = make_plates(BASIS, Scene(camera="jalan"))
    rng = np.random.default_rng(4)
    for track, text in enumerate(("B 1234 KZM", "AD 8865 EE", "L 57 X")):
        picture = rng.normal(120, 6, (720, 1280, 3)).clip(0, 255).astype(np.uint8)
        cv2.rectangle(picture, (400, 250), (860, 640), (140, 60, 50), -1)
        picture[520:612, 480:780] = drawn(text, dark=dark)
        box = Box(left=400 / 1280, top=250 / 720, right=860 / 1280, bottom=640 / 720)
        told = []
        for number in range(3):
            at = START + timedelta(seconds=number)
            seen = Sighting(track=track, label="car", score=0.9, box=box, zones=(), first_seen=at, last_seen=at)
            frame = Frame(
                camera="jalan", at=at, arrived_mono_s=float(number), is_key=True, luma=picture[..., 0],
                colour=lambda picture=picture: picture,
            )  # fmt: skip
            context = LookContext(at=at, mono_s=number + 10.0 * track, sightings=(seen,))
            told += [one.data["plate"] for one in detector.look(frame, context)]
        assert told == [text.replace(" ", "")]


@needs_rapidocr
def test_a_vehicle_without_a_plate_and_odd_crops_are_read_as_nothing():
    nets = reader_module.load_nets()
    rng = np.random.default_rng(4)
    for shape in ((0, 0, 3), (1, 1, 3), (8, 300, 3), (300, 8, 3), (64, 64, 3)):
        assert list(reader_module.plates_in(nets, np.zeros(shape, np.uint8))) == []
    for _ in range(5):
        noise = rng.integers(0, 255, (200, 300, 3)).astype(np.uint8)
        assert all(plate.confidence < 0.6 for plate, _ in reader_module.plates_in(nets, noise))
