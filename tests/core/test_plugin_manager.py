"""A broken plugin is off with its name and reason; all the others, and the hub, go on."""

import json
import logging
import subprocess
import sys

import pytest
import voluptuous as vol

from siaga.core import CameraLost, Kind
from siaga.core.errors import PluginError
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts

HEAD = "import voluptuous as vol\nfrom siaga.core import EventKind, Kind, hookimpl\n\n\n"
CAMERA = (
    HEAD
    + "@hookimpl\ndef offer_cameras():\n    return [Kind({name!r}, vol.Schema({{}}), lambda *given: given, 'Kamera')]\n"
)


@pytest.fixture
def load(tmp_path):
    def load(*, disabled=(), in_hub=True, **files):
        folder = tmp_path / "plugins"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, "utf-8")
        manager = PluginManager(
            tmp_path, in_hub=in_hub, disabled=disabled, texts=Texts("en"), built_ins=("siaga.core.secrets",)
        )
        manager.load()
        return manager

    return load


def state(manager, name):
    return next(plugin for plugin in manager.plugins if plugin.name == name)


def test_a_file_in_the_plugins_folder_offers_its_kinds(load, tmp_path):
    manager = load(good=CAMERA.format(name="baik"))
    assert list(manager.cameras) == ["baik"]
    good = state(manager, "good")
    assert (good.is_on, good.offers, good.source) == (True, ("cameras.baik",), str(tmp_path / "plugins" / "good.py"))


def test_a_package_in_the_plugins_folder_may_be_of_several_files(load, tmp_path):
    folder = tmp_path / "plugins" / "maker"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from .camera import offer_cameras\n")
    (folder / "camera.py").write_text(CAMERA.format(name="maker"))
    assert list(load().cameras) == ["maker"]


BROKEN = {
    "no_python": ("def x(:\n", "is not valid Python, "),
    "raises": (
        "raise RuntimeError('no licence file')\n",
        "could not be loaded: RuntimeError: no licence file (raises.py:1)",
    ),
    "leaves": ("import sys\nsys.exit(3)\n", "could not be loaded: SystemExit: 3"),
    "lacks": ("import onvif.client\n", "needs the library 'onvif'; install it with: pip install onvif-zeep-async"),
    "hook_raises": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    return 1 / 0\n",
        "offer_cameras failed: ZeroDivisionError: division by zero (hook_raises.py:7)",
    ),
    "late": (HEAD + "@hookimpl\ndef offer_cameras():\n    yield 1 / 0\n", "offer_cameras failed: ZeroDivisionError"),
    "leaves_in_hook": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    raise SystemExit\n",
        "offer_cameras failed: SystemExit",
    ),
    "endless": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    n = 0\n    while True:\n        n += 1\n"
        "        yield Kind(f'k{n}', vol.Schema({}), print, 'x')\n",
        "offer_cameras offers more than 500",
    ),
    "word": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    return 'rtsp'\n",
        "offer_cameras returned str, it should be [Kind",
    ),
    "number": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    return [1]\n",
        "offer_cameras returned int, it should be Kind",
    ),
    "shape": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    return [Kind('x', {}, print, 'x')]\n",
        "offer_cameras offers 'x' with a wrong schema",
    ),
    "twin": (
        HEAD + "@hookimpl\ndef offer_cameras():\n    return [Kind('x', vol.Schema({}), print, 'x')] * 2\n",
        "offer_cameras offers 'x' twice",
    ),
    "misspelt": (
        HEAD + "@hookimpl\ndef offer_camera():\n    return []\n",
        "there is no hook 'offer_camera' (did you mean 'offer_cameras'?)",
    ),
    "arguments": (
        HEAD + "@hookimpl\ndef offer_cameras(hub):\n    return []\n",
        "offer_cameras has no argument hub; there are: -",
    ),
    "unmarked": ("def offer_cameras():\n    return []\n", "function offer_cameras has no @hookimpl"),
    "empty": ("x = 1\n", "has no function marked with @hookimpl"),
    "wrapper": (
        HEAD + "@hookimpl(wrapper=True)\ndef offer_cameras():\n    return (yield)\n",
        "offer_cameras: hook wrappers are not allowed",
    ),
    "functions": (
        HEAD + "@hookimpl\ndef offer_template_functions():\n    return {'a b': print}\n",
        "offer_template_functions offers 'a b' with a wrong",
    ),
}


