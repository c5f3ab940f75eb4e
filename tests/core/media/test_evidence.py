"""What proves one event: the recording as it was cut, three stills, a paper; and nothing that was changed."""

import hashlib
import json
import zipfile
from datetime import datetime, timedelta, timezone

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from siaga.__main__ import main
from siaga.core.audit_log import AuditLog
from siaga.core.bus import Bus
from siaga.core.clip_index import ClipIndex
from siaga.core.event_log import EventLog
from siaga.core.journal import Journal
from siaga.core.media.evidence import fitting
from siaga.core.types import Clip, Event, new_id

AT = datetime(2026, 11, 25, 3, 0, 5, tzinfo=timezone.utc)
CONFIG = """
site: {name: Kelurahan Kebon Baru, kota: Jakarta Selatan, kecamatan: Tebet, language: id}
web: {port: 0}
places: {rw05: {name: RW 05, kind: rw}}
cameras:
  jalan: {type: file, path: asli.mp4, name: Jalan Asem, place: rw05, purpose: lalu lintas}
"""


def film(file, seconds=10):
    """Write a film whose brightness is its second, times twenty."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as written:
        stream = written.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(seconds * 5):
            picture = np.full((120, 160, 3), 20 * (number // 5) + 10, np.uint8)
            written.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        written.mux(stream.encode())


def clip_of(file, path, start, seconds=10):
    content = file.read_bytes()
    return Clip(
        id=new_id(), camera="jalan", path=path, start=start, end=start + timedelta(seconds=seconds), codec="h264",
        size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


@pytest.fixture
async def site(tmp_path):
    """A storage with one event at second 5 of a clip, and one without a recording."""
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    storage = tmp_path / "var"
    film(storage / "clips/jalan/a.mp4")
    film(tmp_path / "asli.mp4", 1)
    (storage / "snapshots").mkdir()
    (storage / "snapshots/a.jpg").write_bytes(b"\xff\xd8gambar\xff\xd9")
    journal = await Journal.open(storage / "siaga.db")
    events = await EventLog.open(journal, Bus())
    index = await ClipIndex.open(journal, folder=storage)
    await index.add(clip_of(storage / "clips/jalan/a.mp4", "clips/jalan/a.mp4", AT - timedelta(seconds=5)))
    shown = Event(
        id=new_id(), site="kebon-baru", kind="traffic.wrong_way", at=AT, camera="jalan", data={"track": 1},
        snapshot="snapshots/a.jpg",
    )  # fmt: skip
    unseen = Event(id=new_id(), site="kebon-baru", kind="traffic.stopped", at=AT + timedelta(hours=1), camera="jalan")
    for event in (shown, unseen):
        await events.add(event)
    await journal.close()
    return tmp_path, shown, unseen


def ask(folder, event_id, *more, target="bukti.zip"):
    options = ["--config", str(folder / "config.yaml"), "--ground", "LP/12/2026", *more]
    return CliRunner().invoke(main, ["evidence", event_id, str(folder / target), *options])


async def run(work):
    import asyncio

    # The command has an event loop of its own.
    return await asyncio.to_thread(work)


async def test_recording_stills_and_paper_agree_with_one_another(site):
    folder, event, _ = site
    said = await run(lambda: ask(folder, event.id))
    assert said.exit_code == 0, said.output
    with zipfile.ZipFile(folder / "bukti.zip") as packed:
        assert packed.namelist() == [
            "rekaman.mp4", "gambar-1.jpg", "gambar-2.jpg", "gambar-3.jpg", "kejadian.jpg", "bukti.json"
        ]  # fmt: skip
        paper = json.loads(packed.read("bukti.json"))
        for part in paper["parts"]:
            assert hashlib.sha256(packed.read(part["name"])).hexdigest() == part["sha256"]
        shades = [cv2.imdecode(np.frombuffer(packed.read(f"gambar-{n}.jpg"), np.uint8), 0).mean() for n in (1, 2, 3)]
        assert packed.read("rekaman.mp4") == (folder / "var/clips/jalan/a.mp4").read_bytes()
    assert shades == pytest.approx([70, 110, 150], abs=14)
    assert paper["parts"][0]["sha256"] == paper["clip"]["sha256"] and len(paper["clip"]["chain"]) == 64
    assert paper["event"]["id"] == event.id and paper["ground"] == "LP/12/2026" and paper["by"]
    assert paper["camera"] == {"id": "jalan", "name": "Jalan Asem", "place": "RW 05", "purpose": "lalu lintas"}
    assert paper["site"]["kecamatan"] == "Tebet"
    journal = await Journal.open(folder / "var/siaga.db", is_shared=True)
    (noted,) = await (await AuditLog.open(journal)).find()
    await journal.close()
    assert (noted.what, noted.subject, noted.detail["ground"]) == ("recording.evidence", event.id, "LP/12/2026")
    again = await run(lambda: ask(folder, event.id))
    assert again.exit_code == 1 and "bukti.zip" in again.output


async def test_a_recording_that_was_changed_proves_nothing_and_nothing_is_left(site):
    folder, event, _ = site
    file = folder / "var/clips/jalan/a.mp4"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00\x01")
    said = await run(lambda: ask(folder, event.id))
    assert said.exit_code == 1 and "sidiknya berbeda" in said.output
    assert not list(folder.glob("*.zip")) and not list(folder.glob(".*part"))


async def test_what_has_no_recording_or_no_event_is_said(site):
    folder, _, unseen = site
    assert "recording.burst" in (await run(lambda: ask(folder, unseen.id))).output
    assert "tidak ada kejadian" in (await run(lambda: ask(folder, "bukan-kejadian"))).output
    assert not list(folder.glob("*.zip"))


def test_of_several_recordings_the_one_with_the_most_around_the_moment_is_taken(tmp_path):
    film(tmp_path / "a.mp4", 1)
    early, best = (clip_of(tmp_path / "a.mp4", "a", AT - timedelta(seconds=s)) for s in (9, 5))
    assert fitting([early, best], AT) is best
    assert fitting([early, best], AT + timedelta(minutes=1)) is None


async def test_a_redacted_copy_covers_the_cameras_own_masks_and_stands_in_the_audit(site):
    folder, _, _ = site
    masks = "privacy: {masks: [[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]]}"
    config = (folder / "config.yaml").read_text("utf-8")
    written = config.replace("purpose: lalu lintas}", f"purpose: lalu lintas, {masks}}}")
    (folder / "config.yaml").write_text(written, "utf-8")
    source, target = folder / "var/clips/jalan/a.mp4", folder / "salinan.mp4"
    asked = ["redact", str(source), str(target), "--ground", "surat 7", "--keep-faces", "--camera", "jalan"]
    without = await run(lambda: CliRunner().invoke(main, asked))
    assert without.exit_code == 1 and "--config" in without.output and not target.exists()
    said = await run(lambda: CliRunner().invoke(main, [*asked, "--config", str(folder / "config.yaml")]))
    assert said.exit_code == 0, said.output
    with av.open(str(target)) as made:
        picture = list(made.decode(video=0))[-1].to_ndarray(format="bgr24")
    assert picture[5:50, 5:70].max() < 20 and picture[70:, 90:].min() > 150
    journal = await Journal.open(folder / "var/siaga.db", is_shared=True)
    (noted,) = await (await AuditLog.open(journal)).find()
    await journal.close()
    assert (noted.what, noted.subject) == ("recording.redact", "a.mp4")
