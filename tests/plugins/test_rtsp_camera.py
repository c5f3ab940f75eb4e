"""Camera kind ``rtsp``: what an operator writes becomes the streams that are read."""

from __future__ import annotations

import subprocess
import sys

import pytest
import voluptuous as vol

from siaga.core.media.recorder_source import _with_login
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


@pytest.mark.parametrize(
    ("options", "main", "sub"),
    [
        ({"vendor": "hikvision", "channel": 3}, "/Streaming/Channels/301", "/Streaming/Channels/302"),
        ({"vendor": "Dahua"}, "/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"),
        ({"vendor": "uniview", "channel": 2}, "/unicast/c2/s0/live", "/unicast/c2/s1/live"),
        ({"vendor": "tapo"}, "/stream1", "/stream2"),
        ({"vendor": "ezviz"}, "/h264/ch1/main/av_stream", "/h264/ch1/sub/av_stream"),
        ({"vendor": "reolink", "channel": 7}, "/h264Preview_07_main", "/h264Preview_07_sub"),
    ],
)
async def test_a_make_fills_in_the_addresses(options, main, sub):
    sources = await camera(host="10.0.5.21", username="admin", password="r@hasia", **options).streams()
    assert [source.url for source in sources] == [f"rtsp://10.0.5.21:554{main}", f"rtsp://10.0.5.21:554{sub}"]
    assert {source.password for source in sources} == {"r@hasia"}


async def test_a_camera_that_wants_its_login_in_the_path_gets_it_only_when_it_is_opened():
    (main, _) = await camera(host="10.0.5.21", vendor="xm", username="admin", password="r@hasia").streams()
    assert "hasia" not in main.url
    opened = _with_login(main)
    assert opened.startswith("rtsp://10.0.5.21:554/user=admin&password=r%40hasia&channel=1&stream=0.sdp")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vendor": "hikvison", "host": "10.0.5.21"}, "hikvision"),
        ({"vendor": "tapo"}, "host"),
        ({"host": "10.0.5.21"}, "vendor"),
        ({"vendor": "tapo", "host": "rtsp://10.0.5.21/x"}, "rtsp://"),
        ({"vendor": "tapo", "host": "10.0.5.21", "url": "rtsp://a/b"}, "address"),
        ({"vendor": "tapo", "host": "10.0.5.21", "channel": 0}, "channel"),
    ],
)
def test_a_mistake_in_a_make_is_refused_in_words(options, words):
    with pytest.raises(vol.Invalid, match=words):
        SCHEMA(options)