def test_every_kind_of_broken_plugin_is_off_with_its_reason_and_the_good_one_runs(load, caplog):
    with caplog.at_level(logging.WARNING):
        manager = load(zz_good=CAMERA.format(name="baik"), **{name: text for name, (text, _) in BROKEN.items()})
    assert list(manager.cameras) == ["baik"]
    for name, (_, reason) in BROKEN.items():
        off = state(manager, name)
        assert not off.is_on, name
        assert off.reason.startswith(reason), f"{name}: {off.reason}"
        assert f"plugin {name} is off" in caplog.text


def test_two_plugins_with_one_kind_are_told_apart_and_the_later_is_off(load):
    manager = load(a=CAMERA.format(name="sama"), b=CAMERA.format(name="sama"))
    assert state(manager, "a").is_on
    later = state(manager, "b")
    assert later.reason == "offer_cameras offers 'sama', which plugin a offers already; the later one is switched off"
    assert manager.off_plugin_for("cameras", "sama") == later


def test_two_detectors_may_tell_the_same_kind_of_event(load):
    text = HEAD + "@hookimpl\ndef offer_event_kinds():\n    return [EventKind(name='object.api', summary={0!r})]\n"
    manager = load(a=text.format("satu"), b=text.format("dua"))
    assert state(manager, "b").is_on
    assert manager.event_kinds["object.api"].summary == "satu"


def test_a_disabled_plugin_is_not_even_imported(load, tmp_path):
    manager = load(disabled=["touchy"], touchy=f"open({str(tmp_path / 'touched')!r}, 'w')\n")
    off = state(manager, "touchy")
    assert (off.is_on, off.is_disabled) == (False, True)
    assert not (tmp_path / "touched").exists()


def test_the_first_plugin_that_knows_a_secret_answers(load, tmp_path):
    text = HEAD + "@hookimpl\ndef find_secret(name):\n    return {0}\n"
    (tmp_path / "secrets.yaml").write_text("a: from the file\npin: 0812\n")
    (tmp_path / "secrets.yaml").chmod(0o600)
    manager = load(none=text.format("None"), broken=text.format("{}['hunter2']"), number=text.format("5"))
    assert manager.find_secret("a", tmp_path) == "from the file"
    assert manager.find_secret("pin", tmp_path) == "0812"
    with pytest.raises(PluginError) as wrong:
        manager.find_secret("unknown", tmp_path)
    assert "plugin broken could not look for secret 'unknown': KeyError" in str(wrong.value)
    assert "hunter2" not in str(wrong.value)


def test_a_plugin_that_fails_when_the_hub_is_ready_holds_no_other(load):
    text = HEAD + "heard = []\n\n\n@hookimpl\ndef hub_ready(hub):\n    {0}\n"
    manager = load(a=text.format("raise SystemExit('no')"), b=text.format("heard.append(hub)"))
    failed = manager.hub_ready("the hub")
    assert [one.name for one in failed] == ["a"]
    assert "hub_ready failed: SystemExit: no" in state(manager, "a").reason
    assert sys.modules["siaga_plugin_b"].heard == ["the hub"]


def test_a_factory_that_fails_becomes_an_error_of_the_house():
    manager = PluginManager(None, in_hub=True, texts=Texts("en"), built_ins=())

    def lost():
        raise CameraLost("no answer")

    assert manager.make(Kind("a", vol.Schema({}), lambda *given: given, "x"), 1, 2) == (1, 2)
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        manager.make(Kind("a", vol.Schema({}), lambda: 1 / 0, "x"))
    with pytest.raises(CameraLost):
        manager.make(Kind("a", vol.Schema({}), lost, "x"))


