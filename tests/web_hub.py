"""A small real hub for the tests of the pages: real journal, events, clips, health; cameras that give a JPEG."""

import base64
import contextlib
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import voluptuous as vol
from hub_for_rules import CommittedNotices

from siaga.core.alerts.desk import AlertDesk
from siaga.core.alerts.ports import Ports
from siaga.core.audit_log import AuditLog
from siaga.core.bus import Bus
from siaga.core.clip_index import ClipIndex
from siaga.core.clock import SystemClock
from siaga.core.contracts import EventKind, Kind
from siaga.core.errors import CameraLost, MediaError, NotSupported, Problem
from siaga.core.event_log import EventLog
from siaga.core.gap_book import GapBook
from siaga.core.health import HealthBook
from siaga.core.inbound import InboundResult, KeyedReceipt, Reply
from siaga.core.journal import Journal
from siaga.core.media.live_views import LiveView
from siaga.core.media.messages import EyeCameraReport, Reading, StreamReport
from siaga.core.memory import Memory
from siaga.core.notice_states import NoticeRecord
from siaga.core.ptz.desk import PtzDesk
from siaga.core.ptz.ports import Ports as PtzPorts
from siaga.core.settings import (
    Address,
    CameraSettings,
    ContactSettings,
    MediaSettings,
    NotifierSettings,
    PlaceSettings,
    Settings,
    SiteSettings,
    StorageSettings,
    WebSettings,
)
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Clip, Event, Health, Notice, Picture, Receipt, Trace, TraceStep, new_id
from siaga.rules.rule import NearMiss, RuleState
from siaga.web.app import WebApp

XSS = '<img src=x onerror="document.title=1"><script>alert(1)</script>'
# A grey JPEG of 1x1: enough for a browser to show.
GREY = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQ"
    "Ew8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k="
)


class TurningCamera:
    """Be a camera's control side with two presets; what it was told is kept."""

    def __init__(self) -> None:
        self.went_to = []
        self.is_dead = False
        self.is_broken = False
        self.ptz = self

    async def presets(self):
        if self.is_broken:
            raise KeyError("rtsp://petugas:rahasia@10.0.0.7")
        return ("jembatan", "pintu-air")

    async def goto(self, preset):
        if self.is_broken:
            raise ZeroDivisionError
        if self.is_dead:
            raise CameraLost("kamera tidak menjawab")
        if preset not in await self.presets():
            raise NotSupported(f"tidak ada preset '{preset}'")
        self.went_to.append(preset)


class StillCamera:
    ptz = None


@dataclass
class PluginRow:
    name: str
    source: str = "siaga"
    is_on: bool = True
    reason: str = ""
    offers: tuple = ()
    is_disabled: bool = False


class Plugins:
    plugins = (
        PluginRow("siaga.plugins.cameras.rtsp", offers=("cameras.rtsp",)),
        PluginRow("siaga.plugins.detectors.flood", offers=("detectors.flood", "event_kinds.flood.stage")),
        PluginRow("sirene", "plugins/sirene.py", False, "plugins/sirene.py:3: ModuleNotFoundError: gpiozero"),
    )
    event_kinds = {"flood.stage": EventKind(name="flood.stage", summary="Tahap siaga", fields={})}
    cameras = {
        "rtsp": Kind("rtsp", vol.Schema({}), StillCamera, "Kamera jaringan lewat RTSP", "Network camera by RTSP")
    }
    detectors = {"flood": Kind("flood", vol.Schema({}), StillCamera, "Tinggi air pada papan duga", "Water level")}
    stores = notifiers = links = triggers = conditions = actions = {}


class Media:
    def __init__(self) -> None:
        self.reports = {}

    def stream(self, camera, role):
        return self.reports.get((camera, role))

    def eye_report(self, camera):
        if camera != "kali":
            return None
        return EyeCameraReport(
            camera=camera,
            mode="awake",
            decoded=900,
            skipped=3,
            decode_errors=1,
            looks={"flood": 40, "objects": 900, "crowd": 3},
            rates={"flood": (0.2, 0.2), "objects": (1.5, 5.0)},
            detectors_off={"crowd": "zona “x” tidak ada"},
        )

    def processes(self):
        since = datetime.now(timezone.utc) - timedelta(hours=3)
        figures = {"pid": 2711.0, "rss_bytes": 71_000_000.0, "cpu_s": 412.0, "restarts": 0.0}
        return (
            Health(part="recorder", state="ok", since=since, figures=figures),
            Health(part="eye-1", state="ok", since=since, figures={**figures, "pid": 2712.0, "restarts": 1.0}),
        )


