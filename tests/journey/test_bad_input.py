"""Everything bad at once, in one hub: each bad thing is told in clear words, and a healthy camera loses no frame."""

import io
import os
import re
import warnings
from itertools import pairwise

import av
import pytest
from media_clips import FOOTAGE, make_clip
from road import House, free_port
from rtsp_server import RtspServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

NO_PICTURES = FOOTAGE.parents[1] / "footage" / "bitstreams" / "sps_subsetsps_bothVUI.264"
PLUGINS = {
    "rusak_impor": "import pustaka_yang_tidak_ada\n",
    "rusak_kait": """
from siaga.core import hookimpl


@hookimpl
def offer_notifiers():
    raise RuntimeError("kait ini rusak")
""",
    "mata_rusak": """
import voluptuous as vol
from siaga.core import Kind, Wants, hookimpl


class Broken:
    wants = Wants(pixels="luma", interval_s=0.2, when="always")

    def __init__(self, options, scene):
        pass

    def look(self, frame, context):
        raise ZeroDivisionError("mata ini rusak")


@hookimpl
def offer_detectors():
    return (Kind("rusak", vol.Schema({}), Broken, "Rusak", "Broken"),)
""",
}
LOOP = "{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}"
RULES = [
    {
        "id": "rekam-yang-sehat",
        "triggers": [{"trigger": "event", "kind": "camera.offline", "camera": "putus"}],
        "actions": [{"action": "recording.burst", "target": {"camera": "sehat"}, "data": {"before": 5, "after": 20}}],
    },
    {
        "id": "berputar",
        "alias": "Kata sandi salah",
        "triggers": [{"trigger": "event", "kind": "camera.auth_failed"}],
        "actions": [{"action": "notify", "target": {"contact": "posko"}, "data": {"message": LOOP}}],
    },
]


@pytest.fixture
def garbage(tmp_path):
    """Return a file that calls itself a video and holds no picture."""
    if NO_PICTURES.exists():
        return NO_PICTURES
    warnings.warn(f"{NO_PICTURES} is not there: plain noise stands for it", stacklevel=1)
    noise = tmp_path / "noise.264"
    noise.write_bytes(os.urandom(200_000))
    return noise


def configuration(server, stalling, locked, garbage):
    def camera(url, **more):
        return {"type": "rtsp", "streams": {"main": url}, **more}

    return {
        "site": {"name": "Kelurahan Uji", "language": "id"},
        "web": {"host": "127.0.0.1", "port": free_port()},
        "storage": {"path": "var", "min_free": "10 MB"},
        "cameras": {
            "sehat": camera(server.url(0), detect=[{"type": "rusak"}]),
            "macet": camera(stalling.url()),
            "putus": camera(server.url(1)),
            "ukuran": camera(server.url(2)),
            "sandi": camera(locked.url(), username="petugas", password="bukan-ini"),
            "mati": camera(f"rtsp://127.0.0.1:{free_port()}/cam0"),
            "sampah": {"type": "file", "path": str(garbage)},
        },
        "notifiers": {"catatan": {"type": "log"}},
        "contacts": {"posko": {"name": "Posko", "via": [{"notifier": "catatan", "to": "posko"}]}},
        "rules": RULES,
    }


@pytest.fixture
def house(tmp_path, garbage):
    (tmp_path / "plugins").mkdir()
    for name, code in PLUGINS.items():
        (tmp_path / "plugins" / f"{name}.py").write_text(code)
    small = make_clip(size=(320, 240))
    with (
        RtspServer(small, mounts=3) as server,
        # GStreamer's server answers nobody while it waits for a stalled scene: that one has its own.
        RtspServer(small) as stalling,
        RtspServer(small, login=("petugas", "rahasia")) as locked,
    ):
        house = House(tmp_path, configuration(server, stalling, locked, garbage))
        house.start()
        yield house, server, stalling
        house.close()


def cameras(house):
    return {camera["id"]: camera for camera in house.visitor.api("/api/v1/cameras")["cameras"]}


def told(house, kind, camera=None):
    found = house.visitor.api(f"/api/v1/events?kind={kind}&limit=200")["events"]
    return [item["event"] for item in found if camera in (None, item["event"]["camera"])]


def size_of(camera):
    return (camera["streams"][0]["width"], camera["streams"][0]["height"])


def longest_step_s(content):
    """Return the longest time between two pictures of a clip, and the clip's length."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        times = [float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.size]
    return max(later - earlier for earlier, later in pairwise(times)), times[-1] - times[0]


def test_each_bad_thing_is_told_and_the_healthy_camera_loses_no_frame(house):
    house, server, stalling = house
    good = ("sehat", "macet", "putus", "ukuran")
    house.until(lambda: all(cameras(house)[name]["state"] == "live" for name in good), 20, "the four good cameras")
    house.until(lambda: cameras(house)["sehat"]["streams"][0]["ring_s"] > 7, 15, "what is recorded before the event")

    stalling.stall()
    server.switch(2, make_clip(size=(640, 480)))
    server.off(1)
    silent = "tidak mengirim gambar selama 10 detik"
    house.until(lambda: silent in cameras(house)["macet"]["reason"], 20, "the word on the camera that stalls")
    (gone,) = house.until(lambda: told(house, "camera.offline", "putus"), 15, "the camera that dropped")
    server.on(1)

    check_cameras(house)
    check_plugins_and_rule(house)

    def clip_of_the_healthy():
        return house.visitor.api(f"/api/v1/events/{gone['id']}")["clips"]

    (clip,) = house.until(clip_of_the_healthy, 40, "the clip of the healthy camera")
    step_s, length_s = longest_step_s(house.visitor.content(f"/media/{clip['path']}"))
    assert (clip["camera"], clip["has_gap"]) == ("sehat", False)
    assert step_s < 0.35, f"a gap of {step_s:.2f} s at 10 frames a second"
    assert length_s >= 20
    assert told(house, "camera.offline", "sehat") == []
    assert told(house, "recorder.restarted") == [] and told(house, "eye.restarted") == []


def check_cameras(house):
    (refused,) = told(house, "camera.auth_failed")
    assert refused["camera"] == "sandi" and "menolak nama pengguna atau kata sandi" in refused["data"]["reason"]
    assert "menolak sambungan" in cameras(house)["mati"]["reason"]
    assert re.search("bukan video|tidak berisi gambar", cameras(house)["sampah"]["reason"])
    house.until(lambda: told(house, "camera.online", "putus"), 30, "the camera that came back")
    house.until(lambda: size_of(cameras(house)["ukuran"]) == (640, 480), 20, "the new size")
    (stalled,) = house.until(lambda: told(house, "camera.offline", "macet"), 25, "the camera that stalls")
    assert stalled["data"]["reason"]


def check_plugins_and_rule(house):
    page = house.visitor.page("/plugins")
    assert "pustaka_yang_tidak_ada" in page and "kait ini rusak" in page
    (off,) = told(house, "detector.off")
    assert off["camera"] == "sehat" and "mata ini rusak" in off["data"]["reason"]
    (refused,) = told(house, "camera.auth_failed")
    event = house.visitor.api(f"/api/v1/events/{refused['id']}")
    (step,) = (step for step in event["traces"][0]["steps"] if step["path"] == "actions[0]")
    assert step["outcome"] == "done" and "berjalan terlalu lama" in step["error"]
    (record,) = event["notices"]
    assert record["notice"]["text"].startswith("Kata sandi salah: camera.auth_failed di ")
