"""The camera kind ``onvif``: against PyPI's ipycam, and against a device that does what ipycam does not and fails."""

import asyncio
import socket
from datetime import timedelta

import pytest
from onvif_device import OnvifPlayed, message
from onvif_farm import LOGIN, onvif_farm
from plugin_services import OwnServices

from siaga.core.errors import AuthFailed, CameraLost, NotSupported
from siaga.core.settings import CameraSettings
from siaga.core.texts import Texts
from siaga.plugins.cameras.onvif import offer_cameras
from siaga.plugins.cameras.onvif.discovery import read_answer
from siaga.plugins.cameras.onvif.events import reference_parameters
from siaga.plugins.cameras.onvif.soap import OnvifDevice

TEXTS = Texts("id")


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


@pytest.fixture
async def device():
    async with OnvifPlayed() as played:
        yield played


@pytest.fixture
def kind():
    [offered] = offer_cameras()
    return offered


def made(kind, services, options):
    return kind.make(CameraSettings(id="ptz", type="onvif", name="PTZ", options=kind.schema(options)), services)


async def until(holds, limit_s=10.0):
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.01)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


# --- a camera that is not ours -----------------------------------------------------------------------


async def test_a_foreign_camera_is_logged_into_read_and_turned(kind, services):
    port = free_port()
    async with onvif_farm([port], rtsp_port=8554) as asked:
        camera = made(kind, services, {"host": "127.0.0.1", "port": port, **LOGIN})
        await camera.start()
        main, *_ = await camera.streams()
        assert main.url.startswith("rtsp://127.0.0.1:8554/")
        assert main.password == LOGIN["password"]
        await camera.ptz.set_preset("gerbang")
        assert "gerbang" in await camera.ptz.presets()
        await camera.ptz.goto("gerbang")
        await camera.ptz.move(0.5, 0, 0, 0.2)
        await until(lambda: "Stop" in asked[port])
        position = await camera.ptz.position()
        assert -1 <= position.pan <= 1
        await camera.stop()


async def test_a_foreign_camera_with_undeclared_prefixes_is_turned_too(kind, services):
    port = free_port()
    async with onvif_farm([port], is_mended=False) as asked:
        camera = made(kind, services, {"host": "127.0.0.1", "port": port, **LOGIN})
        await camera.start()
        await camera.ptz.set_preset("pasar")
        await camera.ptz.goto("pasar")
        assert "GotoPreset" in asked[port]
        await camera.stop()


async def test_a_foreign_camera_refuses_a_wrong_password(kind, services):
    port = free_port()
    async with onvif_farm([port]):
        camera = made(
            kind, services, {"host": "127.0.0.1", "port": port, "username": "admin", "password": "salah-kata"}
        )
        with pytest.raises(AuthFailed) as caught:
            await camera.start()
        assert "salah-kata" not in str(caught.value)
        await camera.stop()


# --- what it lacks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("has_media2", [False, True])
async def test_the_large_stream_is_recorded_the_small_one_analysed_at_the_operators_address(kind, services, has_media2):
    async with OnvifPlayed(has_media2=has_media2) as device:
        camera = made(kind, services, device.options())
        await camera.start()
        main, sub = await camera.streams()
        assert (main.role, main.url) == ("main", "rtsp://127.0.0.1:8554/kamera/p1_main?profile=1")
        assert (sub.role, sub.url) == ("sub", "rtsp://127.0.0.1:8554/kamera/p1_sub?profile=1")
        await camera.stop()


@pytest.mark.parametrize("hours", [-30, 0, 7])
async def test_a_camera_whose_clock_is_hours_off_lets_us_in_and_tells_its_time(kind, services, hours):
    async with OnvifPlayed() as device:
        device.clock_offset = timedelta(hours=hours)
        camera = made(kind, services, device.options())
        await camera.start()
        off = await camera.device_time() - services.clock.now()
        assert abs(off - timedelta(hours=hours)) < timedelta(seconds=5)
        await camera.stop()


