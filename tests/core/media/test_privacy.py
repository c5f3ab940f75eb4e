"""What nobody is to see: masks stand before every eye, faces are hidden in what leaves, and it fails closed."""

import json
from datetime import datetime, timezone
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from eye_looks import FENCE, frame_at, kinds_of

from siaga.__main__ import main
from siaga.core import Box, Detection, Observation, Wants
from siaga.core.errors import MediaError
from siaga.core.media.camera_looks import CameraLooks
from siaga.core.media.faces import FaceFinder, hide
from siaga.core.media.lookout import Lookout
from siaga.core.media.looks import Looks
from siaga.core.media.privacy import Privacy
from siaga.core.media.redact import redact
from siaga.core.media.sha256 import sha256_of
from siaga.core.settings import CameraSettings, DetectSettings, PrivacySettings
from siaga.core.texts import Texts

CROWD = Path(__file__).resolve().parents[4] / "shared" / "footage" / "crowd"
WINDOW = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
FACE = Box(left=0.6, top=0.6, right=0.7, bottom=0.75)


def noise(shape=(120, 160, 3), seed=1):
    return np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)


def shown(picture, **more):
    return msgspec.structs.replace(frame_at(1.0), luma=picture[..., 0].copy(), colour=lambda: picture, **more)


# --- masks -------------------------------------------------------------------------------------------


def test_a_mask_covers_luma_and_colour_and_leaves_the_decoders_picture_alone():
    picture = noise()
    frame = shown(picture)
    before = frame.luma.copy()
    veiled = Privacy(PrivacySettings(masks=(WINDOW,))).veiled(frame)
    assert (veiled.luma[:60, :80] == veiled.luma[0, 0]).all() and (veiled.colour()[:60, :80] == 40).all()
    assert (veiled.luma[62:, 82:] == before[62:, 82:]).all() and (veiled.colour()[62:, 82:] == picture[62:, 82:]).all()
    assert (frame.luma == before).all() and (picture == noise()).all()


def test_without_masks_nothing_is_copied():
    frame = shown(noise())
    assert Privacy(PrivacySettings()).veiled(frame) is frame


def test_the_picture_of_a_camera_and_what_its_detectors_see_are_covered():
    settings = CameraSettings(id="gang", type="demo", name="Gang", privacy=PrivacySettings(masks=(WINDOW,)))
    looks = Looks({}, FENCE, lambda message: None)
    lookout = Lookout(settings, looks, lambda event: None)
    lookout._see(lookout._privacy.veiled(shown(np.full((120, 160, 3), 200, np.uint8))))
    assert lookout.report().detectors_off == {}
    jpeg, _ = lookout.picture(None)
    seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert seen[:50, :70].max() < 60 and seen[70:, 90:].min() > 180


# --- faces ---------------------------------------------------------------------------------------------


def test_faces_are_blocks_in_what_leaves_and_nothing_else_changes():
    picture = noise()
    left = Privacy(PrivacySettings(hides_faces=True), lambda bgr: [FACE]).fit_to_leave(picture)
    inside = left[72:90, 96:112]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) <= 25
    outside = np.ones(picture.shape[:2], bool)
    outside[72:90, 96:112] = False
    assert (left[outside] == picture[outside]).all() and (picture == noise()).all()


def test_where_faces_cannot_be_looked_for_nobody_is_recognised():
    def broken(bgr):
        raise OSError("no weights")

    privacy = Privacy(PrivacySettings(hides_faces=True), broken)
    left = privacy.fit_to_leave(noise((480, 640, 3)))
    assert len(np.unique(left.reshape(-1, 3), axis=0)) <= 32 * 18
    assert "no weights" in privacy.why_not
    assert (Privacy(PrivacySettings(), broken).fit_to_leave(noise()) == noise()).all()


class Sees:
    wants = Wants(pixels="luma", interval_s=0.0, when="always")

    def __init__(self, options, scene):
        pass

    def look(self, frame, context):
        return [Observation(kind="uji", boxes=(FACE,)), Detection(label="person", score=0.9, box=FACE)]


def test_the_picture_of_an_event_has_its_faces_hidden(monkeypatch):
    monkeypatch.setattr(FaceFinder, "shared", staticmethod(lambda: type("F", (), {"find": lambda self, bgr: [FACE]})()))
    settings = CameraSettings(
        id="gang", type="demo", name="Gang", detect=(DetectSettings(type="uji", options={}),),
        privacy=PrivacySettings(hides_faces=True),
    )  # fmt: skip
    looks = CameraLooks(settings, kinds_of(uji=Sees), FENCE)
    looks.make(0.0)
    picture = noise((480, 640, 3))
    (event,) = [one for one in looks.look(shown(picture)) if getattr(one, "kind", "") == "uji"]
    seen = cv2.imdecode(np.frombuffer(event.jpeg, np.uint8), cv2.IMREAD_COLOR)
    face, beside = seen[300:350, 395:440], seen[100:150, 100:150]
    assert np.abs(np.diff(face.astype(int), axis=1)).mean() < 0.3 * np.abs(np.diff(beside.astype(int), axis=1)).mean()


