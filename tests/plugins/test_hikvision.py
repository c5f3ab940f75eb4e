"""The camera kind ``hikvision`` against a device that speaks ISAPI and can be told to fail."""

import asyncio
from datetime import datetime, timezone

import pytest
import voluptuous as vol
from aiohttp import web
from hikvision_device import HikvisionDevice
from plugin_services import OwnServices

from siaga.core.errors import AuthFailed, CameraLost, NotSupported
from siaga.core.settings import CameraSettings
from siaga.core.texts import Texts
from siaga.plugins.cameras.hikvision import offer_cameras
from siaga.plugins.cameras.hikvision.alerts import alert_of
from siaga.plugins.cameras.hikvision.camera import as_utc

TEXTS = Texts("id")


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


@pytest.fixture
async def device():
    async with HikvisionDevice() as played:
        yield played


@pytest.fixture
async def kind():
    [offered] = offer_cameras()
    return offered


def made(kind, device, services, **more):
    options = kind.schema(device.options(**more))
    return kind.make(CameraSettings(id="ptz", type="hikvision", name="PTZ", options=options), services)


async def until(holds, limit_s=10.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.01)


async def test_both_streams_of_a_channel_are_named_and_the_login_stands_apart(kind, device, services):
    camera = made(kind, device, services, channel=3, rtsp_port=8554)
    await camera.start()
    main, sub = await camera.streams()
    assert (main.url, sub.url) == (
        "rtsp://127.0.0.1:8554/Streaming/Channels/301",
        "rtsp://127.0.0.1:8554/Streaming/Channels/302",
    )
    assert main.password == device.login.password
    await camera.stop()


