"""The camera kind ``dahua`` against a device that speaks its CGI and can be told to fail."""

import asyncio
from datetime import datetime, timezone

import pytest
from dahua_device import DahuaDevice
from plugin_services import OwnServices

from siaga.core.errors import AuthFailed, CameraError, CameraLost, NotSupported
from siaga.core.settings import CameraSettings
from siaga.plugins.cameras.dahua import offer_cameras
from siaga.plugins.cameras.dahua.alerts import alert_of


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


@pytest.fixture
async def device():
    async with DahuaDevice() as played:
        yield played


@pytest.fixture
def kind():
    [offered] = offer_cameras()
    return offered


def made(kind, device, services, **more):
    options = kind.schema(device.options(**more))
    return kind.make(CameraSettings(id="ptz", type="dahua", name="PTZ", options=options), services)


async def until(holds, limit_s=10.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.01)


async def test_both_streams_of_a_channel_are_named(kind, device, services):
    camera = made(kind, device, services, channel=3)
    await camera.start()
    main, sub = await camera.streams()
    assert main.url == "rtsp://127.0.0.1:554/cam/realmonitor?channel=3&subtype=0"
    assert sub.url == "rtsp://127.0.0.1:554/cam/realmonitor?channel=3&subtype=1"
    await camera.stop()


async def test_presets_moves_and_positions_reach_the_camera(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    assert await camera.ptz.presets() == ("gerbang", "pasar")
    await camera.ptz.goto("pasar")
    assert device.commands[-1] == {
        "channel": "0",
        "action": "start",
        "code": "GotoPreset",
        "arg1": "0",
        "arg2": "2",
        "arg3": "0",
    }
    with pytest.raises(NotSupported, match="gerbang, pasar"):
        await camera.ptz.goto("pintu")
    await camera.ptz.move(0.5, -1, 0, 0.2)
    assert [device.commands[-1][name] for name in ("arg1", "arg2", "arg3")] == ["4", "-8", "0"]
    await until(lambda: device.commands[-1]["action"] == "stop")
    position = await camera.ptz.position()
    assert (position.pan, position.tilt, position.zoom, position.is_moving) == (0.5, 0.5, 0.5, True)
    await camera.ptz.set_preset("jembatan")
    assert device.presets[3] == "jembatan"
    await camera.ptz.remove_preset("gerbang")
    assert list(device.presets) == [2, 3]
    await camera.stop()


async def test_a_fixed_camera_without_outputs_has_neither(kind, services):
    async with DahuaDevice(has_ptz=False, outputs=0) as device:
        camera = made(kind, device, services)
        await camera.start()
        assert camera.ptz is None
        assert camera.io is None
        await camera.stop()


async def test_an_output_goes_on_and_back_by_itself(kind, device, services):
    camera = made(kind, device, services, outputs={"siren": 1})
    await camera.start()
    await camera.io.switch("siren", True, 0.1)
    await until(lambda: device.commands[-1] == {"AlarmOut[0].Mode": "2"})
    assert {"AlarmOut[0].Mode": "1"} in device.commands
    await camera.stop()


async def test_a_picture_and_the_clock_are_given(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    assert (await camera.snapshot()).startswith(b"\xff\xd8")
    assert await camera.device_time() == datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
    device.time = "besok"
    with pytest.raises(CameraLost):
        await camera.device_time()
    await camera.stop()


async def test_what_the_camera_tells_becomes_an_event_once_and_ends(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await device.heard()
    await device.say("Heartbeat")
    await device.tell("CrossLineDetection", data={"Name": "Rule1", "Object": {"ObjectType": "Human"}})
    await device.tell("CrossLineDetection", data={"Name": "Rule1"})
    await device.tell("CrossLineDetection", "Stop", data={"Name": "Rule1"})
    await until(lambda: len(services.emitted) == 2)
    assert [(d.get("what", k), k != "device.ended", d["source"]) for k, d in services.emitted] == [
        ("device.line", True, "Rule1"),
        ("device.line", False, "Rule1"),
    ]
    await camera.stop()


async def test_the_cameras_of_a_recorder_share_one_stream(kind, services, tmp_path):
    async with DahuaDevice(channels=2) as device, OwnServices(tmp_path) as other:
        first, second = made(kind, device, services, channel=1), made(kind, device, other, channel=2)
        await first.start()
        await second.start()
        await device.heard()
        await device.tell("VideoBlind", index=1)
        await until(lambda: other.emitted)
        assert len(device.streams) == 1
        assert not services.emitted
        await first.stop()
        await second.stop()


@pytest.mark.parametrize(
    ("text", "kind", "is_on", "channel", "source"),
    [
        ("Code=VideoMotion;action=Start;index=0", "device.motion", True, 1, ""),
        ("Code=SmartMotionHuman;action=Start;index=3;data={}", "device.person", True, 4, ""),
        ("Code=SmartMotionVehicle;action=Stop;index=0;data={", "device.vehicle", False, 1, ""),
        ('Code=CrossRegionDetection;action=Start;index=0;data={\n "Name":"A",\n "Object":{"ObjectType":"Vehicle"}\n}',
         "device.vehicle", True, 1, "A"),
        ("Code=AlarmLocal;action=Start;index=2", "device.input", True, None, "3"),
        ("Code=StorageNotExist;action=Pulse;index=0", "device.storage", None, None, ""),
        ('Code=LoginFailure;action=Pulse;index=0;data={"Name":"admin"}', "device.login", None, None, "admin"),
        ("Code=VideoLoss;action=Start;index=7", "device.video_loss", True, 8, ""),
        ("Code=SceneChange;action=Pulse;index=0;data=[1,2]", "device.tamper", None, 1, ""),
        ("Code=TrafficJunction;action=Pulse;index=0;data={}", None, None, None, None),
        ("Heartbeat", None, None, None, None),
        ("Code=;action=;index=", None, None, None, None),
    ],
)  # fmt: skip
def test_what_devices_write_means_what_it_says(text, kind, is_on, channel, source):
    alert = alert_of(text)
    if kind is None:
        assert alert is None
    else:
        assert (alert.kind, alert.is_on, alert.channel, alert.source) == (kind, is_on, channel, source)


async def test_a_wrong_password_is_said_and_not_shown(kind, device, services):
    camera = made(kind, device, services, password="bukan-ini")
    with pytest.raises(AuthFailed) as caught:
        await camera.start()
    assert "bukan-ini" not in str(caught.value)
    await camera.stop()


@pytest.mark.parametrize("garbage", [b"Error\r\nBad Request!\r\n", b"Error: Unknown", b"x" * 3_000_000])
async def test_an_error_with_a_good_status_is_an_error(kind, device, services, garbage):
    device.garbage = garbage
    camera = made(kind, device, services)
    with pytest.raises(CameraError):
        await camera.start()
    await camera.stop()


async def test_a_recorder_tells_which_cameras_are_behind_it(kind, services):
    async with DahuaDevice(channels=3) as device:
        found = await kind.channels(kind.schema(device.options()), services)
        assert [(one.name, one.options["channel"]) for one in found] == [("Gang 1", 1), ("Gang 2", 2), ("Gang 3", 3)]
        assert (found[0].model, found[0].serial) == ("DH-SD49225", "7K0A")