def test_faces_that_cannot_be_hidden_in_an_events_picture_stand_in_the_cameras_report(monkeypatch):
    def gone():
        raise OSError("no weights")

    monkeypatch.setattr(FaceFinder, "shared", staticmethod(gone))
    detect = (DetectSettings(type="uji", options={}),)
    privacy = PrivacySettings(hides_faces=True)
    looks = CameraLooks(
        CameraSettings(id="gang", type="demo", name="Gang", detect=detect, privacy=privacy), kinds_of(uji=Sees), FENCE
    )
    looks.make(0.0)
    assert looks.off == {}
    assert [one for one in looks.look(shown(noise((480, 640, 3)))) if getattr(one, "jpeg", b"")]
    assert "no weights" in looks.off["privacy"]


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (33, 4000, 3)])
def test_odd_pictures_are_survived(shape):
    assert Privacy(PrivacySettings(hides_faces=True)).fit_to_leave(np.zeros(shape, np.uint8)).shape == shape


def test_real_faces_are_found_and_gone_afterwards():
    if not CROWD.is_dir():
        pytest.skip("the footage is not here: there is no real face to hide")
    picture = cv2.imread(str(CROWD / "escalator_mall.jpg"))
    finder = FaceFinder.shared()
    faces = finder.find(picture)
    assert 6 <= len(faces) <= 12
    hide(picture, faces)
    assert len(finder.find(picture)) <= 1


# --- copies for others -----------------------------------------------------------------------------------


@pytest.fixture
def film(tmp_path):
    """Two seconds of a bright square that wanders over noise."""
    file = tmp_path / "asli.mp4"
    with av.open(str(file), "w") as written:
        stream = written.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(20):
            picture = noise(seed=3) // 2
            picture[60:90, 5 * number : 5 * number + 30] = 255
            written.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        written.mux(stream.encode())
    return file


def square(bgr):
    bright = bgr[..., 0] > 220
    columns = np.flatnonzero(bright.sum(axis=0) > 15)
    if not len(columns):
        return []
    return [Box(left=columns[0] / 160, top=0.5, right=(columns[-1] + 1) / 160, bottom=0.75)]


def test_a_copy_hides_faces_in_every_picture_and_its_paper_says_what_was_done(film, tmp_path):
    target = tmp_path / "salinan.mp4"
    privacy = PrivacySettings(masks=(WINDOW,), hides_faces=True)

    at = datetime(2026, 11, 25, tzinfo=timezone.utc)
    done = redact(film, target, privacy, ground="surat 12/2026", by="sari", at=at, texts=Texts("id"), find=square)
    assert (done.pictures, done.masks, done.ground, done.by) == (20, 1, "surat 12/2026", "sari")
    assert (done.source_sha256, done.result_sha256) == (sha256_of(film), sha256_of(target)) and done.faces >= 20
    with av.open(str(target)) as made, av.open(str(film)) as given:
        pairs = zip(made.decode(video=0), given.decode(video=0), strict=True)
        for copy, original in pairs:
            assert float(copy.pts * copy.time_base) == pytest.approx(float(original.pts * original.time_base), abs=0.01)
            picture = copy.to_ndarray(format="bgr24")
            assert picture[5:50, 5:70].max() < 40
            # What was a sharp bright square is blocks that took in what is around it.
            assert square(picture) == [] or np.unique(picture[62:88] // 32).size < 9
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("content", [b"", b"bukan film", b"\x00" * 5000])
def test_what_is_no_recording_is_told_and_leaves_nothing(tmp_path, content):
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=r"x\.mp4"):
        redact(
            tmp_path / "x.mp4", tmp_path / "y.mp4", PrivacySettings(hides_faces=True), ground="g", by="b",
            at=datetime.now(timezone.utc), texts=Texts("id"), find=lambda bgr: [],
        )  # fmt: skip
    assert [one.name for one in tmp_path.iterdir()] == ["x.mp4"]


def test_a_copy_whose_faces_cannot_be_looked_for_is_not_made(film, tmp_path):
    def broken(bgr):
        raise RuntimeError("the net gave up")

    with pytest.raises(MediaError, match=r"asli\.mp4.*the net gave up"):
        redact(
            film, tmp_path / "salinan.mp4", PrivacySettings(hides_faces=True), ground="g", by="b",
            at=datetime.now(timezone.utc), texts=Texts("id"), find=broken,
        )  # fmt: skip
    assert [one.name for one in tmp_path.iterdir()] == ["asli.mp4"]


def test_the_command_writes_copy_and_paper_and_overwrites_nothing(film, tmp_path):
    target = tmp_path / "salinan.mp4"
    asked = ["redact", str(film), str(target), "--ground", "surat 12/2026", "--mask", "0,0 0.5,0 0.5,0.5 0,0.5"]
    said = CliRunner().invoke(main, asked)
    assert said.exit_code == 0, said.output
    paper = json.loads((tmp_path / "salinan.mp4.json").read_text())
    assert paper["ground"] == "surat 12/2026" and paper["masks"] == 1 and paper["result_sha256"] == sha256_of(target)
    again = CliRunner().invoke(main, asked)
    assert again.exit_code == 1 and "salinan.mp4" in again.output
    wrong = CliRunner().invoke(main, [*asked[:2], str(tmp_path / "b.mp4"), "--ground", "g", "--mask", "0,0 2,2"])
    assert wrong.exit_code == 2 and "0,0 2,2" in wrong.output
    no_ground = CliRunner().invoke(main, [*asked[:2], str(tmp_path / "b.mp4")])
    assert no_ground.exit_code == 2 and "--ground" in no_ground.output
