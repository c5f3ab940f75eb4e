"""What `pip wheel .` holds: siaga/ and nothing else, with the weights, templates, texts and example in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: a clean copy to build from cannot be made")
    clean = tmp_path_factory.mktemp("clean")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            (clean / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(clean)]
    subprocess.run(build, check=True, timeout=110)
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_the_wheel_holds_siaga_and_nothing_else(names):
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"siaga"}
    assert not [name for name in names if name.startswith(("siaga/tests", "siaga/bench", "siaga/docs"))]


@pytest.mark.slow
def test_the_wheel_holds_what_the_program_reads_at_run_time(names):
    for folder in (
        "core/media/models",
        "core/texts",
        "web/templates",
        "web/static",
        "plugins/detectors/models",
        "rules/examples",
        "rules/blueprints",
    ):
        listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
        files = [name for name in listed.stdout.split() if not name.endswith(".py")]
        assert files
        for kept in files:
            assert f"siaga/{kept}" in names
    assert "siaga/config.example.yaml" in names
