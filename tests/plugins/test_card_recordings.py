"""What cameras keep on their own cards: how each kind asks for it, and how it is played."""

from datetime import datetime, timedelta, timezone

import pytest
from dahua_device import DahuaDevice
from hikvision_device import NS, HikvisionDevice, xml
from onvif_device import OnvifPlayed
from plugin_services import OwnServices

from siaga.core import KeepsRecordings
from siaga.core.errors import CameraLost, NotSupported
from siaga.core.settings import CameraSettings
from siaga.plugins.cameras import dahua, hikvision, onvif

BEGIN = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
END = BEGIN + timedelta(minutes=5)


@pytest.fixture
async def services(tmp_path):
    async with OwnServices(tmp_path) as lent:
        yield lent


def made(plugin, device, services, **more):
    [kind] = plugin.offer_cameras()
    options = kind.schema(device.options(**more))
    camera = kind.make(CameraSettings(id="gang", type=kind.name, name="Gang", options=options), services)
    assert isinstance(camera, KeepsRecordings)
    return camera


class HikvisionCard(HikvisionDevice):
    """Add the search; ``said`` are its pages."""

    def __init__(self, *said):
        super().__init__()
        self.said, self.searches = list(said), []

    def _routes(self):
        return {**super()._routes(), "ContentMgmt/search": self._search}

    async def _search(self, request):
        self.searches.append(await request.text())
        return xml(self.said.pop(0))


def hikvision_page(*spans, status="OK"):
    items = "".join(
        f"<searchMatchItem><timeSpan><startTime>{begin}</startTime><endTime>{end}</endTime></timeSpan></searchMatchItem>"
        for begin, end in spans
    )
    return (
        f"<CMSearchResult {NS}><responseStatusStrg>{status}</responseStatusStrg><matchList>{items}</matchList>"
        "</CMSearchResult>"
    )


async def test_hikvision_is_asked_in_its_own_local_time_page_by_page(services):
    first = hikvision_page(("2026-11-25T09:50:00Z", "2026-11-25T10:02:00Z"), status="MORE")
    second = hikvision_page(("2026-11-25T10:02:01Z", "2026-11-25T10:20:00Z"))
    async with HikvisionCard(first, second) as device:
        camera = made(hikvision, device, services, channel=2)
        spans = await camera.recordings(BEGIN, END)
        replay = await camera.replay(BEGIN, END)
        await camera.stop()
    assert [span.begin for span in spans] == [BEGIN - timedelta(minutes=10), BEGIN + timedelta(seconds=121)]
    assert "<trackID>201</trackID>" in device.searches[0] and "2026-11-25T10:00:00Z" in device.searches[0]
    assert "Postion>40<" in device.searches[1]
    assert replay.source.url.endswith("/Streaming/tracks/201/?starttime=20261125t100000z&endtime=20261125t100500z")
    assert replay.source.password and replay.source.password not in replay.source.url


async def test_a_hikvision_that_answers_nonsense_of_its_card_is_named(services):
    async with HikvisionCard(hikvision_page(("kemarin", "besok"))) as device:
        camera = made(hikvision, device, services)
        with pytest.raises(CameraLost, match="kartunya"):
            await camera.recordings(BEGIN, END)
        await camera.stop()


class DahuaCard(DahuaDevice):
    """Add the finder of files; ``has_files`` False answers as firmware does that found none."""

    def __init__(self, has_files=True):
        super().__init__()
        self.has_files, self.finds = has_files, []

    async def _mediaFileFind(self, request, asked):
        self.finds.append(asked)
        if asked["action"] == "findFile" and not self.has_files:
            return None
        return {
            "factory.create": "result=08137\r\n",
            "findNextFile": (
                "found=1\r\nitems[0].Channel=0\r\nitems[0].StartTime=2026-11-25 09:58:00\r\n"
                "items[0].EndTime=2026-11-25 10:08:00\r\nitems[0].Type=dav\r\n"
            ),
        }.get(asked["action"], "OK\r\n")


async def test_dahua_is_asked_by_a_finder_that_is_closed_again(services):
    async with DahuaCard() as device:
        camera = made(dahua, device, services)
        [span] = await camera.recordings(BEGIN, END)
        replay = await camera.replay(BEGIN, END)
        await camera.stop()
    assert (span.begin, span.end) == (BEGIN - timedelta(minutes=2), BEGIN + timedelta(minutes=8))
    assert [find["action"] for find in device.finds] == [
        "factory.create", "findFile", "findNextFile", "close", "destroy",
    ]  # fmt: skip
    assert device.finds[1]["condition.StartTime"] == "2026-11-25 10:00:00"
    wanted = "/cam/playback?channel=1&starttime=2026_11_25_10_00_00&endtime=2026_11_25_10_05_00"
    assert replay.source.url.endswith(wanted)


async def test_a_dahua_that_found_nothing_has_nothing_and_its_finder_is_closed(services):
    async with DahuaCard(has_files=False) as device:
        camera = made(dahua, device, services)
        assert await camera.recordings(BEGIN, END) == []
        await camera.stop()
    assert device.finds[-1]["action"] == "destroy"


class OnvifCard(OnvifPlayed):
    """Add profile G: a search whose results come in two answers, and the address of a replay."""

    def _GetServices(self, body):
        more = "".join(
            f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
            f"<tds:XAddr>http://192.168.99.7/onvif/{name}</tds:XAddr></tds:Service>"
            for name in ("search", "replay")
        )
        return super()._GetServices(body) + more

    def _FindRecordings(self, body):
        self.answers = ["Searching", "Completed"]
        return "<SearchToken>S1</SearchToken>"

    def _GetRecordingSearchResults(self, body):
        state = self.answers.pop(0)
        found = (
            "<tt:RecordingInformation><tt:RecordingToken>R1</tt:RecordingToken>"
            "<tt:EarliestRecording>2026-11-24T00:00:00Z</tt:EarliestRecording>"
            "<tt:LatestRecording>2026-11-25T03:02:00Z</tt:LatestRecording></tt:RecordingInformation>"
        )
        said = found if state == "Completed" else ""
        return f"<ResultList><tt:SearchState>{state}</tt:SearchState>{said}</ResultList>"

    def _GetReplayUri(self, body):
        assert "<RecordingToken>R1</RecordingToken>" in body
        return "<Uri>rtsp://192.168.99.7:8554/replay/R1</Uri>"


async def test_onvif_searches_until_it_is_done_and_replays_with_the_headers_of_its_specification(services):
    async with OnvifCard() as device:
        camera = made(onvif, device, services)
        await camera.start()
        [span] = await camera.recordings(BEGIN, END)
        replay = await camera.replay(BEGIN, END)
        await camera.stop()
    assert span.end == BEGIN + timedelta(minutes=2)
    assert replay.source.url == "rtsp://127.0.0.1:8554/replay/R1"
    assert replay.headers == {
        "Require": "onvif-replay", "Range": "clock=20261125T030000Z-20261125T030500Z", "Rate-Control": "no",
    }  # fmt: skip


async def test_an_onvif_camera_without_profile_g_says_that_it_keeps_nothing(services):
    async with OnvifPlayed() as device:
        camera = made(onvif, device, services)
        await camera.start()
        with pytest.raises(NotSupported):
            await camera.recordings(BEGIN, END)
        await camera.stop()
