import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import islice, pairwise

import aiohttp
import av
import cv2
import numpy as np
import psutil
import pytest
import voluptuous as vol

from siaga.core import CameraSettings, NotSupported
from siaga.core.clock import SystemClock
from siaga.core.tasks import Tasks
from siaga.plugins.cameras import demo, demo_server
from siaga.plugins.cameras.demo_canal import CanalScene, canal_level_cm
from siaga.plugins.cameras.demo_city import MAX_ZOOM, PTZ_PRESETS, TurningScene
from siaga.plugins.cameras.demo_outputs import DemoOutputs
from siaga.plugins.cameras.demo_schoolyard import SchoolyardScene, crossing_x
from siaga.testing import OwnServices


class TaskServices(OwnServices):
    """As OwnServices, with the hub's own task room: what ends with an error is started again."""

    def __init__(self, folder):
        super().__init__(folder)
        self.tasks = Tasks(SystemClock())

    def start(self, name, work):
        self.tasks.start(name, work)


@asynccontextmanager
async def demo_cameras(folder, *scenes):
    async with TaskServices(folder) as services:
        cameras = []
        try:
            for scene in scenes:
                options = demo.SCHEMA({"scene": scene})
                cameras.append(
                    demo.DemoCamera(CameraSettings(id=scene, type="demo", name=scene, options=options), services)
                )
                await cameras[-1].start()
            yield cameras
        finally:
            for camera in cameras:
                await camera.stop()
            await services.tasks.stop()


def open_stream(source):
    options = dict(source.options)
    return av.open(source.url, format=options.pop("format"), options=options, timeout=(5, 5))


def read_packets(source, count):
    with open_stream(source) as container:
        stream = container.streams.video[0]
        packets = []
        for packet in container.demux(stream):
            packets.append(packet)
            if len(packets) == count:
                break
        return stream.codec_context.name, (stream.codec_context.width, stream.codec_context.height), packets


def read_picture(source, after=0):
    with open_stream(source) as container:
        return next(islice(container.decode(video=0), after, None)).to_ndarray(format="bgr24")


