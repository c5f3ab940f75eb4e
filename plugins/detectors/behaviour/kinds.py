"""What the judges of behaviour tell, with the fields of each kind of event."""

from __future__ import annotations

from ....core import EventKind

_VEHICLE = {"label": "jenis kendaraan", "track": "nomor kendaraan yang diikuti"}

KINDS = (
    EventKind(
        name="line.cross",
        summary="Garis dilewati",
        fields={
            "line": "nama garis",
            "track": "nomor benda yang diikuti",
            "label": "jenis benda, misalnya person",
            "direction": "right atau left, dilihat dari titik pertama garis ke titik kedua",
            "right": "jumlah yang lewat ke kanan sejauh ini",
            "left": "jumlah yang lewat ke kiri sejauh ini",
        },
    ),
    EventKind(
        name="traffic.bus_lane",
        summary="Kendaraan di jalur bus",
        fields={**_VEHICLE, "seconds": "detik: sudah berapa lama melaju di jalur itu"},
    ),
    EventKind(
        name="traffic.speed",
        summary="Kendaraan melebihi batas kecepatan",
        fields={
            **_VEHICLE,
            "kmh": "km/jam: kecepatan terukur",
            "limit_kmh": "km/jam: batas yang ditulis",
            "margin_kmh": "km/jam: sejauh ini pengukuran dapat meleset",
            "metres": "meter: jarak tempuh yang diukur",
        },
    ),
    EventKind(
        name="traffic.count",
        summary="Jumlah kendaraan yang lewat",
        fields={
            "count": "jumlah selama waktu itu",
            "right": "yang lewat ke kanan, dilihat dari titik pertama garis ke titik kedua",
            "left": "yang lewat ke kiri",
            "labels": "jumlah menurut jenis kendaraan",
            "seconds": "detik: lamanya menghitung",
        },
    ),
    EventKind(
        name="person.running",
        summary="Orang berlari",
        fields={
            "track": "nomor orang yang diikuti",
            "count": "jumlah yang berlari",
            "mps": "meter per detik: yang tercepat",
            "is_measured": "true bila diukur di tanah (ground); false bila dikira dari tinggi badan",
        },
    ),
    EventKind(
        name="person.fallen",
        summary="Orang terjatuh",
        fields={"track": "nomor orang yang diikuti", "seconds": "detik: sudah berapa lama terbaring"},
    ),
)
