"""Looking at changes alone: what stands keeps its box, what moves is looked at where it is, nothing is guessed."""

import cv2
import numpy as np
import pytest

from siaga.core.types import Box
from siaga.plugins.detectors.objects_motion import FULL_EVERY_S, MotionLooks

SIZE = (640, 480)


class BlobNet:
    """Stand in for the net: find bright blobs, and note what it was given."""

    def __init__(self):
        self.given = []

    def find(self, bgr, labels, *, min_score, size=(416, 416)):
        self.given.append((bgr.shape[:2], size))
        bright = (bgr[..., 0] > 150).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        height, width = bright.shape
        return [
            (0, 0.9, Box(left=x / width, top=y / height, right=(x + w) / width, bottom=(y + h) / height))
            for x, y, w, h, _ in stats[1:count].tolist()
        ]


class Scene:
    def __init__(self, noise=1.5):
        self.net, self.rng, self.noise = BlobNet(), np.random.default_rng(3), noise
        self.looks = MotionLooks(self.net)
        self.now_s = 0.0

    def look(self, *boxes, light=1.0):
        """Show bright people at (left, top, right, bottom) in pixels; return the boxes that are told, in pixels."""
        picture = np.full((SIZE[1], SIZE[0]), 60.0)
        for left, top, right, bottom in boxes:
            picture[top:bottom, left:right] = 200
        picture = (picture * light + self.rng.normal(0, self.noise, picture.shape)).clip(0, 255).astype(np.uint8)
        found = self.looks.find(picture, np.dstack([picture] * 3), (0,), min_score=0.25, now_s=self.now_s)
        self.now_s += 0.2
        places = (
            (round(box.left * 640), round(box.top * 480), round(box.right * 640), round(box.bottom * 480))
            for _, _, box in found
        )
        return sorted(places)


@pytest.fixture
def scene():
    return Scene()


def test_the_first_look_is_at_the_whole_and_a_still_scene_needs_no_other_for_a_while(scene):
    people = [(100, 100, 130, 180), (400, 200, 440, 300)]
    for _ in range(round(FULL_EVERY_S / 0.2)):
        assert scene.look(*people) == people
    assert len(scene.net.given) == 1
    scene.look(*people)
    scene.look(*people)
    assert scene.net.given == [((480, 640), (416, 416))] * 2


def test_who_moves_is_looked_at_where_he_is_and_who_stands_keeps_his_box(scene):
    stands = (500, 300, 540, 400)
    for step in range(9):
        walks = (100 + 12 * step, 100, 130 + 12 * step, 180)
        assert scene.look(walks, stands) == [walks, stands]
    parts = scene.net.given[1:]
    assert len(parts) >= 7
    for (rows, columns), size in parts:
        assert columns < 320 and rows < 300
        assert size[0] % 32 == size[1] % 32 == 0
        # The net sees a part as large as it would see it in the whole picture.
        assert size[0] / columns == pytest.approx(416 / 640, rel=0.03)
        assert size[1] / rows == pytest.approx(416 / 480, rel=0.03)


def test_two_who_move_far_apart_are_two_parts_and_close_ones_are_one(scene):
    scene.look((50, 100, 80, 180), (500, 300, 530, 380))
    scene.look((58, 100, 88, 180), (508, 300, 538, 380))
    assert len(scene.net.given) == 3
    other = Scene()
    other.look((300, 100, 330, 180), (345, 110, 375, 190))
    assert other.look((306, 100, 336, 180), (351, 110, 381, 190)) == [(306, 100, 336, 180), (351, 110, 381, 190)]
    assert len(other.net.given) == 2


def test_who_comes_in_and_who_goes_out_is_seen_at_once(scene):
    scene.look((300, 100, 330, 180))
    assert scene.look((300, 100, 330, 180), (0, 200, 25, 290)) == [(0, 200, 25, 290), (300, 100, 330, 180)]
    assert scene.look((0, 200, 25, 290)) == [(0, 200, 25, 290)]
    assert scene.look() == []


def test_a_change_that_creeps_is_seen_though_no_two_pictures_differ_much(scene):
    place, seen = (300, 200, 340, 300), []
    for step in range(9):
        picture = np.full((480, 640), 60.0)
        picture[place[1] : place[3], place[0] : place[2]] = 60 + 14 * step
        picture = (picture + scene.rng.normal(0, 1, picture.shape)).astype(np.uint8)
        seen = scene.looks.find(picture, np.dstack([picture] * 3), (0,), min_score=0.25, now_s=0.1 * step)
    assert len(seen) == 1


@pytest.mark.parametrize("noise", [0.5, 3.0, 8.0])
def test_noise_alone_makes_no_look(noise):
    noisy = Scene(noise)
    for _ in range(10):
        noisy.look((300, 100, 330, 180))
    assert len(noisy.net.given) <= 2


def test_a_lamp_or_a_camera_that_turns_is_a_look_at_the_whole(scene):
    scene.look((300, 100, 330, 180))
    scene.look((300, 100, 330, 180), light=1.25)
    assert [size for _, size in scene.net.given] == [(416, 416)] * 2


def test_a_part_that_would_cut_somebody_off_is_not_believed_at_its_edge(scene):
    tall = (300, 20, 360, 470)
    scene.look(tall)
    # Only his hand moves: the part is as large as he is.
    assert scene.look(tall, (360, 200, 372, 215)) == [(300, 20, 372, 470)]


def test_after_an_outage_or_another_size_the_whole_is_looked_at(scene):
    scene.look((300, 100, 330, 180))
    scene.now_s = -5.0
    scene.look((300, 100, 330, 180))
    small = np.zeros((200, 300), np.uint8)
    scene.looks.find(small, np.dstack([small] * 3), (0,), min_score=0.25, now_s=scene.now_s)
    assert [shape for shape, _ in scene.net.given] == [(480, 640), (480, 640), (200, 300)]