async def test_work_of_a_plugin_that_fails_becomes_an_error_that_names_it():
    manager = PluginManager(None, in_hub=True, texts=Texts("en"), built_ins=())

    async def work():
        return {}["key"]

    with pytest.raises(PluginError, match="kali: KeyError"):
        await manager.guard(work(), "kali")


def in_a_process(code, *arguments):
    """Run in a fresh process, whose loaded modules are its own."""
    head = "import json, sys\nfrom pathlib import Path\nfrom siaga.core.plugin_manager import PluginManager\n"
    head += "from siaga.core.texts import Texts\n"
    done = subprocess.run(
        [sys.executable, "-c", head + code, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("swallows", [False, True])
def test_a_plugin_that_pulls_pixels_into_the_hub_is_refused_and_its_library_never_loaded(tmp_path, swallows):
    (tmp_path / "plugins").mkdir()
    line = "try:\n    import cv2\nexcept ImportError:\n    cv2 = None\n" if swallows else "from cv2 import resize\n"
    (tmp_path / "plugins" / "a_heavy.py").write_text(line + CAMERA.format(name="berat"))
    (tmp_path / "plugins" / "b_asks.py").write_text(
        "import importlib.util\nassert importlib.util.find_spec('cv2')\n" + CAMERA.format(name="ringan")
    )
    code = (
        "manager = PluginManager(Path(sys.argv[1]), in_hub=sys.argv[2] == 'hub', texts=Texts('en'))\n"
        "manager.load()\n"
        "states = {one.name: [one.is_on, one.reason] for one in manager.plugins}\n"
        "print(json.dumps([states, list(manager.cameras), [m for m in ('cv2', 'av', 'numpy', 'siaga_plugin_a_heavy')"
        " if m in sys.modules]]))\n"
    )
    states, cameras, modules = in_a_process(code, tmp_path, "hub")
    assert states["a_heavy"] == [
        False,
        "pulls 'cv2' into the hub's process, which is not allowed;"
        " import it inside make() or in a module that make() imports",
    ]
    assert states["b_asks"][0]
    assert "ringan" in cameras
    assert modules == []


def test_an_eye_may_load_pixels_and_takes_only_detectors(tmp_path):
    (tmp_path / "plugins").mkdir()
    detector = CAMERA.format(name="mata").replace("offer_cameras", "offer_detectors")
    (tmp_path / "plugins" / "mata.py").write_text("import cv2\n" + detector)
    (tmp_path / "plugins" / "kamera.py").write_text(CAMERA.format(name="kamera"))
    code = (
        "manager = PluginManager(Path(sys.argv[1]), in_hub=False)\nmanager.load()\n"
        "print(json.dumps([list(manager.detectors), list(manager.cameras)]))\n"
    )
    detectors, cameras = in_a_process(code, tmp_path)
    assert "mata" in detectors
    assert cameras == []


def test_an_installed_package_is_found_by_its_entry_point(tmp_path):
    # A wheel's two parts, laid out as pip lays them.
    (tmp_path / "siaga_maker.py").write_text(CAMERA.format(name="maker"))
    facts = tmp_path / "siaga_maker-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: siaga-maker\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(
        "[siaga.plugins]\nmaker = siaga_maker\ngone = siaga_gone\nsecret = siaga_maker:nothing\n"
    )
    code = (
        "sys.path.insert(0, sys.argv[1])\nmanager = PluginManager(None, in_hub=True, texts=Texts('en'), built_ins=())\n"
        "manager.load()\n"
        "print(json.dumps([[p.name, p.source, p.is_on, p.reason, p.offers] for p in manager.plugins]))\n"
    )
    gone, maker, nothing = in_a_process(code, tmp_path)
    assert maker == ["maker", "siaga-maker 1.2", True, "", ["cameras.maker"]]
    assert gone[:3] == ["gone", "siaga-maker 1.2", False]
    assert "siaga_gone" in gone[3]
    assert "AttributeError" in nothing[3]


def test_every_built_in_plugin_stands():
    manager = PluginManager(None, in_hub=True, texts=Texts("en"))
    manager.load()
    assert {one.name: one.reason for one in manager.plugins if not one.is_on} == {}
    assert manager.event_kinds["camera.offline"].fields["reason"]