async def test_moves_positions_home_and_presets_reach_the_camera(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    assert await camera.ptz.presets() == ("gerbang", "pasar", "9")
    await camera.ptz.goto("pasar")
    assert "<PresetToken>2</PresetToken>" in device.moved
    await camera.ptz.go_to(0.5, -0.5, 1)
    assert 'x="0.500" y="-0.500"' in device.moved
    await camera.ptz.shift(0.1, 0, 0)
    await camera.ptz.home()
    assert device.moved.startswith("GotoHomePosition")
    await camera.ptz.set_preset("pasar")
    assert len(device.presets) == 2
    await camera.ptz.remove_preset("gerbang")
    assert list(device.presets.values()) == ["pasar"]
    with pytest.raises(NotSupported, match="pasar"):
        await camera.ptz.goto("jembatan")
    position = await camera.ptz.position()
    assert (position.pan, position.tilt, position.zoom, position.is_moving) == (0.25, -0.5, 0.1, True)
    await camera.stop()


async def test_a_move_says_how_long_and_is_stopped_by_us_as_well(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    await camera.ptz.move(1, 0, 0, 0.3)
    assert "<Timeout>PT0.3S</Timeout>" in device.moved
    await until(lambda: device.count("Stop") == 1)
    # a later move is not cut short by the first one's end
    await camera.ptz.move(1, 0, 0, 0.3)
    await camera.ptz.goto("pasar")
    await asyncio.sleep(0.5)
    assert device.count("Stop") == 1
    await camera.stop()


async def test_a_profile_that_promises_ptz_without_having_it_is_a_fixed_camera(kind, services):
    async with OnvifPlayed(has_ptz=False) as device:
        camera = made(kind, services, device.options())
        await camera.start()
        assert camera.ptz is None
        await camera.stop()


async def test_relays_go_by_token_or_by_the_operators_name_and_back_by_themselves(kind, device, services):
    camera = made(kind, services, device.options(outputs={"siren": "RelayOutput_1"}))
    await camera.start()
    assert await camera.io.outputs() == ("relay-RelayOutput_1", "siren")
    await camera.io.switch("siren", True, 0.2)
    assert device.relays["RelayOutput_1"] == "active"
    await until(lambda: device.relays["RelayOutput_1"] == "inactive")
    await camera.stop()


async def test_a_still_picture_comes_from_the_operators_address(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    assert (await camera.snapshot()).startswith(b"\xff\xd8")
    await camera.stop()


async def test_a_recorders_channels_are_cameras_of_their_own(kind, services):
    async with OnvifPlayed(channels=4) as device:
        found = await kind.channels(kind.schema(device.options()), services)
        assert [one.options["channel"] for one in found] == [1, 2, 3, 4]
        assert (found[0].model, found[0].serial) == ("Nusa N-16", "S7")
        camera = made(kind, services, device.options(channel=3))
        await camera.start()
        main, _ = await camera.streams()
        assert "p3_main" in main.url
        await camera.stop()
        with pytest.raises(CameraLost, match="4"):
            await made(kind, services, device.options(channel=5)).start()


# --- events ------------------------------------------------------------------------------------------


async def test_what_a_camera_tells_becomes_events_once(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    topic = "tns1:RuleEngine/TamperDetector/Tamper"
    device.tell(message(topic, {"IsTamper": "true"}, {"VideoSourceToken": "VideoSource_1", "Rule": "aturan-1"}))
    device.tell(message(topic, {"IsTamper": "true"}, {"VideoSourceToken": "VideoSource_1", "Rule": "aturan-1"}))
    device.tell(message(topic, {"IsTamper": "false"}, {"VideoSourceToken": "VideoSource_1", "Rule": "aturan-1"}))
    await until(lambda: len(services.emitted) == 2)
    assert [(d.get("what", k), k != "device.ended", d["source"], d["topic"]) for k, d in services.emitted] == [
        ("device.tamper", True, "aturan-1", "RuleEngine/TamperDetector/Tamper"),
        ("device.tamper", False, "aturan-1", "RuleEngine/TamperDetector/Tamper"),
    ]
    await camera.stop()


async def test_a_device_that_forgot_its_pull_point_is_asked_for_a_new_one(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    await until(lambda: device.points == 1)
    device.has_forgotten = True
    device.tell("")
    await until(lambda: device.points == 2)
    device.tell(message("tns1:Device/Trigger/DigitalInput", {"LogicalState": "true"}, {"InputToken": "pintu"}))
    await until(lambda: services.emitted)
    assert services.emitted[0][1]["source"] == "pintu"
    await camera.stop()


async def test_the_channels_of_a_recorder_share_one_pull_point(kind, services, tmp_path):
    async with OnvifPlayed(channels=2) as device, OwnServices(tmp_path) as other:
        first = made(kind, services, device.options(channel=1))
        second = made(kind, other, device.options(channel=2))
        await first.start()
        await second.start()
        await until(lambda: device.points == 1)
        device.tell(
            message("tns1:RuleEngine/LineDetector/Crossed", {"ObjectId": "7"}, {"VideoSourceToken": "VideoSource_2"})
        )
        await until(lambda: other.emitted)
        assert not services.emitted
        assert device.points == 1
        await first.stop()
        await second.stop()


async def test_what_a_device_wants_back_with_each_pull_it_gets_with_its_namespace(kind, services):
    reference = "<wsa5:ReferenceParameters><dom0:SubscriptionId>17</dom0:SubscriptionId></wsa5:ReferenceParameters>"
    async with OnvifPlayed(reference=reference) as device:
        camera = made(kind, services, device.options())
        await camera.start()
        await until(lambda: "PullMessages" in device.asked)
        header = device.headers[device.asked.index("PullMessages")]
        assert '<dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">17</dom0:SubscriptionId>' in header
        await camera.stop()


def test_parameters_that_make_no_sense_are_left_out():
    assert reference_parameters(b"<a:ReferenceParameters>" + b"x" * 9000 + b"</a:ReferenceParameters>") == ""
    assert reference_parameters(b"nothing") == ""


async def test_events_that_name_their_channel_by_its_configuration_arrive_there(kind, services, tmp_path):
    async with OnvifPlayed(channels=2) as device, OwnServices(tmp_path) as other:
        second = made(kind, other, device.options(channel=2))
        await second.start()
        source = {"VideoSourceConfigurationToken": "vsc_2"}
        device.tell(message("tns1:RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "true"}, source))
        await until(lambda: other.emitted)
        await second.stop()


async def test_a_stop_that_failed_is_sent_again_and_a_move_whose_answer_failed_is_stopped_too(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    device.refused = {"Stop": 1}
    await camera.ptz.move(1, 0, 0, 0.2)
    await until(lambda: device.count("Stop") == 2)
    device.refused = {"ContinuousMove": 1}
    with pytest.raises(CameraLost):
        await camera.ptz.move(1, 0, 0, 0.2)
    await until(lambda: device.count("Stop") == 3)
    await camera.stop()


async def test_a_camera_whose_clock_jumps_is_logged_into_by_its_new_time(kind, device, services):
    camera = made(kind, services, device.options())
    await camera.start()
    device.clock_offset = timedelta(hours=-7)
    assert await camera.ptz.presets()
    device.password = "another-one"
    with pytest.raises(AuthFailed):
        await camera.ptz.presets()
    await camera.stop()


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"<html><body>router</body></html>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        b"<a>" * 1000,
        b"x" * 3_000_000,
        b"<Envelope><Header/></Envelope>",
    ],
)
async def test_what_is_no_onvif_device_is_named(kind, device, services, garbage):
    device.garbage = garbage
    camera = made(kind, services, device.options())
    with pytest.raises(CameraLost):
        await camera.start()
    await camera.stop()


async def test_a_stream_address_that_is_none_is_named(kind, device, services):
    device.rtsp = "http://evil.example/{token}"
    camera = made(kind, services, device.options())
    await camera.start()
    with pytest.raises(CameraLost):
        await camera.streams()
    await camera.stop()


async def test_a_device_that_hangs_is_given_up_and_works_again_later(kind, device, services):
    camera = made(kind, services, device.options())
    device.is_hanging = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await camera.start()
    device.is_hanging = False
    await camera.start()
    await camera.stop()


# --- discovery ---------------------------------------------------------------------------------------

MATCH = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><d:ProbeMatches xmlns:d="x"><d:ProbeMatch>'
    "<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Gang%20Mawar"
    " onvif://www.onvif.org/hardware/DS-2CD onvif://www.onvif.org/location/</d:Scopes><d:XAddrs>{}</d:XAddrs>"
    "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    ("addresses", "address", "options"),
    [
        ("http://10.0.5.21/onvif/device_service", "10.0.5.21:80", {"host": "10.0.5.21"}),
        ("http://10.0.5.21:2020/onvif/device_service", "10.0.5.21:2020", {"host": "10.0.5.21", "port": 2020}),
        ("http://[fe80::1]/onvif/x http://10.0.5.22/onvif/x", "10.0.5.22:80", {"host": "10.0.5.22"}),
        ("http://[fe80::1/x http://169.254.7.9/x http://10.0.5.23/x", "10.0.5.23:80", {"host": "10.0.5.23"}),
    ],
)  # fmt: skip
def test_an_answer_to_the_probe_is_a_camera_as_it_would_be_written(addresses, address, options):
    [found] = read_answer(MATCH.format(addresses).encode(), TEXTS)
    assert (found.name, found.model, found.address, found.options) == ("Gang Mawar", "DS-2CD", address, options)


def test_an_answer_that_is_no_xml_still_names_the_camera():
    broken = MATCH.format("http://10.0.5.23/onvif/device_service").replace("</d:ProbeMatch>", "").encode()
    [found] = read_answer(broken, TEXTS)
    assert (found.address, found.name) == ("10.0.5.23:80", "Gang Mawar")


@pytest.mark.parametrize("answer", [b"", b"\xff\x00", MATCH.format("ftp://x").encode(), MATCH.format("").encode()])
def test_an_answer_without_an_address_is_passed_over(answer):
    assert read_answer(answer, TEXTS) == []


# --- what a device says only the second time ---------------------------------------------------------


async def test_a_device_that_is_busy_at_the_start_keeps_its_ptz_and_its_relays(kind, services, monkeypatch):
    monkeypatch.setattr("siaga.plugins.cameras.onvif.camera._RELAYS_AFTER_S", 0.05)
    async with OnvifPlayed() as device:
        device.refused = {"GetPresets": 1, "GetRelayOutputs": 1}
        camera = made(kind, services, device.options())
        await camera.start()
        assert camera.io is None
        assert await camera.ptz.presets() == ("gerbang", "pasar", "9")
        await until(lambda: camera.io is not None)
        assert await camera.io.outputs() == ("relay-RelayOutput_1",)
        await camera.stop()


async def test_the_pull_point_is_given_back_when_the_camera_stops_and_made_anew_when_it_starts(kind, services, device):
    camera = made(kind, services, device.options())
    for times in (1, 2):
        await camera.start()
        await until(lambda: device.count("PullMessages") >= 1)
        await camera.stop()
        assert device.count("Unsubscribe") == device.points == times
        device.asked = [one for one in device.asked if one != "PullMessages"]


async def test_a_refused_renewal_does_not_cost_the_pull_point(kind, services, device, monkeypatch):
    monkeypatch.setattr("siaga.plugins.cameras.onvif.events._RENEW_EVERY_S", 0.0)
    device.refused = {"Renew": 3}
    camera = made(kind, services, device.options())
    await camera.start()
    for number in range(3):
        device.tell(message("tns1:RuleEngine/CellMotionDetector/Motion", {"IsMotion": "true"}))
        await until(lambda: device.count("Renew") > number)  # noqa: B023
    assert device.points == 1
    await camera.stop()


async def test_a_position_that_is_not_told_is_not_the_middle(kind, services, device):
    camera = made(kind, services, device.options())
    await camera.start()
    device._GetStatus = lambda body: (
        "<tptz:PTZStatus><tt:MoveStatus><tt:PanTilt>IDLE</tt:PanTilt></tt:MoveStatus></tptz:PTZStatus>"
    )
    with pytest.raises(NotSupported):
        await camera.ptz.position()
    await camera.stop()


def profile(token, codec, width, height):
    return (
        f'<trt:Profiles token="{token}"><tt:VideoSourceConfiguration token="v"><tt:SourceToken>s</tt:SourceToken>'
        f"</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration><tt:Encoding>{codec}</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
    )


async def test_what_can_be_read_is_recorded_before_what_is_larger(kind, services, device):
    device._GetProfiles = lambda body: "".join(
        [
            profile("foto", "JPEG", 3840, 2160),
            profile("besar", "H264", 1920, 1080),
            profile("kecil", "H265", 640, 360),
            profile("aneh", "AV7", 320, 180),
            profile("mini", "JPEG", 320, 180),
        ]
    )
    camera = made(kind, services, device.options())
    await camera.start()
    assert [source.url.partition("/kamera/")[2].partition("?")[0] for source in await camera.streams()] == [
        "besar",
        "kecil",
    ]
    await camera.stop()


async def test_a_service_at_another_port_of_the_same_address_is_asked_there(services):
    device = OnvifDevice(services, "10.0.0.9", 8081, ("a", "b"))
    assert device.here("http://10.0.0.9:8899/onvif/events?x=1") == "http://10.0.0.9:8899/onvif/events?x=1"
    assert device.here("http://192.168.1.9/onvif/events") == "http://10.0.0.9:8081/onvif/events"
    await device.http.close()
