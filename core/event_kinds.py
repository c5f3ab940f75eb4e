"""The kinds of event that the hub itself and every eye tell; a detector documents its own kinds."""

from __future__ import annotations

from collections.abc import Iterable

from .contracts import EventKind
from .hookspecs import hookimpl

_STREAM = {"stream": "main atau sub: siaran kamera yang dimaksud"}
_REASON = {"reason": "sebabnya, dalam kata-kata"}
_THING = {"track": "nomor benda yang diikuti, tetap selama terlihat", "label": "jenis benda, misalnya person"}
_AREA = {"area": "0..1: bagian gambar yang bergerak"}
_PROCESS = {
    "process": "proses yang diganti, misalnya recorder atau eye-1",
    "what": "died: berhenti sendiri; hung: tidak menjawab lalu dihentikan",
    "detail": "keterangan teknis",
}
_LINK = {"link": "nama sambungan di links"}
_WEBHOOK = {
    "webhook": "sidik webhook_id; alamat rahasianya sendiri tidak disimpan",
    "method": "cara panggil, misalnya POST",
    "query": "isian di alamat",
    "json": "isi sebagai JSON, kosong bila bukan JSON",
    "payload": "isi sebagai teks",
    "is_cut": "true bila isi terlalu panjang dan dipotong",
}
_NOTICE = {
    "notice": "nomor pesan",
    "notifier": "pengirim yang dipakai",
    "to": "alamat tujuan",
}
# Kinds that rules and blueprints can name before any detector here tells them: the detector's plugin does.
_SUSPECT = {"track": "nomor benda yang diikuti, bila diikuti", "seconds": "detik: sudah berapa lama terlihat"}
_OWNER = {"owner": "id aturan, atau jalannya aturan yang menunggu", "path": "pemicunya, misalnya triggers[0]"}

_INCIDENT = {
    "incident": "nomor insiden",
    "key": "kunci pengelompokan insiden",
    "title": "judul insiden",
    "state": "open, acknowledged atau closed",
    "priority": "low, normal atau high",
    "rule": "id aturan yang membukanya",
    "event": "nomor kejadian yang membukanya",
    "events": "jumlah kejadian sejauh ini",
}
_BY = {"by": "nama orang atau aturan"}

_MOVER = {"by": "person, rule atau patrol", "who": "akun, atau id aturan"}