class Calling:
    """Be a notifier whose far side calls back with a signature."""

    can_confirm = True

    async def send(self, notice):
        raise NotImplementedError

    async def close(self):
        pass

    async def receive(self, request):
        if request.headers.get("X-Signature") != "right":
            return InboundResult(status=401)
        at = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)
        return InboundResult(
            status=200,
            body="ok",
            receipts=(KeyedReceipt(receipt=Receipt(state="delivered", at=at), key="run:actions[0]"),),
            replies=(Reply(id="wamid.1", sender="+62812", text="Siap, meluncur", at=at),),
        )


class Outbox:
    unknown_receipts = 2

    def __init__(self) -> None:
        self.records = []
        self.received = []

    async def find(self, *, state=None, event_id=None, limit=50):
        return [r for r in self.records if event_id in (None, r.notice.event_id) and state in (None, r.state)][:limit]

    async def counts(self):
        return dict(Counter(record.state for record in self.records))

    async def receive(self, keyed):
        self.received.append(keyed)


@dataclass
class Engine:
    states: list = field(default_factory=list)
    runs: dict = field(default_factory=dict)
    misses: dict = field(default_factory=dict)
    webhooks: dict = field(default_factory=dict)

    def webhook_methods(self, webhook):
        return self.webhooks.get(webhook, frozenset())

    async def rules(self):
        return tuple(self.states)

    async def traces(self, rule_id, limit=10):
        return tuple(self.runs.get(rule_id, ()))[:limit]

    async def traces_of_event(self, event_id):
        return tuple(trace for runs in self.runs.values() for trace in runs if trace.event_id == event_id)

    def near_misses(self, rule_id):
        return tuple(self.misses.get(rule_id, ()))


class Hosts:
    """Hold plugins' processes as a test says."""

    def __init__(self):
        self.states = ()
        self.released = []

    def release(self, plugin):
        self.released.append(plugin)
        return True


class Views:
    """Open real views; a test puts into them what a recorder would send."""

    def __init__(self):
        self.open = []

    @contextlib.contextmanager
    def view(self, camera):
        view = LiveView(camera)
        self.open.append(view)
        try:
            yield view
        finally:
            self.open.remove(view)