async def until(condition, limit_s=10.0):
    """Wait for something another process does; there is no clock of ours to turn."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_scene_arrives_as_h264_in_two_sizes_with_steady_timestamps(tmp_path):
    async with demo_cameras(tmp_path, "canal") as (camera,):
        main, sub = await camera.streams()
        assert (main.role, sub.role) == ("main", "sub")
        for source, size in ((main, (960, 540)), (sub, (640, 360))):
            codec, seen, packets = await asyncio.to_thread(read_packets, source, 32)
            assert (codec, seen) == ("h264", size)
            assert packets[0].is_keyframe
            times = [packet.pts for packet in packets]
            assert all(later > earlier for earlier, later in pairwise(times))
            keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
            assert max(np.diff(keys)) <= 15


@pytest.mark.slow
async def test_a_preset_turns_the_view_and_the_picture_shows_it(tmp_path):
    async with demo_cameras(tmp_path, "ptz") as (camera,):
        sub = (await camera.streams())[1]
        assert await camera.ptz.presets() == ("pintu-air", "jembatan", "pos-rw")
        before = await asyncio.to_thread(read_picture, sub)
        await camera.ptz.goto("pintu-air")
        after = await asyncio.to_thread(read_picture, sub, 25)
        position = await camera.ptz.position()
        pan, tilt, zoom = PTZ_PRESETS["pintu-air"]
        assert (position.pan, position.tilt) == pytest.approx((2 * pan - 1, 1 - 2 * tilt))
        assert position.zoom == pytest.approx((zoom - 1) / (MAX_ZOOM - 1)) and not position.is_moving
        assert np.abs(before.astype(int) - after).mean() > 15
        await camera.ptz.move(1.0, 0.0, 0.0, 30.0)
        await asyncio.to_thread(read_picture, sub, 5)
        await camera.ptz.stop()
        stopped = await camera.ptz.position()
        assert stopped.pan > position.pan + 0.04
        await asyncio.to_thread(read_picture, sub, 3)
        assert await camera.ptz.position() == stopped


@pytest.mark.slow
async def test_an_unknown_preset_names_those_that_exist(tmp_path):
    async with demo_cameras(tmp_path, "ptz") as (camera,):
        with pytest.raises(NotSupported, match="pintu-air, jembatan, pos-rw"):
            await camera.ptz.goto("bulan")


@pytest.mark.slow
async def test_a_dead_renderer_is_replaced_behind_the_same_address(tmp_path):
    async with demo_cameras(tmp_path, "canal") as (camera,):
        host = demo.DemoHost.shared()
        source, first = (await camera.streams())[1], host.pid
        psutil.Process(first).kill()
        await until(lambda: host.pid not in (0, first))
        await host.ensure(camera._services.texts)  # and it listens
        assert (await camera.streams())[1].url == source.url
        codec, _, _ = await asyncio.to_thread(read_packets, source, 2)
        assert codec == "h264"


@pytest.mark.slow
async def test_all_demo_cameras_share_one_process_and_the_last_one_ends_it(tmp_path):
    async with demo_cameras(tmp_path, "canal", "schoolyard") as (canal, schoolyard):
        process = psutil.Process(demo.DemoHost.shared().pid)
        await canal.stop()
        assert process.is_running()
        assert (await schoolyard.streams())[0].url.startswith("http://127.0.0.1:")
        await schoolyard.stop()
        assert not process.is_running()


@pytest.mark.slow
async def test_a_stranger_without_the_token_sees_nothing(tmp_path):
    async with demo_cameras(tmp_path, "canal") as (camera,), aiohttp.ClientSession() as http:
        url = (await camera.streams())[1].url
        token = url.split("/")[3]
        async with http.get(url.replace(token, "x" * len(token))) as answer:
            assert answer.status == 404
        async with http.get(url.replace("/canal/canal/", "/nothing/canal/")) as answer:
            assert answer.status == 404


@pytest.mark.slow
def test_the_renderer_ends_with_its_parent():
    parent = (
        "import asyncio, sys\n"
        "from siaga.core import Texts\n"
        "from siaga.plugins.cameras.demo import DemoHost\n"
        "async def run():\n"
        "    await DemoHost.shared().acquire(Texts())\n"
        "    print(DemoHost.shared().pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()  # no chance to tidy up
        child.wait(timeout=5)
    assert not child.is_running()


@pytest.mark.slow
def test_the_control_side_imports_no_picture_library():
    code = (
        "import sys, siaga.plugins.cameras.demo, siaga.plugins.detectors.flood\n"
        "print([name for name in ('av', 'cv2', 'numpy', 'onnxruntime') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("scene", [CanalScene, SchoolyardScene, TurningScene])
def test_the_same_seed_and_time_give_the_same_picture(scene):
    one, other = scene(4), scene(4)
    one.render(3.0)  # what was drawn before does not matter
    assert np.array_equal(one.render(21.5), other.render(21.5))
    assert one.render(21.5).shape == (540, 960, 3)


def test_the_canal_passes_siaga_3_and_2_when_the_example_needs_it():
    assert canal_level_cm(8) < 110
    assert canal_level_cm(19) < 150 < canal_level_cm(21)
    assert canal_level_cm(31) < 200 < canal_level_cm(33)
    assert max(canal_level_cm(t) for t in range(150)) == 230
    assert canal_level_cm(0) == canal_level_cm(150)


def test_somebody_crosses_the_schoolyard_at_the_known_times_only():
    scene = SchoolyardScene(1)
    empty = cv2.GaussianBlur(scene.render(1.0), (0, 0), 2).astype(int)
    for t in (3.0, 16.0, 29.0):
        assert crossing_x(t) is None
        assert np.abs(cv2.GaussianBlur(scene.render(t), (0, 0), 2) - empty).max() < 12
    for t in (8.0, 10.0, 12.0, 35.0):
        changed = np.abs(cv2.GaussianBlur(scene.render(t), (0, 0), 2) - empty).max(axis=2) > 20
        columns = np.flatnonzero(changed.any(axis=0))
        assert columns.mean() / 960 == pytest.approx(crossing_x(t), abs=0.05)


def test_a_move_stays_inside_the_scene():
    scene = TurningScene(1)
    scene.move(1.0, 1.0, 1.0, 30.0, 0.0)
    position = scene.position(30.0)
    assert position["zoom"] == 3.0
    assert position["pan"] < 1 and position["tilt"] < 1


@pytest.mark.parametrize(
    "options", [{}, {"scene": "moon"}, {"scene": "canal", "speed": 0}, {"scene": "canal", "fps": 5}]
)
def test_a_wrong_demo_option_is_refused(options):
    with pytest.raises(vol.MultipleInvalid):
        demo.SCHEMA(options)


class FallingScene:
    """A scene that fails at its third picture, once."""

    falls = 1

    def __init__(self):
        self.count = 0

    def render(self, _second):
        self.count += 1
        if self.count == 3 and FallingScene.falls:
            FallingScene.falls -= 1
            raise ZeroDivisionError("a fault in a scene")
        return np.zeros((540, 960, 3), np.uint8)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scene_that_fails_hangs_up_and_is_drawn_anew_for_who_comes_again(monkeypatch):
    FallingScene.falls = 1
    monkeypatch.setattr(demo_server, "make_scene", lambda _name, _seed: FallingScene())
    feed, reader = demo_server.Feed("falling", 1, 1.0), demo_server.Chunks(20)
    feed.join("sub", reader)
    while reader.get(timeout=5):
        pass  # pictures, then the word that it is over
    assert not feed.has("sub", reader)
    again = demo_server.Chunks(20)
    feed.join("sub", again)
    assert all(len(again.get(timeout=5)) > 100 for _ in range(5))
    feed.leave("sub", again)


@pytest.mark.slow
async def test_a_siren_is_seen_in_the_picture_and_ends_by_itself(tmp_path):
    async with demo_cameras(tmp_path, "canal") as (camera,):
        assert await camera.io.outputs() == ("siren", "lamp", "speaker")
        await camera.io.switch("siren", True, 1.0)
        assert await camera.io.on() == ("siren",)
        await camera.io.switch("lamp", True, 0.0)
        async with asyncio.timeout(20):
            while "siren" in await camera.io.on():
                await asyncio.sleep(0.1)
        assert await camera.io.on() == ("lamp",)
        await camera.io.switch("lamp", False, 0.0)
        assert await camera.io.on() == ()
        with pytest.raises(NotSupported, match="klakson"):
            await camera.io.switch("klakson", True, 1.0)


def test_a_lamp_brightens_the_picture_and_a_siren_is_written_on_it():
    outputs, dark = DemoOutputs(), np.full((540, 960, 3), 60, np.uint8)
    outputs.ask("switch", {"output": "lamp", "is_on": True, "for_s": 0})
    lit = dark.copy()
    outputs.show(lit)
    assert lit[300, 500].mean() == 90
    outputs.ask("switch", {"output": "lamp", "is_on": False, "for_s": 0})
    outputs.ask("switch", {"output": "siren", "is_on": True, "for_s": 0})
    sounding = dark.copy()
    outputs.show(sounding)
    assert (sounding[300, 500] == 60).all() and (sounding[41:65, 10:90] != 60).any()
