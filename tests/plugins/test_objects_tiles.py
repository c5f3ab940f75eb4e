"""Small people in parts of a picture: each once, none for a half at a seam."""

import numpy as np
import pytest
import voluptuous as vol
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.types import Box
from siaga.plugins.detectors.objects import SCHEMA
from siaga.plugins.detectors.objects_tiles import find_in_tiles, tiles_for


class Net:
    """Find the bright squares of a picture that are at least a 40th of it wide, as a net with a small input does."""

    def __init__(self):
        self.asked = []

    def find(self, bgr, labels, *, min_score):
        height, width = bgr.shape[:2]
        self.asked.append((height, width))
        found = []
        for value in np.unique(bgr[..., 0])[1:]:
            ys, xs = np.nonzero(bgr[..., 0] == value)
            if xs.max() - xs.min() + 1 >= width / 40:
                box = Box(
                    left=xs.min() / width, top=ys.min() / height, right=(xs.max() + 1) / width,
                    bottom=(ys.max() + 1) / height,
                )  # fmt: skip
                found.append((0, 0.9, box))
        return found


def squares(*places, size=20, shape=(768, 1024)):
    picture = np.zeros((*shape, 3), np.uint8)
    for number, (x, y) in enumerate(places):
        picture[y : y + size, x : x + size] = 10 + number
    return picture


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 740)), min_size=1, max_size=4))
def test_each_small_thing_is_found_once_where_it_is(places):
    apart = [
        place
        for n, place in enumerate(places)
        if all(abs(place[0] - o[0]) + abs(place[1] - o[1]) > 60 for o in places[:n])
    ]
    found = find_in_tiles(Net(), squares(*apart), (0,), min_score=0.3, wanted=0)
    assert sorted((round(b.left * 1024), round(b.top * 768)) for _, _, b in found) == sorted(apart)


def test_a_large_thing_over_every_seam_is_one_thing():
    found = find_in_tiles(Net(), squares((100, 100), size=600), (0,), min_score=0.3, wanted=3)
    assert len(found) == 1


def test_parts_are_about_as_large_as_the_net_sees_them_and_small_pictures_stay_whole():
    assert tiles_for(416, 416, 0) == (1, 1)
    assert tiles_for(768, 1024, 0) == (2, 3)
    assert tiles_for(4320, 7680, 0) == (4, 4)
    net = Net()
    find_in_tiles(net, squares((5, 5), shape=(240, 320)), (0,), min_score=0.3, wanted=4)
    assert net.asked == [(240, 320)]


@pytest.mark.parametrize(("written", "read"), [("off", 1), (False, 1), ("auto", 0), (2, 2), (4, 4)])
def test_tiles_are_written_as_words_or_numbers(written, read):
    assert SCHEMA({"tiles": written})["tiles"] == read
    assert SCHEMA(SCHEMA({"tiles": written}))["tiles"] == read


@pytest.mark.parametrize("written", ["banyak", 5, -1, True, 2.5])
def test_other_tiles_are_refused_in_words(written):
    with pytest.raises(vol.Invalid, match="auto"):
        SCHEMA({"tiles": written})
