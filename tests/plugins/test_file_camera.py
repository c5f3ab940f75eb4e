"""Camera kind ``file``: a file that is there plays for ever, one that is not is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import voluptuous as vol

from siaga.core.errors import CameraLost
from siaga.core.settings import CameraSettings
from siaga.core.texts import Texts
from siaga.plugins.cameras.file import SCHEMA, offer_cameras

KIND = next(iter(offer_cameras()))


def camera(folder="/srv/siaga", **options):
    settings = CameraSettings(id="uji", type="file", name="Uji", options=KIND.schema(options))
    return KIND.make(settings, SimpleNamespace(texts=Texts("en"), folder=Path(folder)))


async def test_a_file_plays_for_ever(tmp_path):
    video = tmp_path / "jalan.mp4"
    video.touch()
    one = camera(path=str(video))
    await one.start()
    (main,) = await one.streams()
    assert (main.role, main.url, main.is_loop) == ("main", str(video), True)
    await one.stop()
    main, sub = await camera(streams={"main": str(video), "sub": "kecil.mp4"}).streams()
    assert (sub.role, sub.url) == ("sub", "/srv/siaga/kecil.mp4"), "it starts where the configuration stands"


async def test_a_missing_file_is_named_and_tried_again_later(tmp_path):
    with pytest.raises(CameraLost, match=r"hilang\.mp4"):
        await camera(path=str(tmp_path / "hilang.mp4")).start()


def test_neither_path_nor_streams_is_refused_in_words():
    with pytest.raises(vol.Invalid, match="needs path"):
        SCHEMA({})
