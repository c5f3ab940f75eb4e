"""``siaga plugin new``: each kind is written, typed, tested by itself and found by Siaga, and overwrites nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from siaga.__main__ import main
from siaga.core.plugin_manager import PluginManager
from siaga.kit.scaffold import KINDS

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent.parent


def new(kind, name, folder):
    return CliRunner().invoke(main, ["plugin", "new", kind, name, "--folder", str(folder)])


def run(root, *command, **environment):
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_own_tests_and_is_clean(kind, tmp_path):
    said = new(kind, "nusa-cam", tmp_path)
    assert said.exit_code == 0, said.output
    root = tmp_path / "siaga-nusa-cam"
    tests = run(root, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout
    lint = run(root, str(BIN / "ruff"), "check", "--no-cache", "--line-length", "120", "--select", "E,F,I,B", ".")
    assert lint.returncode == 0, lint.stdout


@pytest.mark.slow
def test_new_plugins_are_typed_through(tmp_path):
    (tmp_path / "typing").mkdir()
    (tmp_path / "typing" / "siaga").symlink_to(ROOT)
    files = []
    for kind in KINDS:
        assert new(kind, f"nusa-{kind}", tmp_path).exit_code == 0
        root = tmp_path / f"siaga-nusa-{kind}"
        files += [f"{root.name}/src/siaga_nusa_{kind}", f"{root.name}/tests/test_siaga_nusa_{kind}.py"]
    sources = ":".join(str(tmp_path / f"siaga-nusa-{kind}" / "src") for kind in KINDS)
    path = f"{tmp_path / 'typing'}:{sources}"
    said = run(tmp_path, sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", *files, MYPYPATH=path)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_siaga_finds_a_new_plugin_and_what_it_offers(kind, tmp_path):
    assert new(kind, "nusa", tmp_path).exit_code == 0
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "nusa").symlink_to(tmp_path / "siaga-nusa" / "src" / "siaga_nusa")
    manager = PluginManager(tmp_path, in_hub=True, built_ins=())
    manager.load()
    state = next(one for one in manager.plugins if one.name == "nusa")
    assert state.is_on, state.reason
    assert any(offer.split(".", 1)[1].startswith("nusa") for offer in state.offers)


@pytest.mark.parametrize("name", ["Nusa", "../nusa", "nusa cam", "1nusa", "class", "x" * 60, ""])
def test_a_name_that_cannot_be_one_is_refused(name, tmp_path):
    said = new("camera", name, tmp_path)
    assert said.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten_and_a_built_in_name_is_not_taken(tmp_path):
    assert new("camera", "nusa", tmp_path).exit_code == 0
    mine = tmp_path / "siaga-nusa" / "README.md"
    mine.write_text("milik saya")
    assert new("camera", "nusa", tmp_path).exit_code == 1
    assert mine.read_text() == "milik saya"
    said = new("camera", "hikvision", tmp_path)
    assert said.exit_code == 1
    assert "hikvision" in said.output
