"""A gap is filled in a whole hub: a device with a card, the real recorder, the index, the journal."""

import asyncio
from datetime import timedelta

import pytest
from hikvision_device import NS, HikvisionDevice, xml
from hub_site import IDLE, until
from media_clips import access_units, make_clip
from odd_rtsp_server import OddRtspServer

from siaga.core.clip_index import link
from siaga.core.config import load_settings
from siaga.core.hub import Hub
from siaga.core.media.supervisor_report import MediaTuning
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts

pytestmark = pytest.mark.slow


class DeviceWithCard(HikvisionDevice):
    """Have footage of the whole year."""

    def _routes(self):
        return {**super()._routes(), "ContentMgmt/search": self._search}

    async def _search(self, request):
        span = "<startTime>2020-01-01T00:00:00Z</startTime><endTime>2099-01-01T00:00:00Z</endTime>"
        item = f"<searchMatchItem><timeSpan>{span}</timeSpan></searchMatchItem>"
        return xml(f"<CMSearchResult {NS}><responseStatusStrg>OK</responseStatusStrg>{item}</CMSearchResult>")


async def opened_hub(folder, device, rtsp):
    login = f"username: {device.login.username}, password: {device.login.password}"
    file = folder / "config.yaml"
    file.write_text(
        "site: {name: Kebon Baru, language: en}\nweb: {port: 0}\nmedia: {eyes: 1}\ncameras:\n"
        f"  gang: {{type: hikvision, host: 127.0.0.1, port: {device.port}, rtsp_port: {rtsp.port}, {login},"
        " record: {fill_gaps: true}}\n"
    )
    plugins = PluginManager(folder, in_hub=True, texts=Texts("en"))
    plugins.load()
    loaded = load_settings(file, plugins)
    assert loaded.settings is not None and not loaded.problems, loaded.problems
    hub = Hub(loaded.settings, plugins, tuning=MediaTuning(eye_command=IDLE.eye_command))
    await hub.open()
    return hub


async def test_what_was_missed_stands_as_a_clip_with_true_times_in_the_chain(tmp_path):
    footage = make_clip()
    with OddRtspServer(list(access_units(footage.mp4)), footage.fps, speed=4.0) as rtsp:
        async with DeviceWithCard() as device:
            hub = await opened_hub(tmp_path, device, rtsp)
            try:
                # The device's clock stands still in these tests: what it says is its offset, minus what has passed.
                device.time = ((hub.clock.now() + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S"), "CST-7:00:00")
                begin = hub.clock.now() - timedelta(seconds=90)
                await hub.gaps.begin("gang", begin, "no link")
                await hub.gaps.end("gang", begin + timedelta(seconds=10))
                await hub.start()
                async with asyncio.timeout(60):
                    [told] = await until(lambda: hub.events.find(kind="gap.filled", camera="gang", limit=1), 60)
                clip = await hub.clips.get(str(told.event.data["clip"]))
                [gap] = await hub.gaps.find("gang", begin)
            finally:
                await hub.stop()
    assert gap.filled_by == clip.id and clip.origin == "card"
    assert abs(clip.start - (begin - timedelta(seconds=2))) < timedelta(seconds=45)
    assert 12 < (clip.end - clip.start).total_seconds() < 16
    assert clip.chain == link("", clip.sha256)
    assert any("/Streaming/tracks/101" in request for request in rtsp.requests)
    assert (tmp_path / "var" / clip.path).exists()
