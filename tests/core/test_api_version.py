"""A plugin made for another version of the API is refused by name, and the API never changes unnoticed."""

import importlib.util
from pathlib import Path

import pytest

from siaga.core import API_VERSION
from siaga.core.plugin_manager import PluginManager
from siaga.core.texts import Texts

DOCS = Path(__file__).resolve().parents[2] / "docs"
PLUGIN = """
import voluptuous as vol
from siaga.core import Kind, hookimpl
{mark}
@hookimpl
def offer_cameras():
    return [Kind({name!r}, vol.Schema({{}}), lambda *given: given, "Kamera")]
"""
MAJOR, MINOR = (int(part) for part in API_VERSION.split("."))
_spec = importlib.util.spec_from_file_location("api_record", DOCS / "api_record.py")
api_record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(api_record)


@pytest.fixture
def load(tmp_path):
    def load(**marks):
        (tmp_path / "plugins").mkdir()
        for name, mark in marks.items():
            (tmp_path / "plugins" / f"{name}.py").write_text(PLUGIN.format(mark=mark, name=name), "utf-8")
        manager = PluginManager(tmp_path, in_hub=True, texts=Texts("en"), built_ins=())
        manager.load()
        return {plugin.name: plugin for plugin in manager.plugins}

    return load


def test_a_plugin_made_for_another_major_version_is_refused_and_the_others_run(load):
    found = load(
        baru=f'SIAGA_API = "{MAJOR + 1}"', cocok=f'SIAGA_API: str = "{MAJOR}"', lama='SIAGA_API = "0.9"', diam=""
    )
    assert [name for name, plugin in found.items() if plugin.is_on] == ["cocok", "diam"]
    assert f"API {MAJOR + 1}" in found["baru"].reason and "update Siaga" in found["baru"].reason
    assert "API 0.9" in found["lama"].reason and "ask its maker" in found["lama"].reason


def test_a_plugin_may_ask_for_what_came_with_a_minor_version(load):
    found = load(kini=f'SIAGA_API = "{API_VERSION}"', nanti=f'SIAGA_API = "{MAJOR}.{MINOR + 1}"')
    assert found["kini"].is_on
    assert not found["nanti"].is_on and f"{MAJOR}.{MINOR + 1}" in found["nanti"].reason


def test_a_plugin_for_another_version_is_refused_before_its_first_line_runs(load, tmp_path):
    ran = tmp_path / "ran"
    mark = f'SIAGA_API = "{MAJOR + 1}"\nfrom siaga.core import WhatComesThen\nopen({str(ran)!r}, "w").close()'
    found = load(baru=mark)
    assert "made for" in found["baru"].reason and "WhatComesThen" not in found["baru"].reason
    assert not ran.exists()


def test_a_version_that_is_made_while_the_plugin_is_imported_counts_too(load):
    found = load(baru=f"SIAGA_API = str({MAJOR + 1})")
    assert not found["baru"].is_on and "made for" in found["baru"].reason


@pytest.mark.parametrize("said", ["1", '"satu"', '">=1"', '""', "('1',)"])
def test_a_version_that_cannot_be_read_is_refused_with_how_to_write_it(load, said):
    found = load(aneh=f"SIAGA_API = {said}")
    assert not found["aneh"].is_on
    assert f'"{API_VERSION}"' in found["aneh"].reason


def test_the_record_of_the_api_is_that_of_the_code():
    assert api_record.gone() == (), "plugins may rely on these lines: see docs/vendors/api.md"
    assert api_record.RECORD.read_text("utf-8") == api_record.record(), "run: python docs/make_reference.py"


def test_what_is_taken_from_the_api_stays_in_the_record_and_is_named(tmp_path, monkeypatch):
    was = tmp_path / "api.txt"
    taken = "async Camera.dance(self, seconds: float) -> None"
    was.write_text(api_record.record() + taken + "\n", "utf-8")
    monkeypatch.setattr(api_record, "RECORD", was)
    assert api_record.gone() == (taken,)
    assert taken in api_record.record()
    was.write_text(was.read_text("utf-8").replace(f"API {MAJOR}.", f"API {MAJOR + 1}."), "utf-8")
    assert api_record.gone() == () and taken not in api_record.record()


def test_the_record_knows_fields_signatures_and_hooks():
    lines = api_record.api_lines()
    assert "async Camera.start(self) -> None" in lines
    assert "StreamSource.url: str" in lines and "StreamSource.username: str = ..." in lines
    assert "class CameraLost(CameraError)" in lines
    assert any(line.startswith("hook offer_cameras()") for line in lines)
    assert len(set(lines)) == len(lines)
