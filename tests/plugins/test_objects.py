import hashlib
import re
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import voluptuous as vol
from packet_server import VTEST, people_pictures, still_picture

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Frame
from siaga.plugins.detectors import objects
from siaga.plugins.detectors.objects import SCHEMA, ObjectsDetector

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
MODELS = Path(objects.__file__).parent / "models"
SCENE = Scene(camera="halaman", zones={"halaman": ((0, 0), (1, 0), (1, 1), (0, 1))})


def look(picture, **options):
    frame = Frame(
        camera="halaman", at=NOW, arrived_mono_s=0.0, is_key=True, luma=picture[:, :, 0], colour=lambda: picture
    )
    return ObjectsDetector(options, SCENE).look(frame, LookContext(at=NOW))


def test_the_people_of_a_street_are_found_where_they_walk():
    if not VTEST.exists():
        pytest.skip("vtest.avi is not here: there is nobody real to find")
    # Frame 80 of vtest shows five people in the open and some half hidden at the far end.
    found = [d for d in look(people_pictures(81, (768, 576))[80]) if d.score >= 0.5]
    assert 4 <= len(found) <= 8
    assert {d.label for d in found} == {"person"}
    heights = sorted(d.box.bottom - d.box.top for d in found)
    assert heights[0] > 0.08 and heights[-1] < 0.4
    assert all(d.box.bottom - d.box.top > d.box.right - d.box.left for d in found), "people stand upright"


def test_nobody_is_found_where_nobody_is():
    assert [d for d in look(still_picture()) if d.score >= 0.5] == []


def test_labels_that_were_not_asked_for_are_not_told():
    if not VTEST.exists():
        pytest.skip("vtest.avi is not here")
    assert [d for d in look(people_pictures(81)[80], labels=["boat"]) if d.score >= 0.5] == []


def test_things_smaller_than_asked_for_are_not_told():
    if not VTEST.exists():
        pytest.skip("vtest.avi is not here")
    assert look(people_pictures(81)[80], min_size=0.6) == []


@pytest.mark.parametrize("shape", [(0, 0, 3), (3, 3, 3), (16, 2000, 3)])
def test_an_empty_or_tiny_picture_is_safe(shape):
    assert isinstance(look(np.zeros(shape, np.uint8)), list)


def test_no_picture_is_nothing_seen():
    assert ObjectsDetector({}, SCENE).look(None, LookContext(at=NOW)) == ()


def test_a_misspelt_label_is_refused_with_the_nearest_right_one():
    with pytest.raises(vol.Invalid, match="motorcycle"):
        SCHEMA({"labels": ["motorcycel"]})
    with pytest.raises(vol.Invalid):
        SCHEMA({"labels": []})


def test_a_zone_that_the_camera_lacks_is_refused_by_name():
    with pytest.raises(ValueError, match="pasar"):
        ObjectsDetector({"zones": ["pasar"]}, SCENE)


def test_the_weights_are_the_ones_whose_origin_is_written_down():
    page = (MODELS / "MODELS.md").read_text()
    for weights in MODELS.glob("*.onnx"):
        assert weights.name in page
        assert hashlib.sha256(weights.read_bytes()).hexdigest() in re.findall(r"[0-9a-f]{64}", page)
