"""``siaga discover`` and ``siaga import``: what is found, how it is written, and what is said when nothing is."""

import asyncio
import json

import pytest
import yaml
from click.testing import CliRunner
from hikvision_device import HikvisionDevice
from onvif_device import OnvifPlayed
from wsdiscovery import QName, Scope
from wsdiscovery.publishing import ThreadedWSPublishing

from siaga.__main__ import main
from siaga.core.camera_kinds import CameraKind
from siaga.core.camera_search import as_yaml, channels, discover
from siaga.core.device_contracts import FoundCamera
from siaga.core.errors import CameraLost, NotSupported, PluginError
from siaga.core.texts import Texts

TEXTS = Texts("id")
PLUGIN = '''"""Kinds of a test: one that finds two cameras, one that breaks, one that takes too long."""
import asyncio
import voluptuous as vol
from siaga.core import CameraKind, FoundCamera, hookimpl

async def two(services, limit_s):
    hosts = ["10.0.0.1", "10.0.0.2"]
    return [FoundCamera(type="dua", name=f"Gang {h[-1]}", options={"host": h}, address=f"{h}:80") for h in hosts]

async def breaks(services, limit_s):
    raise RuntimeError("rusak di tengah")

@hookimpl
def offer_cameras():
    schema = vol.Schema({"host": str, "username": str, "password": str})
    return [CameraKind("dua", schema, lambda s, v: None, "dua", find=two),
            CameraKind("rusak", vol.Schema({}), lambda s, v: None, "rusak", find=breaks)]
'''


def run(*arguments, answer=None):
    return CliRunner().invoke(main, [str(one) for one in arguments], input=answer)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "uji.py").write_text(PLUGIN)
    file = tmp_path / "config.yaml"
    file.write_text(
        "site: {name: Uji}\ncameras:\n  lama: {type: dua, host: 10.0.0.1}\nplugins: {disabled: [cameras.onvif]}\n"
    )
    return file


def test_what_is_found_is_shown_and_what_is_new_is_written(config):
    said = run("discover", config, "--seconds", "1")
    assert said.exit_code == 0
    assert "sudah ada" in next(line for line in said.output.splitlines() if "10.0.0.1" in line)
    assert "gang-2:" in said.output
    assert "gang-1:" not in said.output
    assert "rusak di tengah" in said.stderr


def test_the_same_as_json(config):
    said = run("discover", config, "--seconds", "1", "--json")
    assert [one["name"] for one in json.loads(said.stdout)] == ["Gang 1", "Gang 2"]


@pytest.mark.slow
def test_a_device_that_is_not_ours_is_found_by_its_own_answer(tmp_path):
    device = ThreadedWSPublishing()
    device.start()
    kind = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
    scopes = [Scope("onvif://www.onvif.org/name/Gang%20Mawar"), Scope("onvif://www.onvif.org/hardware/N16")]
    device.publishService([kind], scopes, ["http://127.0.0.1:8123/onvif/device_service"])
    try:
        said = run("discover", tmp_path / "config.yaml", "--seconds", "4", "--json")
    finally:
        device.stop()
    found = {one["address"]: one for one in json.loads(said.stdout)}
    assert found["127.0.0.1:8123"]["name"] == "Gang Mawar"
    assert found["127.0.0.1:8123"]["options"] == {"host": "127.0.0.1", "port": 8123}


def test_when_nothing_is_found_the_usual_reasons_are_said(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("site: {name: Uji}\nplugins: {disabled: [cameras.onvif]}\n")
    said = run("discover", config, "--seconds", "1")
    assert "multicast" in said.output


async def test_the_channels_of_a_recorder_are_written_ready_to_paste(tmp_path):
    async with HikvisionDevice(channels=3) as device:
        arguments = (
            "import",
            "hikvision",
            "127.0.0.1",
            tmp_path / "config.yaml",
            "--user",
            "admin",
            "--port",
            device.port,
        )
        said = await asyncio.to_thread(run, *arguments, answer=f"{device.login.password}\n")
    assert said.exit_code == 0, said.output
    assert device.login.password not in said.output
    block = said.output[said.output.index("cameras:") : said.output.index("Tulis kata sandinya")]
    written = yaml.safe_load(block.replace("!secret ", ""))["cameras"]
    assert list(written) == ["gang-1", "gang-2", "gang-3"]
    assert written["gang-2"]["channel"] == 2
    assert written["gang-2"]["password"] == "hikvision_127_0_0_1"


async def test_a_wrong_password_is_said_in_words(tmp_path):
    async with OnvifPlayed() as device:
        arguments = ("import", "onvif", "127.0.0.1", tmp_path / "config.yaml", "--user", "admin", "--port", device.port)
        said = await asyncio.to_thread(run, *arguments, answer="salah\n")
    assert said.exit_code == 1
    assert "kata sandi" in said.output


def test_a_kind_that_is_none_is_said_with_what_was_meant(tmp_path):
    said = run("import", "hikvison", "10.0.0.5", tmp_path / "config.yaml")
    assert said.exit_code == 1
    assert "hikvision" in said.output


def test_a_kind_that_has_nothing_behind_it_is_said(tmp_path):
    said = run("import", "rtsp", "10.0.0.5", tmp_path / "config.yaml")
    assert said.exit_code == 1
    assert "rtsp" in said.output


def kind(find=None, ask=None):
    return CameraKind(
        "uji", __import__("voluptuous").Schema({"host": str}), lambda s, v: None, "uji", find=find, channels=ask
    )


async def test_a_kind_that_breaks_or_lies_about_its_channels_is_named(tmp_path):
    async def breaks(options, services):
        raise ValueError("aneh")

    async def lost(options, services):
        raise CameraLost("tidak ada")

    with pytest.raises(PluginError, match="aneh"):
        await channels(kind(ask=breaks), {"host": "x"}, TEXTS, tmp_path)
    with pytest.raises(CameraLost, match="tidak ada"):
        await channels(kind(ask=lost), {"host": "x"}, TEXTS, tmp_path)
    with pytest.raises(PluginError):
        await channels(kind(ask=lost), {"salah": 1}, TEXTS, tmp_path)
    with pytest.raises(NotSupported):
        await channels(kind(), {"host": "x"}, TEXTS, tmp_path)


async def test_a_search_that_never_ends_is_given_up(tmp_path):
    async def forever(services, limit_s):
        await asyncio.Event().wait()

    found, wrong = await discover([kind(find=forever)], TEXTS, tmp_path, -4.5)
    assert (found, len(wrong)) == ([], 1)


def test_names_that_are_the_same_or_strange_become_names_of_their_own():
    found = [
        FoundCamera(type="onvif", name=name, options={"host": "10.0.0.5"})
        for name in ("Gang", "Gang", "摄像头", "a: b")
    ]
    written = yaml.safe_load(as_yaml(found, "x", ["gang"]))["cameras"]
    assert list(written) == ["gang-2", "gang-3", "kamera", "a-b"]
    assert written["a-b"]["name"] == "a: b"
