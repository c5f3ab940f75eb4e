"""The kinds of event that devices tell by themselves: their own analytics, inputs and troubles."""

from __future__ import annotations

from collections.abc import Iterable

from .contracts import EventKind
from .device_events import ENDED
from .hookspecs import hookimpl

_FIELDS = {
    "source": "bagian perangkat yang memberi tahu: aturan, masukan atau saluran",
    "topic": "nama kejadian menurut perangkat",
}
_THING = {**_FIELDS, "label": "jenis benda menurut perangkat"}
_SEEN = (
    ("device.motion", "Kamera sendiri melihat gerakan"),
    ("device.person", "Kamera sendiri mengenali orang"),
    ("device.vehicle", "Kamera sendiri mengenali kendaraan"),
    ("device.animal", "Kamera sendiri mengenali hewan"),
    ("device.face", "Kamera sendiri melihat wajah (tanpa dikenali siapa)"),
    ("device.line", "Garis pada kamera dilewati"),
    ("device.area", "Benda di daerah yang diawasi kamera"),
    ("device.loitering", "Kamera sendiri melihat orang berlama-lama"),
    ("device.crowd", "Kamera sendiri melihat kerumunan"),
    ("device.left_object", "Kamera sendiri melihat barang ditinggal"),
    ("device.removed_object", "Kamera sendiri melihat barang diambil"),
    ("device.parking", "Kamera sendiri melihat kendaraan berhenti"),
    ("device.fire", "Kamera sendiri melihat api, asap atau panas"),
)
_STATES = (
    ("device.tamper", "Kamera merasa ditutup, diputar atau tidak fokus"),
    ("device.input", "Masukan perangkat aktif, misalnya tombol atau pintu"),
    ("device.output", "Keluaran perangkat aktif, misalnya sirene"),
    ("device.audio", "Kamera mendengar suara keras"),
    ("device.video_loss", "Perekam kehilangan gambar kamera"),
    ("device.storage", "Penyimpanan perangkat penuh atau rusak"),
    ("device.login", "Perangkat menolak orang yang mencoba masuk"),
    ("device.reboot", "Perangkat baru menyala ulang"),
)


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document them; which of them a camera tells depends on its make and its settings."""
    seen = [EventKind(name=name, summary=summary, fields=_THING) for name, summary in _SEEN]
    ended = EventKind(
        name=ENDED,
        summary="Yang diberitahukan perangkat sudah berakhir",
        fields={"what": "jenis kejadian yang berakhir, misalnya device.input", **_FIELDS},
    )
    return (*seen, ended, *(EventKind(name=name, summary=summary, fields=_FIELDS) for name, summary in _STATES))