_FIRE = {
    "area": "0..1: bagian gambar",
    "seconds": "sudah terlihat selama sekian detik",
    "look": "0..1: seberapa mirip kebakaran menurut satu gambar; null bila tidak dinilai",
}
_KINDS = (
    EventKind(name="motion.start", summary="Mulai ada gerakan", fields=_AREA),
    EventKind(name="motion.end", summary="Gerakan berhenti", fields=_AREA),
    EventKind(name="zone.enter", summary="Benda memasuki zona", fields=_THING),
    EventKind(name="zone.leave", summary="Benda meninggalkan zona", fields=_THING),
    EventKind(name="camera.offline", summary="Kamera tidak dapat dihubungi", fields={**_STREAM, **_REASON}),
    EventKind(name="camera.online", summary="Kamera kembali tersambung", fields=_STREAM),
    EventKind(
        name="camera.auth_failed", summary="Kamera menolak nama pengguna atau kata sandi", fields={**_STREAM, **_REASON}
    ),
    EventKind(
        name="ptz.taken",
        summary="Kamera dipegang orang atau aturan",
        fields={**_MOVER, "until": "sampai kapan, bila tidak diperpanjang"},
    ),
    EventKind(
        name="ptz.released",
        summary="Kamera dilepas",
        fields={**_MOVER, "why": "ended: waktunya habis; released: dikembalikan; taken_over: diambil alih"},
    ),
    EventKind(
        name="ptz.arrived",
        summary="Kamera berdiri di preset tujuan",
        fields={**_MOVER, "preset": "preset tempat kamera berdiri"},
    ),
    EventKind(
        name="ptz.displaced",
        summary="Kamera diputar dari luar Siaga",
        fields={"preset": "preset yang ditinggalkan"},
    ),
    EventKind(
        name="camera.bandwidth",
        summary="Kamera berpindah ke aliran yang lebih hemat, atau kembali",
        fields={
            "step": "full: semua aliran; sub: aliran kecil saja; keyframes: satu gambar utuh tiap beberapa detik; "
            "snapshot: gambar diam dari kamera",
            "from": "langkah sebelumnya",
            "why": "weak: jaringan berkali-kali putus; behind: gambar datang terlambat; quiet: sudah lama tidak putus",
        },
    ),
    EventKind(
        name="camera.clock",
        summary="Jam kamera meleset, atau sudah benar lagi",
        fields={
            "offset_s": "detik: sejauh apa jam kamera mendahului Siaga; negatif berarti terlambat",
            "is_right": "true bila sudah benar lagi",
        },
    ),
    EventKind(name="eye.restarted", summary="Proses pengamat gambar diganti", fields=_PROCESS),
    EventKind(name="recorder.restarted", summary="Proses perekam diganti", fields=_PROCESS),
    EventKind(
        name="detector.off",
        summary="Pendeteksi dimatikan karena rusak",
        fields={
            "detector": "jenis pendeteksi",
            **_REASON,
            "wait_s": "detik: sampai dicoba lagi, bila pendeteksi tidak menjawab",
        },
    ),
    EventKind(name="detector.on", summary="Pendeteksi bekerja lagi", fields={"detector": "jenis pendeteksi"}),
    EventKind(
        name="clip.done",
        summary="Cuplikan selesai direkam",
        fields={
            "clip": "nomor cuplikan",
            "seconds": "detik: panjang cuplikan",
            "has_gap": "true bila ada bagian yang hilang",
        },
    ),
    EventKind(name="clip.failed", summary="Cuplikan gagal direkam", fields={"clip": "nomor cuplikan", **_REASON}),
    EventKind(
        name="gap.filled",
        summary="Rekaman yang terputus diisi dari kartu kamera",
        fields={"gap": "nomor putusnya", "clip": "nomor cuplikan", "seconds": "detik"},
    ),
    EventKind(
        name="gap.given_up",
        summary="Rekaman yang terputus tidak dapat diisi dari kartu kamera",
        fields={"gap": "nomor putusnya", **_REASON},
    ),
    EventKind(
        name="disk.low",
        summary="Ruang penyimpanan hampir habis",
        fields={"free_bytes": "bita yang masih kosong", "min_free_bytes": "bita: batas dari storage.min_free"},
    ),
    EventKind(
        name="notice.failed",
        summary="Pesan tidak terkirim",
        fields={
            **_NOTICE,
            **_REASON,
            "state": "keadaan pesan: waiting, failed atau expired",
            "attempts": "berapa kali sudah dicoba",
            "is_final": "true bila tidak akan dicoba lagi",
            "event": "nomor kejadian yang diberitakan",
        },
    ),
    EventKind(
        name="notice.reply",
        summary="Seseorang membalas pesan",
        fields={
            "notifier": "pengirim yang menerima balasan",
            "sender": "alamat pembalas",
            "name": "nama yang dipakai pembalas di sana",
            "text": "isi balasan, atau tulisan tombol yang ditekan",
            "reply_to": "pengenal pesan kita yang dibalas",
            "button": "isi tombol yang ditekan",
        },
    ),
    EventKind(
        name="camera.tampered",
        summary="Kamera ditutup, diputar, tidak fokus, gelap, beku atau gambarnya rusak",
        fields={"what": "covered, turned, blurred, dark, frozen, noise atau colour", **_REASON},
    ),
    EventKind(name="fire.flame", summary="Api terlihat; diulang selama masih terlihat", fields=_FIRE),
    EventKind(name="fire.smoke", summary="Asap terlihat; diulang selama masih terlihat", fields=_FIRE),
    EventKind(
        name="fire.suspected",
        summary="Satu gambar mirip kebakaran; belum terbukti",
        fields={"look": "0..1: seberapa mirip kebakaran menurut satu gambar"},
    ),
    EventKind(
        name="fight.suspected",
        summary="Dugaan perkelahian, untuk dinilai orang dari cuplikannya",
        fields={
            "count": "paling banyak berapa orang terlihat berdekatan; tidak ada bila tidak terlihat",
            "seconds": _SUSPECT["seconds"],
        },
    ),
    EventKind(name="loiter.person", summary="Orang mondar-mandir", fields=_SUSPECT),
    EventKind(
        name="traffic.wrong_way",
        summary="Kendaraan melawan arah",
        fields={"label": "jenis kendaraan", "track": _SUSPECT["track"]},
    ),
    EventKind(
        name="traffic.stopped",
        summary="Kendaraan berhenti di tempat terlarang",
        fields={"label": "jenis kendaraan", **_SUSPECT},
    ),
    EventKind(
        name="dumping.suspected",
        summary="Dugaan buang sampah sembarangan",
        fields={"label": "jenis kendaraan atau benda, bila dikenali", **_SUSPECT},
    ),
    EventKind(name="incident.opened", summary="Insiden baru dibuka", fields=_INCIDENT),
    EventKind(
        name="incident.acknowledged",
        summary="Seseorang menanggapi insiden",
        fields={
            **_INCIDENT,
            **_BY,
            "via": "jalannya: nama pengirim, web, api, atau rule",
            "told": "nama yang diberi tahu",
        },
    ),
    EventKind(
        name="incident.closed", summary="Insiden ditutup", fields={**_INCIDENT, **_BY, "note": "catatan penutup"}
    ),
    EventKind(
        name="incident.escalated",
        summary="Insiden belum ditanggapi dan diteruskan",
        fields={**_INCIDENT, "step": "langkah eskalasi, mulai dari 1", "told": "nama yang diberi tahu"},
    ),
    EventKind(
        name="incident.unanswered",
        summary="Insiden tidak ditanggapi sampai eskalasi habis",
        fields={**_INCIDENT, "told": "nama yang sudah diberi tahu"},
    ),
    EventKind(name="link.offline", summary="Sambungan ke program lain terputus", fields={**_LINK, **_REASON}),
    EventKind(name="link.online", summary="Sambungan ke program lain pulih", fields=_LINK),
    EventKind(name="webhook.call", summary="Alamat webhook sebuah aturan dipanggil", fields=_WEBHOOK),
    EventKind(name="plugin.off", summary="Plugin dimatikan", fields={"plugin": "nama plugin", **_REASON}),
    EventKind(name="rule.off", summary="Aturan dimatikan karena salah", fields={"rule": "id aturan", **_REASON}),
    EventKind(
        name="rule.timer",
        summary="Waktu yang ditunggu sebuah aturan tiba (catatan dalam Siaga)",
        fields={**_OWNER, "due": "waktu yang ditunggu"},
    ),
    EventKind(
        name="rule.state",
        summary="Keadaan yang ditunggu sebuah aturan terjadi atau berakhir (catatan dalam Siaga)",
        fields={
            **_OWNER,
            "phase": "fits: terjadi; ends: berakhir",
            "subject": "yang diamati: camera, incident, atau jenis kejadian",
            "from": "nilai sebelumnya",
            "to": "nilai sekarang",
            "value": "nilai yang dibandingkan",
            "above": "batas bawah yang dilewati",
            "below": "batas atas yang dilewati",
        },
    ),
    EventKind(
        name="rules.reloaded",
        summary="Aturan dibaca ulang tanpa menghentikan Siaga",
        fields={
            "added": "daftar id aturan yang baru",
            "changed": "daftar id aturan yang berubah",
            "removed": "daftar id aturan yang dihapus",
            "off": "daftar id aturan yang salah dan dimatikan",
            "restart": "daftar bagian konfigurasi yang berubah dan baru berlaku setelah Siaga dimulai ulang",
        },
    ),
    EventKind(
        name="config.refused",
        summary="Konfigurasi yang diubah tidak dipakai karena salah; yang lama tetap berlaku",
        fields={"reason": "kesalahan pertama, dengan berkas dan baris", "problems": "jumlah kesalahan"},
    ),
    EventKind(
        name="plugin.throttled",
        summary="Kamera memberitahukan terlalu banyak kejadian; kelebihannya dibuang",
        fields={"dropped": "jumlah yang dibuang sejak pemberitahuan terakhir", "kind": "jenis kejadian yang terakhir"},
    ),
    EventKind(
        name="plugin.restarted",
        summary="Proses sebuah plugin berhenti atau macet dan dimulai lagi",
        fields={"plugin": "nama plugin", "reason": "sebabnya, dengan berkas dan baris bila diketahui"},
    ),
    EventKind(
        name="plugin.quarantined",
        summary="Sebuah plugin berkali-kali macet atau mati dan diistirahatkan",
        fields={
            "plugin": "nama plugin",
            "reason": "sebab yang terakhir",
            "wait_s": "detik sampai dicoba lagi",
        },
    ),
    EventKind(name="hub.start", summary="Siaga mulai berjalan", fields={}),
)


@hookimpl
def offer_event_kinds() -> Iterable[EventKind]:
    """Document what the hub and the eyes tell."""
    return _KINDS
