"""Camera kind ``rtsp``: what an operator writes becomes the streams that are read."""

from __future__ import annotations

import subprocess
import sys

import pytest
import voluptuous as vol

from siaga.core.settings import CameraSettings
from siaga.plugins.cameras.rtsp import SCHEMA, offer_cameras

KIND = next(iter(offer_cameras()))


def camera(**options):
    settings = CameraSettings(id="kali", type="rtsp", name="Kali", options=KIND.schema(options))
    return KIND.make(settings, None)


async def test_main_and_sub_are_read_with_the_login_apart():
    streams = {"main": "rtsp://10.0.5.21/main", "sub": "rtsp://10.0.5.21/sub"}
    one = camera(streams=streams, username="petugas", password="r@hasia")
    await one.start()
    main, sub = await one.streams()
    assert (main.role, sub.role) == ("main", "sub")
    assert (sub.url, sub.username, sub.password) == (streams["sub"], "petugas", "r@hasia")
    assert not main.is_loop and one.ptz is None
    await one.stop()


async def test_a_login_inside_the_address_is_taken_out_of_it():
    (main,) = await camera(url="rtsp://petugas:r%40hasia@10.0.5.21:554/main?x=1").streams()
    assert main.url == "rtsp://10.0.5.21:554/main?x=1"
    assert (main.username, main.password) == ("petugas", "r@hasia")
    assert "hasia" not in repr(main)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs url"),
        ({"url": "http://10.0.5.21/main"}, "rtsp://"),
        ({"url": "rtsp://"}, "rtsp://"),
        ({"streams": {"sub": "rtsp://a/b"}}, "main"),
        ({"url": "rtsp://a/b", "streams": {"main": "rtsp://a/b"}}, "address"),
    ],
)
def test_a_mistake_is_refused_in_words(options, words):
    with pytest.raises(vol.Invalid, match=words):
        SCHEMA(options)


def test_the_kinds_bring_no_video_library_into_the_hub():
    code = (
        "import sys; import siaga.plugins.cameras.rtsp, siaga.plugins.cameras.file, siaga.core.media.supervisor; "
        "sys.exit(bool({'av', 'cv2', 'onnxruntime', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
