"""A small site of plugins and a good configuration, for the tests of configuration."""

from siaga.core.config import load_settings
from siaga.core.plugin_manager import PluginManager

PLUGIN = """
import voluptuous as vol
from siaga.core import Kind, hookimpl, validators


@hookimpl
def offer_cameras():
    streams = {vol.Required("main"): validators.stream_url, vol.Optional("sub"): validators.stream_url}
    password = vol.All(str, vol.Length(min=6))
    schema = vol.Schema({vol.Required("streams"): streams, "username": str, "password": password})
    return [Kind("kamera", schema, lambda *given: None, "Kamera uji")]


@hookimpl
def offer_detectors():
    schema = vol.Schema({"labels": [vol.In(["person", "car"])], "zones": [str], "interval": validators.duration})
    return [Kind("benda", schema, lambda *given: None, "Pendeteksi uji")]


@hookimpl
def offer_notifiers():
    schema = vol.Schema({vol.Required("token"): validators.text, "retry": int})
    return [Kind("kirim", schema, lambda *given: None, "Pengirim uji")]
"""

GOOD = """\
site:
  name: Kelurahan Kebon Baru
  language: en
web: {host: 127.0.0.1, port: 8080}
storage:
  path: var
  keep_days: 14
  min_free: 20 GB
media: {eyes: 2, ring: 30 s}
places:
  rw05: {name: RW 05, kind: rw}
cameras:
  kali:
    type: kamera
    name: Kali Ciliwung
    place: rw05
    streams: {main: "rtsp://10.0.5.21/main"}
    username: petugas
    password: !secret kali_password
    zones:
      bantaran: [[0.1, 0.55], [0.9, 0.55], [0.95, 1.0]]
    detect:
      - {type: benda, labels: [person], zones: [bantaran]}
    record: {mode: off}
  gang:
    type: kamera
    streams: {main: "rtsp://10.0.5.22/main"}
notifiers:
  wa: {type: kirim, token: !secret wa_token}
contacts:
  posko: {name: Posko RW 05, via: [{notifier: wa, to: "+6281234567"}]}
rules:
  - id: kali-siaga
    alias: Kali Siaga
"""
SECRETS = "kali_password: sangat-rahasia-1\nwa_token: sangat-rahasia-2\n"
# What the tests' plugins need of the product's own; the rest would only slow them.
BUILT_INS = ("siaga.core.secrets", "siaga.core.event_kinds")


def write_site(folder, text=GOOD, secrets=SECRETS):
    """Lay out a folder with plugins, secrets and a configuration; return its file and its plugins."""
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins" / "uji.py").write_text(PLUGIN, "utf-8")
    (folder / "secrets.yaml").write_text(secrets, "utf-8")
    (folder / "secrets.yaml").chmod(0o600)
    file = folder / "config.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    plugins = PluginManager(folder, in_hub=True, built_ins=BUILT_INS)
    plugins.load()
    return file, plugins


def load(folder, text=GOOD, secrets=SECRETS):
    """Return what a configuration loads to."""
    return load_settings(*write_site(folder, text, secrets))
