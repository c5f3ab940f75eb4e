"""Says in a few words what a voluptuous validator takes, for the tables of the reference."""

from __future__ import annotations

from typing import Any

import voluptuous as vol

from siaga.core.validators import Each
from siaga.rules.option_checks import ClockPart

SECONDS, BYTES, WHOLE, NUMBER, TEXT, PART = "lama waktu", "ukuran", "bilangan bulat", "bilangan", "teks", "bagian"
# Every function that a schema of the product uses, by its module's last name and its own.
_WORDS = {
    "validators.text": TEXT,
    "validators.optional_text": TEXT,
    "validators.slug": "id",
    "validators.duration": SECONDS,
    "validators.time_of_day": "jam",
    "validators.time_zone": "zona waktu",
    "validators.polygon": "titik-titik",
    "validators.size": BYTES,
    "ground_options.four_points": "empat titik",
    "ground_options.metres": "[lebar, panjang] / empat letak",
    "validators.boolean": "true / false",
    "validators.web_address": "alamat web",
    "validators.stream_url": "alamat siaran",
    "people_schemas.names": "nama / daftar",
    "people_schemas.weekdays": "hari / daftar",
    "people_schemas.days": "tanggal / daftar",
    "rtsp._address": "alamat rtsp",
    "mjpeg._address": "alamat http",
    "rtsp._host": "alamat IP / nama",
    "rtsp._vendor": "merek",
    "objects._size": "[lebar, tinggi]",
    "objects._seconds": SECONDS,
    "objects._tiles": "off / auto / 2 sampai 4",
    "crowd._seconds": SECONDS,
    "lines.two_points": "dua titik",
    "traffic._a_way": "dua titik",
    "flood._centimetres": "cm",
    "flood._two_points": "dua titik",
    "flood._gauge_points": "daftar [x, y, cm]",
    "flood._stages": "tahap: cm",
    "webhook._url": "alamat web",
    "options._url": "alamat web",
    "triggers._texts_list": "teks / daftar",
    "validators.number": NUMBER,
    "read_tests.moment": "waktu setempat",
    "read_tests._after": "lama waktu",
    "option_checks.fields": "nama dan nilai / daftar",
    "option_checks.values": "nilai / daftar",
    "option_checks.weekdays": "hari / daftar",
    "option_checks.offset": "lama waktu, boleh negatif",
    "trigger_state.a_kind": "jenis kejadian",
    "trigger_time.cron_line": "baris cron",
    "conditions._template": "templat",
    "notify._texts": "teks / daftar",
    "notify._incident": "true / false / teks",
    "blueprint_inputs.said": TEXT,
    "selectors._limit": NUMBER,
    "selectors._choices": "daftar",
    "selectors._one_text": TEXT,
    "mqtt._topics": "topik / daftar topik",
    "trigger_webhook._webhook_id": "teks, paling sedikit 16 huruf",
    "parse_cooldown.cooldown": "lama waktu / `{for, key}`",
    "step_schemas.switch": "true / false / templat",
    "step_schemas.variable_name": "nama variabel",
}
# These add a check and change nothing that a reader should know.
_SILENT = {
    *(
        "ground_options.sound_ground",
        "objects._known",
        "flood._one_way",
        "flood._lines",
        "config_schemas._bandwidth",
        "config_schemas._no_switch",
        "people_schemas._no_switch",
        "conditions._not_empty",
    ),
    *(f"trigger_state.{name}" for name in ("whole_subject", "has_limit", "number_subject", "_one_side")),
    *("trigger_time._some", "condition_moment._some_side"),
}
_PLAIN: dict[Any, str] = {
    str: TEXT,
    int: WHOLE,
    float: NUMBER,
    bool: "true / false",
    dict: PART,
    list: "daftar",
    object: "lihat di bawah",
}


class Unspoken(Exception):
    """Say that a validator has no word here, or a key no description: the reference would have a hole."""


def words_of(check: Any) -> str:  # noqa: ANN401  whatever voluptuous can compile
    """Return what a value must be, such as ``bilangan bulat, 0 sampai 65535``."""
    if isinstance(check, vol.Schema):
        return words_of(check.schema)
    if isinstance(check, vol.In):
        choices: Any = check.container
        return " / ".join(f"`{choice}`" for choice in choices)
    if isinstance(check, vol.All):
        return _all_of(check)
    if isinstance(check, vol.Any):
        found = dict.fromkeys(words_of(one) for one in check.validators if one is not None)
        return " / ".join(found)
    if isinstance(check, vol.Coerce):
        return words_of(check.type)
    if isinstance(check, Each):
        return _list_of(check.schema)
    if isinstance(check, list):
        return _list_of(check[0])
    if isinstance(check, dict):
        return _mapping_of(check)
    if isinstance(check, type) and check in _PLAIN:
        return _PLAIN[check]
    return _function(check)


def shown(value: Any, check: Any) -> str:  # noqa: ANN401
    """Return a default as an operator would write it."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    if isinstance(value, int | float) and words_of(check).startswith(SECONDS):
        return seconds(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def seconds(value: float) -> str:
    """Write a duration as one would in YAML: ``30 min``."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= size and value % size == 0:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"


def _all_of(check: vol.All) -> str:
    parts = [words_of(one) for one in check.validators if not _is_bound(one)]
    word = next((part for part in parts if part), TEXT)
    bounds = [_bounds(one, word) for one in check.validators if isinstance(one, vol.Range)]
    return ", ".join([word, *bounds])


def _is_bound(check: Any) -> bool:  # noqa: ANN401
    return isinstance(check, vol.Range | vol.Length | vol.Match)


def _bounds(limit: vol.Range, word: str) -> str:
    def say(value: Any) -> str:  # noqa: ANN401  voluptuous takes whatever compares
        if word == SECONDS:
            return seconds(value)
        if word == BYTES:
            return f"{value / 1e6:g} MB" if value < 1e9 else f"{value / 1e9:g} GB"
        return f"{value:g}" if value < 1e6 else str(value)

    return f"{say(limit.min)} sampai {say(limit.max)}"


def _list_of(inner: Any) -> str:  # noqa: ANN401
    return f"daftar {words_of(inner)}"


def _mapping_of(mapping: dict[Any, Any]) -> str:
    if all(isinstance(key, vol.Marker | str) for key in mapping):
        return PART
    return ", ".join(f"{words_of(key)}: {words_of(value)}" for key, value in mapping.items())


def _function(check: Any) -> str:  # noqa: ANN401
    if isinstance(check, ClockPart):
        return f"0 sampai {check.size - 1}, `/n`, atau `*`"
    name = f"{getattr(check, '__module__', '').rpartition('.')[2]}.{getattr(check, '__name__', check)}"
    if name in _SILENT:
        return ""
    if name not in _WORDS:
        raise Unspoken(f"docs/reference_types.py has no word for what {name} takes")
    return _WORDS[name]