async def test_presets_are_places_and_not_the_devices_commands(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    assert await camera.ptz.presets() == ("gerbang", "pasar")
    await camera.ptz.goto("pasar")
    assert device.commands[-1][:2] == ("PUT", "presets/2/goto")
    with pytest.raises(NotSupported, match="gerbang, pasar"):
        await camera.ptz.goto("pintu")
    await camera.stop()


async def test_a_move_ends_at_the_device_itself(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await camera.ptz.move(0.5, -1.5, 0, 2)
    said = "<pan>50</pan><tilt>-100</tilt><zoom>0</zoom><Momentary><duration>2000</duration></Momentary>"
    assert device.commands[-1] == ("PUT", "momentary", said)
    await camera.ptz.stop()
    assert device.commands[-1] == ("PUT", "continuous", "<pan>0</pan><tilt>0</tilt><zoom>0</zoom>")
    await camera.stop()


async def test_presets_are_set_replaced_and_removed(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await camera.ptz.set_preset("jembatan & <kali>")
    assert device.presets[3] == "jembatan &amp; &lt;kali&gt;"
    await camera.ptz.set_preset("gerbang")
    assert device.commands[-1][1] == "presets/1"
    await camera.ptz.remove_preset("pasar")
    assert 2 not in device.presets
    position = await camera.ptz.position()
    assert (position.pan, position.tilt, position.zoom) == (0.5, 0.5, 0.5)
    await camera.ptz.home()
    await camera.stop()


async def test_a_fixed_camera_has_no_ptz_and_one_without_outputs_no_io(kind, services):
    async with HikvisionDevice(has_ptz=False, outputs=0) as device:
        camera = made(kind, device, services)
        await camera.start()
        assert camera.ptz is None
        assert camera.io is None
        await camera.stop()


async def test_an_output_goes_on_and_back_by_itself(kind, device, services):
    camera = made(kind, device, services, outputs={"siren": 2})
    await camera.start()
    assert await camera.io.outputs() == ("output-1", "output-2", "siren")
    await camera.io.switch("siren", True, 0.1)
    await until(lambda: ("output", 2, "low") in device.commands)
    assert device.commands[:2] == [("output", 2, "high"), ("output", 2, "low")]
    with pytest.raises(NotSupported, match="siren"):
        await camera.io.switch("lampu", True, 0)
    await camera.stop()


async def test_a_picture_and_the_clock_are_given(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    assert (await camera.snapshot()).startswith(b"\xff\xd8")
    assert await camera.device_time() == datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
    device.picture = b"<html>"
    with pytest.raises(CameraLost):
        await camera.snapshot()
    await camera.stop()


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("2026-11-25T10:00:00+07:00", ""),
        ("2026-11-25T10:00:00", "CST-7:00:00"),
        ("2026-11-25T03:00:00Z", "CST-7:00:00"),
        ("2026-11-25T03:00:00", "UTC"),
        ("2026-11-24T22:00:00", "EST5"),
    ],
)
def test_the_clock_is_read_with_the_sign_that_posix_turns_round(local, zone):
    assert as_utc(local, zone) == datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)


# --- events ------------------------------------------------------------------------------------------


async def test_what_the_camera_tells_becomes_an_event_once_and_ends(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await device.heard()
    for _ in range(3):
        await device.tell("linedetection")
    await device.tell("linedetection", "inactive")
    await until(lambda: len(services.emitted) == 2)
    assert [(d.get("what", k), k != "device.ended", d["topic"]) for k, d in services.emitted] == [
        ("device.line", True, "linedetection"),
        ("device.line", False, "linedetection"),
    ]
    await camera.stop()


async def test_parts_without_length_pictures_and_garbage_between_do_not_stop_the_events(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await device.heard()
    await device.say(b"<not xml", lengths=True)
    await device.say(b"\xff\xd8" + b"\x00" * 5000 + b"\xff\xd9", "image/jpeg")
    await device.tell("io", more="<inputIOPortID>2</inputIOPortID>", lengths=True)
    await until(lambda: services.emitted)
    assert services.emitted[0][0] == "device.input"
    assert services.emitted[0][1]["source"] == "2"
    await camera.stop()


async def test_the_cameras_of_a_recorder_share_one_stream_and_hear_only_their_own(kind, services, tmp_path):
    async with HikvisionDevice(channels=4) as device, OwnServices(tmp_path) as other:
        first, second = made(kind, device, services, channel=1), made(kind, device, other, channel=2)
        await first.start()
        await second.start()
        await device.heard()
        await device.tell("linedetection", channel=2)
        await until(lambda: other.emitted)
        assert len(device.streams) == 1
        assert not services.emitted
        await first.stop()
        await second.stop()


async def test_events_come_again_after_the_stream_was_cut(kind, device, services):
    camera = made(kind, device, services)
    await camera.start()
    await device.heard()
    await device.tell("tamperdetection")
    await until(lambda: services.emitted)
    device.cut()
    await until(lambda: len(services.emitted) == 2)  # nobody knows any more: it is over
    await device.heard()
    await device.tell("tamperdetection")
    await until(lambda: len(services.emitted) == 3)
    await camera.stop()


async def test_events_that_are_not_wanted_are_left_out(kind, device, services):
    camera = made(kind, device, services, events=["line"])
    await camera.start()
    await device.heard()
    await device.tell("tamperdetection")
    await device.tell("linedetection")
    await until(lambda: services.emitted)
    assert [k for k, _ in services.emitted] == ["device.line"]
    await camera.stop()


def said(word, state="active", channel="<channelID>1</channelID>", more=""):
    return f"{channel}<eventType>{word}</eventType><eventState>{state}</eventState>{more}"


def target(what):
    entry = f"<regionID>2</regionID><detectionTarget>{what}</detectionTarget>"
    return f"<DetectionRegionList><DetectionRegionEntry>{entry}</DetectionRegionEntry></DetectionRegionList>"


BEHIND = "<dynChannelID>5</dynChannelID><channelID>1</channelID>"
ITSELF = "<channelID>0</channelID>"


@pytest.mark.parametrize(
    ("body", "kind", "is_on", "channel"),
    [
        (said("VMD"), "device.motion", True, 1),
        (said("VMD", more=target("others")), "device.motion", True, 1),
        (said("fielddetection", channel=BEHIND, more=target("human")), "device.person", True, 5),
        (said("fielddetection"), "device.area", True, 1),
        (said("regionEntrance", more=target("vehicle")), "device.vehicle", True, 1),
        (said("linedetection", more=target("vehicle")), "device.line", True, 1),
        (said("shelteralarm", "inactive"), "device.tamper", False, 1),
        (said("diskfull", channel=ITSELF), "device.storage", True, None),
        (said("illAccess", channel=""), "device.login", True, None),
        (said("videoloss", "inactive"), "device.video_loss", False, 1),
        (said("TMA"), "device.fire", True, 1),
        (said("AMR"), None, None, None),
        (said("PeopleCounting"), None, None, None),
    ],
)
@pytest.mark.parametrize(
    "namespace",
    [
        'xmlns="http://www.hikvision.com/ver10/XMLSchema" version="1.0"',
        'xmlns="http://www.std-cgi.com/ver20/XMLSchema"',
        "",
    ],
)
def test_what_devices_write_means_what_it_says(body, kind, is_on, channel, namespace):
    alert = alert_of(f"<EventNotificationAlert {namespace}>{body}</EventNotificationAlert>".encode(), TEXTS)
    if kind is None:
        assert alert is None
    else:
        assert (alert.kind, alert.is_on, alert.channel) == (kind, is_on, channel)


# --- what goes wrong ---------------------------------------------------------------------------------


async def test_a_wrong_password_is_said_and_not_shown(kind, device, services):
    camera = made(kind, device, services, password="bukan-ini")
    with pytest.raises(AuthFailed) as caught:
        await camera.start()
    assert "bukan-ini" not in str(caught.value)
    await camera.stop()


@pytest.mark.parametrize(
    "garbage", [b"", b"<html></html>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"x" * 3_000_000]
)
async def test_another_device_at_that_address_is_named(kind, device, services, garbage):
    device.garbage = garbage
    camera = made(kind, device, services)
    with pytest.raises(CameraLost):
        await camera.start()
    await camera.stop()


async def test_a_recorder_tells_which_cameras_are_behind_it(kind, services):
    async with HikvisionDevice(channels=3) as device:
        found = await kind.channels(kind.schema(device.options()), services)
        assert [(one.name, one.options["channel"]) for one in found] == [("Gang 1", 1), ("Gang 2", 2), ("Gang 3", 3)]
        assert all("password" not in one.options for one in found)
        assert kind.schema({**found[1].options, "password": "x"})["channel"] == 2
    async with HikvisionDevice() as single:
        [only] = await kind.channels(kind.schema(single.options()), services)
        assert (only.name, only.model) == ("Posko", "DS-2DE4425")


def test_a_misspelt_event_is_refused(kind):
    with pytest.raises(vol.Invalid):
        kind.schema({"host": "10.0.0.5", "username": "a", "password": "b", "events": ["hujan"]})


LOCKED = (
    '<userCheck version="2.0"><statusValue>401</statusValue><statusString>Unauthorized</statusString>'
    "<lockStatus>lock</lockStatus><unlockTime>1740</unlockTime><retryLoginTime>0</retryLoginTime></userCheck>"
)


async def test_a_login_that_the_device_has_locked_is_said_with_its_time_and_not_tried_meanwhile(kind, services, device):
    camera = made(kind, device, services)
    device.login.is_refusing = True
    asked = []

    def refusal(request, body=""):
        asked.append(request.path)
        return web.Response(status=401, text=LOCKED, content_type="application/xml")

    device.login.refusal = refusal
    for _ in range(3):
        with pytest.raises(AuthFailed, match="29 menit") as failed:
            await camera.start()
        assert 1700 < failed.value.wait_s <= 1740
    assert len(asked) == 1, "each try would begin the half hour anew"
    await camera.stop()
