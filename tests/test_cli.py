"""The `siaga` command as people type it: what it prints, its exit code, and that Ctrl-C ends it in time."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from road import free_port

ROOT = Path(__file__).resolve().parent.parent
CONFIG = """\
site: {name: Kebon Baru}
web: {port: PORT}
cameras:
  sekolah: {type: demo, scene: schoolyard}
notifiers:
  catatan: {type: log}
rules: []
"""
STUBBORN = '''
"""A camera that does not let go, a notifier that breaks when it is closed."""
import asyncio
import voluptuous as vol
from siaga.core import Kind, hookimpl


class Stubborn:
    ptz = None

    def __init__(self, settings, services): ...

    async def start(self): ...

    async def streams(self):
        return ()

    async def stop(self):
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue


class Breaks:
    def __init__(self, settings, services): ...

    async def send(self, notice): ...

    async def close(self):
        raise KeyError("aduh")


@hookimpl
def offer_cameras():
    return [Kind("keras", vol.Schema({}), Stubborn, "Tidak mau berhenti")]


@hookimpl
def offer_notifiers():
    return [Kind("rusak", vol.Schema({}), Breaks, "Rusak saat ditutup")]
'''


def siaga(*words, folder, language="id", timeout=60):
    command = [sys.executable, "-m", "siaga", *map(str, words)]
    env = {**os.environ, "SIAGA_LANG": language, "COLUMNS": "120"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=timeout)


class Running:
    """A `siaga` that runs until Ctrl-C."""

    def __init__(self, *words, folder):
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            env = {**os.environ, "SIAGA_LANG": "id"}
            command = [sys.executable, "-m", "siaga", *map(str, words)]
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=env)

    def wait_for(self, pattern, limit_s=40):
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if found := re.search(pattern, self.log.read_text()):
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{pattern} did not come:\n{self.log.read_text()}")

    def ctrl_c(self):
        """Return how long it took, and the exit code."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(20)
        finally:
            self.process.kill()
        return time.monotonic() - began, code


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG.replace("PORT", str(free_port())))
    return tmp_path


def test_check_says_that_all_is_right_and_what_it_read(folder):
    said = siaga("check", folder=folder)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == "Semua benar: 1 kamera, 0 aturan.\n"


def test_check_names_file_and_line_of_every_mistake_and_ends_with_1(folder):
    text = CONFIG.replace("PORT", "8080").replace("schoolyard", "sekolahan") + "storage:\n  keep_dys: 3\n"
    (folder / "config.yaml").write_text(text)
    said = siaga("check", "config.yaml", folder=folder)
    assert said.returncode == 1 and said.stdout == ""
    first, second, last = said.stderr.splitlines()
    lines = sorted(int(re.search(r"config\.yaml:(\d+): ", line)[1]) for line in (first, second))
    assert lines == [4, 9]
    assert "keep_days" in said.stderr and "schoolyard" in said.stderr, "it says what was meant"
    assert last == "2 hal perlu diperbaiki."
    assert "Traceback" not in said.stderr


def test_blueprints_are_listed_with_what_each_needs_and_a_wrong_one_is_shown(folder):
    said = siaga("rules", "blueprints", folder=folder)
    assert said.returncode == 0
    assert "banjir-siaga: Banjir: tahap Siaga 4 sampai 1 (bawaan)\n" in said.stdout
    (folder / "blueprints").mkdir()
    (folder / "blueprints" / "salah.yaml").write_text("blueprint: {nama: Salah}\ntriggers: []\nactions: []\n")
    said = siaga("rules", "blueprints", folder=folder)
    assert said.returncode == 1
    assert "blueprints/salah.yaml:1: blueprint.nama: " in said.stdout and "Traceback" not in said.stderr


def test_plugins_lists_all_with_their_offers_and_needs_no_configuration(folder):
    (folder / "plugins").mkdir()
    (folder / "plugins" / "rusak.py").write_text("1 / 0\n")
    said = siaga("plugins", "config.yaml", folder=folder)
    assert said.returncode == 0
    assert re.search(r"\S*cameras\.rtsp\s+aktif\s+cameras\.rtsp", said.stdout)
    assert re.search(r"rusak\s+mati: .*ZeroDivisionError", said.stdout)
    (folder / "config.yaml").unlink()
    assert siaga("plugins", folder=folder, language="en").stdout.count(" on ") > 10


def test_accounts_are_made_renewed_and_switched_off_with_the_configuration_as_argument(folder):
    added = siaga("user", "add", "Budi", "config.yaml", "--role", "viewer", folder=folder)
    assert added.returncode == 0
    first = re.search(r"Akun budi \(viewer\) dibuat\. Kata sandi sekali pakai: (\S+)", added.stdout)[1]
    again = siaga("user", "add", "budi", folder=folder, language="en")
    assert again.returncode == 1 and again.stderr == "The account 'budi' exists already.\n"
    renewed = siaga("user", "password", "budi", folder=folder)
    second = re.search(r"sekali pakai untuk budi: (\S+)", renewed.stdout)[1]
    assert second != first and len(second) >= 12
    assert siaga("user", "off", "budi", "config.yaml", folder=folder).stdout == "Akun budi dimatikan.\n"
    unknown = siaga("user", "password", "siti", folder=folder)
    assert (unknown.returncode, unknown.stderr) == (1, "Tidak ada akun 'siti'.\n")


