"""The schemas of what the product itself knows in a configuration; plugins bring those of their options."""

from __future__ import annotations

import voluptuous as vol

from .validators import (
    Each,
    boolean,
    duration,
    optional_text,
    polygon,
    size,
    slug,
    text,
    time_zone,
    web_address,
)

# Keys that begin so are nobody's: a place for YAML anchors.
FREE_KEY_START = "x-"
SECTIONS = (
    "site", "web", "storage", "media", "places", "cameras", "notifiers", "contacts", "rules", "plugins",
)  # fmt: skip


def _whole(least: int, most: int) -> vol.All:
    return vol.All(_no_switch, int, vol.Range(min=least, max=most))


def _no_switch(value: object) -> object:
    # To Python, true is the number 1.
    if isinstance(value, bool):
        raise vol.TypeInvalid("expected int")
    return value


SITE = vol.Schema(
    {
        vol.Required("name", description="Nama kelurahan"): text,
        vol.Optional("id", description="Id pendek di setiap kejadian; bawaan: dari nama"): slug,
        vol.Optional("kecamatan", default="", description="Kecamatan"): optional_text,
        vol.Optional("kota", default="", description="Kota administrasi"): optional_text,
        vol.Optional("timezone", default="Asia/Jakarta", description="Zona waktu"): time_zone,
        vol.Optional("language", default="id", description="Bahasa halaman dan pesan"): vol.In(["id", "en"]),
        vol.Optional("contact", default="", description="Penanggung jawab di pemberitahuan"): optional_text,
    }
)
WEB = vol.Schema(
    {
        vol.Optional("host", default="127.0.0.1", description="Alamat yang didengarkan; 0.0.0.0 untuk semua"): text,
        vol.Optional("port", default=8080, description="Nomor port; 0 memilih yang bebas"): _whole(0, 65535),
        vol.Optional("public_url", default="", description="Alamat dari luar, untuk tautan dan webhook"): web_address,
        vol.Optional("secure_cookies", default=False, description="Kuki hanya lewat HTTPS"): boolean,
    }
)
STORAGE = vol.Schema(
    {
        vol.Optional("path", default="var", description="Folder rekaman, gambar dan jurnal"): text,
        vol.Optional("keep_days", default=14, description="Lama simpan dalam hari"): _whole(1, 3650),
        vol.Optional("min_free", default="2 GB", description="Ruang yang selalu dibiarkan kosong"): size,
    }
)
MEDIA = vol.Schema(
    {
        vol.Optional("eyes", default=0, description="Jumlah proses pengamat; 0 memilih sendiri"): _whole(0, 64),
        vol.Optional("ring", default=20, description="Lama rekaman yang selalu siap sebelum kejadian"): vol.All(
            duration, vol.Range(min=2, max=300)
        ),
        vol.Optional("ring_size", default="24 MB", description="Batas memori rekaman itu per kamera"): vol.All(
            size, vol.Range(min=1_000_000, max=1_000_000_000)
        ),
        vol.Optional("detect_budget", default=0.8, description="Bagian prosesor bagi pendeteksi, 0..1"): vol.All(
            _no_switch, vol.Coerce(float), vol.Range(min=0.05, max=1)
        ),
    }
)
PLACE = vol.Schema(
    {
        vol.Required("name", description="Nama tempat"): text,
        vol.Optional("kind", default="", description="Macam tempat: rw, sekolah, taman"): optional_text,
    }
)
# The common part of a camera; every other key is an option of its kind.
CAMERA = vol.Schema(
    {
        vol.Required("type", description="Jenis kamera"): text,
        vol.Optional("name", description="Nama di layar dan pesan; bawaan: id"): text,
        vol.Optional("place", description="Tempat, dari bagian places"): vol.Any(None, text),
        vol.Optional("groups", default=list, description="Kelompok kamera"): Each(text),
        vol.Optional("purpose", default="", description="Tujuan pemasangan (UU 27/2022)"): optional_text,
        vol.Optional("zones", default=dict, description="Zona: nama dan titik-titiknya"): {slug: polygon},
        vol.Optional("detect", default=list, description="Pendeteksi"): [dict],
        vol.Optional("record", default=dict, description="Perekaman"): {
            vol.Optional("mode", default="events", description="events: bila diminta; off: tidak pernah"): vol.In(
                ["events", "off"]
            )
        },
    }
)
CONTACT = vol.Schema(
    {
        vol.Required("name", description="Nama orang atau posko"): text,
        vol.Required("via", description="Lewat apa dihubungi"): Each(
            {
                vol.Required("notifier", description="Pengirim, dari bagian notifiers"): text,
                vol.Required("to", description="Alamat di sana, misalnya nomor telepon"): text,
            },
            at_least=1,
        ),
    }
)
PLUGINS = vol.Schema({vol.Optional("disabled", default=list, description="Pengaya yang tidak dimuat"): Each(text)})
TYPED = vol.Schema({vol.Required("type"): text}, extra=vol.ALLOW_EXTRA)