class WebHub:
    """Give the pages what the real hub gives them."""

    async def open(self, folder: Path, clock=None, **web):
        self.clock = clock or SystemClock()
        self.settings = settings(folder, **web)
        self.storage = folder
        self.problems = (
            Problem(file="config.yaml", line=41, path="cameras.gang-mawar.streams", what="alamat RTSP tidak ada"),
        )
        self.bus = Bus()
        self.tasks = Tasks(self.clock)
        self.health = HealthBook(self.bus, self.clock)
        self.journal = await Journal.open(folder / "siaga.db")
        self.events = await EventLog.open(self.journal, self.bus)
        self.clips = await ClipIndex.open(self.journal, folder=folder)
        self.gaps = await GapBook.open(self.journal)
        self.audit = await AuditLog.open(self.journal)
        self.outbox = Outbox()
        await self.open_desk(await CommittedNotices(self.journal).open())
        self.plugins = Plugins()
        self.media = Media()
        self.views = Views()
        self.desk = SimpleNamespace(hosts=Hosts())
        self.turning = TurningCamera()
        self.cameras = {"kali": StillCamera(), "ptz": self.turning, "sekolah": StillCamera()}
        self.notifiers = {"wa": Calling()}
        self.ptz = PtzDesk(await self.ptz_ports(), cameras=lambda: tuple(self.cameras))
        self.ptz.start(self.tasks)
        self.readings = {}
        self.bandwidth = {}
        self.jpeg = {}
        for camera in ("kali", "ptz"):
            for role in ("main", "sub"):
                self.report(camera, role, "live")
        self.report("sekolah", "main", "auth_failed", "kamera menolak kata sandi pengguna 'petugas'")

    async def open_desk(self, outbox, carries=None):
        """Open a real alert desk on what commits its notices."""
        self.notices = outbox
        ports = Ports(
            put=outbox.put,
            records=outbox.records,
            of_provider=outbox.of_provider,
            emit=self.emit,
            clip=self.clips.get,
            carries=carries or (lambda name: frozenset()),
        )
        texts = Texts(self.settings.site.language)
        tools = {"clock": self.clock, "texts": texts, "bus": self.bus, "tasks": self.tasks, "ports": ports}
        self.alerts = AlertDesk(self.journal, self.events, self.settings, **tools)
        await self.alerts.open()
        await self.alerts.start()

    async def ptz_ports(self):
        return PtzPorts(
            site=self.settings.site.id,
            zone=ZoneInfo(self.settings.site.timezone),
            clock=self.clock,
            texts=Texts(self.settings.site.language),
            tasks=self.tasks,
            memory=await Memory.open(self.journal),
            health=self.health,
            camera=lambda camera: self.cameras.get(camera),
            settings=lambda camera: self.settings.cameras.get(camera),
            audit=self.audit.add,
            emit=self.emit,
            stands=lambda told: None,
            has_incident=self.alerts.has_incident,
        )

    def report(self, camera, role, condition, reason=""):
        live = condition == "live"
        self.media.reports[camera, role] = StreamReport(
            camera=camera,
            role=role,
            condition=condition,
            reason=reason,
            codec="h264" if live else "",
            width=(1920 if role == "main" else 640) if live else 0,
            height=(1080 if role == "main" else 360) if live else 0,
            fps=15.0 if live else 0.0,
            bits_per_s=1_842_000.0 if live else 0.0,
        )
        self.health.set(f"camera {camera} {role}", "ok" if live else "lost", reason)

    def read(self, level_cm, stage):
        reading = Reading(
            camera="kali", kind="flood.level", at=self.clock.now(), data={"level_cm": level_cm, "stage": stage}
        )
        self.readings["kali", "flood.level", None] = reading
        self.bus.publish(reading)

    async def picture(self, camera_id, width_px=None):
        if camera_id not in ("kali", "ptz"):
            raise MediaError("kamera ini belum memberi gambar")
        return Picture(jpeg=self.jpeg.get(camera_id, GREY), at=self.clock.now())

    async def emit(self, event):
        return await self.events.add(event)

    async def happen(self, kind, camera="kali", *, jpeg=GREY, at=None, **more):
        event_id = new_id()
        snapshot = None
        if jpeg:
            snapshot = f"snapshots/{camera}/{event_id}.jpg"
            (self.storage / snapshot).parent.mkdir(parents=True, exist_ok=True)
            (self.storage / snapshot).write_bytes(jpeg)
        event = Event(
            id=event_id,
            site="kebon-baru",
            kind=kind,
            at=at or self.clock.now(),
            camera=camera,
            snapshot=snapshot,
            **more,
        )
        await self.emit(event)
        return event

    async def cut(self, event, content=b"\0" * 5000, keys=()):
        clip_id = new_id()
        path = f"clips/{event.camera}/{clip_id}.mp4"
        (self.storage / path).parent.mkdir(parents=True, exist_ok=True)
        (self.storage / path).write_bytes(content)
        return await self.clips.add(
            Clip(
                id=clip_id,
                camera=event.camera,
                path=path,
                start=event.at - timedelta(seconds=10),
                end=event.at + timedelta(seconds=15),
                codec="h264",
                size_bytes=len(content),
                sha256="0" * 64,
                keys=keys,
            )
        )

    async def close(self):
        await self.alerts.stop()
        await self.tasks.stop(2)
        await self.journal.close()