@pytest.mark.parametrize(("language", "word"), [("id", "Jalankan Siaga"), ("en", "Run Siaga")])
def test_help_is_there_in_both_languages_for_every_command_and_option(folder, language, word):
    top = siaga("--help", folder=folder, language=language).stdout
    assert word in top
    run = siaga("run", "--help", folder=folder, language=language).stdout
    assert {"id": "ditulis ke log", "en": "written to the log"}[language] in run
    user = siaga("user", "--help", folder=folder, language=language).stdout
    assert {"add", "off", "on", "password"} <= set(re.findall(r"^  (\w+) ", user, re.MULTILINE))


@pytest.mark.slow
def test_demo_lays_its_folder_says_a_taken_port_runs_and_ends_at_ctrl_c(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as well
        refused = siaga("demo", "coba", folder=tmp_path)
    assert refused.returncode == 1 and "8080" in refused.stderr and "Traceback" not in refused.stderr
    config = tmp_path / "coba" / "config.yaml"
    assert config.exists() and list((tmp_path / "coba" / "rules" / "examples").glob("*.yaml"))
    config.write_text(config.read_text().replace("port: 8080", f"port: {free_port()}"))
    demo = Running("demo", "coba", folder=tmp_path)
    demo.wait_for(r"Buka http://127\.0\.0\.1:\d+ di peramban")
    demo.wait_for(r"nama pengguna admin, kata sandi sekali pakai \S+")
    seconds, code = demo.ctrl_c()
    assert code == 0 and seconds < 10
    assert demo.log.read_text().endswith("Siaga berhenti.\n")
    assert "Traceback" not in demo.log.read_text() and "Terlambat" not in demo.log.read_text()


@pytest.mark.slow
def test_ctrl_c_names_who_does_not_let_go_and_ends_within_ten_seconds(folder):
    (folder / "plugins").mkdir()
    (folder / "plugins" / "keras.py").write_text(STUBBORN)
    text = (folder / "config.yaml").read_text().replace("{type: demo, scene: schoolyard}", "{type: keras}")
    (folder / "config.yaml").write_text(text.replace("{type: log}", "{type: rusak}"))
    hub = Running("run", folder=folder)
    hub.wait_for(r"Buka http://")
    seconds, code = hub.ctrl_c()
    assert seconds < 10.5 and code == 0
    assert "Terlambat berhenti, jadi dihentikan paksa: camera sekolah, plugin keras\n" in hub.log.read_text()


@pytest.mark.slow
def test_ctrl_c_is_heard_while_the_hub_still_starts(folder):
    (folder / "plugins").mkdir()
    slow = "import sys, time\nprint('sedang dimuat', file=sys.stderr, flush=True)\ntime.sleep(2)\n"
    (folder / "plugins" / "lambat.py").write_text(slow)
    hub = Running("run", folder=folder)
    hub.wait_for("sedang dimuat")
    seconds, code = hub.ctrl_c()
    said = hub.log.read_text()
    assert seconds < 10 and code == 0
    assert said.endswith("Siaga berhenti.\n") and "Buka http" not in said and "Traceback" not in said


RULES = "- id: mulai\n  triggers: {trigger: event, kind: hub.start}\n  actions: {action: log, data: {message: x}}\n"


@pytest.mark.slow
def test_a_running_hub_takes_changed_rules_and_says_so_to_who_asks(folder):
    (folder / "rules").mkdir()
    config = (folder / "config.yaml").read_text().replace("rules: []", "rules: !include_dir rules")
    (folder / "config.yaml").write_text(config)
    assert "Tidak ada Siaga yang berjalan" in siaga("rules", "reload", folder=folder).stderr
    hub = Running("run", folder=folder)
    hub.wait_for(r"Buka http://")
    (folder / "rules" / "baru.yaml").write_text(RULES)
    hub.wait_for(r"rules read again: 1 new, 0 changed, 0 gone, 0 wrong")
    asked = siaga("rules", "reload", folder=folder)
    assert asked.returncode == 0 and f"proses {hub.process.pid}" in asked.stdout
    hub.wait_for(r"rules read again: 0 new, 0 changed, 0 gone, 0 wrong")
    (folder / "rules" / "baru.yaml").write_text(RULES.replace("hub.start", "hub.strat"))
    hub.wait_for(r"rules read again: 0 new, 0 changed, 0 gone, 1 wrong")
    assert siaga("rules", "reload", folder=folder).returncode == 1
    seconds, code = hub.ctrl_c()
    assert seconds < 10 and code == 0 and "Traceback" not in hub.log.read_text()