def settings(folder: Path, **web) -> Settings:
    def camera(name, title, **more):
        return CameraSettings(id=name, type="demo", name=title, place="rw05", purpose="pencegahan bencana", **more)

    halaman = ((0.05, 0.5), (0.95, 0.5), (0.95, 0.95), (0.05, 0.95))
    return Settings(
        file="config.yaml",
        folder=str(folder),
        site=SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru", contact="Posko Kelurahan, (021) 555 0112"),
        web=WebSettings(port=0, **web),
        storage=StorageSettings(path="."),
        media=MediaSettings(),
        places={"rw05": PlaceSettings(id="rw05", name="RW 05", kind="rw")},
        cameras={
            "kali": camera("kali", "Kali Ciliwung, Jembatan Tongtek", zones={"bantaran": halaman}),
            "ptz": camera("ptz", "PTZ Jembatan dan Pintu Air"),
            "sekolah": camera("sekolah", f"Halaman SDN 03 {XSS}"),
        },
        notifiers={"wa": NotifierSettings(id="wa", type="whatsapp")},
        contacts={
            "posko": ContactSettings(id="posko", name="Posko RW 05", via=(Address(notifier="wa", to="+62812"),)),
        },
    )


async def rising_water(hub: WebHub, engine: Engine):
    """Let the canal pass Siaga 2: the event, its rule's run, clip and notice."""
    event = await hub.happen(
        "flood.stage",
        score=0.93,
        data={"from": 3, "to": 2, "level_cm": 213.4, "rise_cm_h": 38.0, "confidence": 0.93, "stage": 2},
    )
    at, run_id = event.at, new_id()
    engine.states = [
        RuleState(
            id="kali-siaga-2",
            alias="Kali Ciliwung Siaga 2",
            file="rules/banjir.yaml",
            line=18,
            is_on=True,
            last_triggered=at,
            runs=3,
            description="Arahkan PTZ ke pintu air, rekam, beri tahu posko.",
        ),
        RuleState(
            id="malam",
            alias=f"Orang di sekolah {XSS}",
            file="rules/keamanan.yaml",
            line=2,
            is_on=False,
            problems=(
                Problem(
                    file="rules/keamanan.yaml", line=6, path="conditions[0]", what="kunci 'aftr'; maksudnya 'after'?"
                ),
            ),
        ),
    ]
    steps = (
        TraceStep(path="triggers[0]", what="event", at=at, outcome="true", values={"to": 2, "from": 3}),
        TraceStep(
            path="conditions[0]", what="template", at=at, outcome="true", values={"result": True, "confidence": 0.93}
        ),
        TraceStep(
            path="actions[0]",
            what="ptz.goto_preset",
            at=at,
            outcome="done",
            values={"camera": "ptz", "preset": "pintu-air"},
        ),
        TraceStep(
            path="actions[1]",
            what="recording.burst",
            at=at,
            outcome="failed",
            error="kamera sekolah tidak merekam: kata sandi ditolak",
        ),
        TraceStep(path="actions[2]", what="notify", at=at, outcome="done", values={"contact": "posko"}),
    )
    engine.runs["kali-siaga-2"] = [
        Trace(
            run_id=run_id,
            rule_id="kali-siaga-2",
            started_at=at,
            ended_at=at,
            state="finished",
            event_id=event.id,
            steps=steps,
        )
    ]
    engine.misses["kali-siaga-2"] = [
        NearMiss(at=at, event_id=event.id, kind="flood.stage", camera="kali", trigger="0", reason="to: 3, diminta 2")
    ]
    text = "Kali Ciliwung: SIAGA 2 (kritis). Air 213 cm pada 19.05 WIB. Periksa pintu air, siapkan warga RW 05."
    notice = Notice(
        id=new_id(),
        key=f"{run_id}:actions[2]",
        notifier="wa",
        to="+62812",
        text=text,
        created_at=at,
        expires_at=at + timedelta(hours=1),
        event_id=event.id,
    )
    hub.outbox.records.append(NoticeRecord(notice=notice, state="delivered", next_at=at, updated_at=at))
    return event, run_id


@asynccontextmanager
async def running(folder: Path, clock=None, rule_files=None, **web):
    """Run the pages on a hub; give hub, engine and app."""
    hub, engine = WebHub(), Engine()
    await hub.open(folder, clock, **web)
    app = WebApp(hub, engine, rule_files)
    try:
        await app.start()
        yield hub, engine, app
    finally:
        await app.stop()
        await hub.close()
