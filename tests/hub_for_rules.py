"""A small real hub for the rule engine's tests: real journal, event log, bus and tasks; cameras that record."""

import asyncio
import itertools
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from siaga.core.alerts.desk import AlertDesk
from siaga.core.alerts.ports import Ports
from siaga.core.audit_log import AuditLog
from siaga.core.bus import Bus
from siaga.core.clock import ManualClock
from siaga.core.errors import ActionFailed, CameraLost, MediaError, NotSupported
from siaga.core.event_log import EventLog
from siaga.core.health import HealthBook
from siaga.core.journal import Journal
from siaga.core.memory import Memory
from siaga.core.notice_states import NoticeRecord
from siaga.core.plugin_manager import PluginManager
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
from siaga.core.states import StateBook
from siaga.core.tasks import Tasks
from siaga.core.texts import Texts
from siaga.core.types import Event, Notice, Picture, new_id
from siaga.core.yaml_lines import load_yaml
from siaga.rules.parse import load_rules

EVENING = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)  # Sunday, 19.05 WIB
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))

_words = None


def built_in_words():
    """Return what the built-in plugins offer, loaded once."""
    global _words
    if _words is None:
        _words = PluginManager(None, in_hub=True)
        _words.load()
    return _words


def settings(language: str = "id") -> Settings:
    """Return a kelurahan of three cameras, one that turns, two contacts and two notifiers."""

    def camera(name, **more):
        return CameraSettings(id=name, type="demo", name=more.pop("title", name), place="rw05", **more)

    return Settings(
        file="siaga.yaml",
        folder=".",
        site=SiteSettings(id="kebon-baru", name="Kelurahan Kebon Baru", language=language),
        web=WebSettings(),
        storage=StorageSettings(),
        media=MediaSettings(),
        places={"rw05": PlaceSettings(id="rw05", name="RW 05", kind="rw")},
        cameras={
            "kali": camera("kali", title="Kali Ciliwung", zones={"bantaran": SQUARE}, groups=("sungai",)),
            "sekolah": camera("sekolah", title="Halaman SDN 03", zones={"halaman": SQUARE}),
            "ptz": camera("ptz", title="PTZ Jembatan", groups=("sungai",)),
        },
        notifiers={
            "wa": NotifierSettings(id="wa", type="whatsapp"),
            "catatan": NotifierSettings(id="catatan", type="log"),
        },
        contacts={
            "posko": ContactSettings(
                id="posko",
                name="Posko RW 05",
                via=(Address(notifier="wa", to="+62812"), Address(notifier="catatan", to="posko")),
            ),
            "lurah": ContactSettings(id="lurah", name="Lurah", via=(Address(notifier="wa", to="+62813"),)),
        },
    )


def read_rules(text: str, folder: Path, language: str = "id", words=None, scripts: str = "", site=None):
    """Read rules from YAML text, as they would stand in ``rules/banjir.yaml``; ``scripts`` in ``scripts.yaml``.

    ``site`` are other settings than those above.
    """
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "banjir.yaml").write_text(text, "utf-8")
    (folder / "scripts.yaml").write_text(scripts, "utf-8")
    shared = "scripts: !include scripts.yaml\n" if scripts else ""
    (folder / "siaga.yaml").write_text(f"rules: !include_dir rules\n{shared}", "utf-8")
    texts = Texts(language)
    loaded = load_yaml(folder / "siaga.yaml", find_secret={"kunci": "rahasia-sekali"}.get, texts=texts)
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    site = site or settings(language)
    site = msgspec.structs.replace(site, scripts=loaded.value.get("scripts"), folder=str(folder))
    return load_rules(loaded.value["rules"], words or built_in_words(), site, texts)


class RecordingPtz:
    """Turn, and remember it; dead when told so, hanging when told so."""

    def __init__(self) -> None:
        self.went_to: list[str] = []
        self.is_dead = False
        self.is_hanging = False

    async def presets(self):
        return ("pintu-air", "jembatan")

    async def goto(self, preset):
        if self.is_dead:
            raise CameraLost("kamera tidak menjawab")
        if self.is_hanging:
            await asyncio.Event().wait()
        if preset not in await self.presets():
            raise NotSupported(f"tidak ada preset '{preset}'; yang ada: pintu-air, jembatan")
        self.went_to.append(preset)


class RecordingCamera:
    """Be a camera's control side."""

    def __init__(self, ptz=None) -> None:
        self.ptz = ptz


class RuleHub:
    """Lend the engine what the real hub lends it."""

    def __init__(self, journal, events, bus, clock, tasks, outbox, states, site) -> None:
        self.states = states
        self.plugins = built_in_words()
        self.problems = ()
        self.settings = site
        self.clock = clock
        self.texts = Texts(site.site.language)
        self.journal = journal
        self.events = events
        self.bus = bus
        self.tasks = tasks
        self.outbox = outbox
        self.dome = RecordingPtz()
        self.cameras = {
            "kali": RecordingCamera(),
            "sekolah": RecordingCamera(),
            "ptz": RecordingCamera(self.dome),
        }
        self.bursts: dict[str, tuple] = {}
        self.is_recorder_dead = False
        self._numbers = itertools.count(1)
        self.carries: dict[str, frozenset[str]] = {}
        self.finished_clips = {}
        self.alerts = AlertDesk(
            journal,
            events,
            self.settings,
            clock=clock,
            texts=self.texts,
            bus=bus,
            tasks=tasks,
            ports=Ports(
                put=self.notify,
                records=outbox.records,
                of_provider=outbox.of_provider,
                emit=self.emit,
                clip=self.clip,
                carries=lambda name: self.carries.get(name, frozenset()),
            ),
        )

        self.eyes_were_told = []
        self.ptz: PtzDesk

    async def open_ptz(self):
        """Open a real PTZ desk; a test that wants its times kept starts it."""
        self.audit = await AuditLog.open(self.journal)
        ports = PtzPorts(
            site=self.settings.site.id,
            zone=ZoneInfo(self.settings.site.timezone),
            clock=self.clock,
            texts=self.texts,
            tasks=self.tasks,
            memory=await Memory.open(self.journal),
            health=HealthBook(self.bus, self.clock),
            camera=lambda camera: self.cameras.get(camera),
            settings=lambda camera: self.settings.cameras.get(camera),
            audit=self.audit.add,
            emit=self.emit,
            stands=self.eyes_were_told.append,
            has_incident=self.alerts.has_incident,
        )
        self.ptz = PtzDesk(ports, cameras=lambda: tuple(self.cameras))

    def take_people(self, settings, problems):
        self.settings, self.problems = settings, problems
        self.alerts.take_people(settings)

    def camera(self, camera_id):
        if camera_id not in self.cameras:
            raise ActionFailed(f"tidak ada kamera {camera_id}")
        return self.cameras[camera_id]

    async def emit(self, event):
        return await self.events.add(event)

    async def burst(self, camera_id, at, before_s, after_s, key):
        if self.is_recorder_dead:
            raise MediaError("perekam berhenti")
        return self.bursts.setdefault(key, (f"clip-{camera_id}", camera_id, at, before_s, after_s))[0]

    async def snapshot(self, camera_id):
        return f"snapshots/{camera_id}-{next(self._numbers)}.jpg"

    async def picture(self, camera_id, width_px=None):
        return Picture(jpeg=b"jpeg", at=self.clock.now())

    async def notify(self, notice):
        return await self.outbox.put(notice)

    async def alert(self, alert):
        return await self.alerts.alert(alert)

    async def open_incident(self, alert):
        return await self.alerts.open_incident(alert)

    async def acknowledge(self, incident, who, via):
        return await self.alerts.acknowledge(incident, who, via)

    async def close_incident(self, incident, who, note=""):
        return await self.alerts.close(incident, who, note)

    async def clip(self, clip_id):
        return self.finished_clips.get(clip_id)


class CommittedNotices:
    """Commit notices by their key as the outbox does, and send none: what counts here is what was committed."""

    def __init__(self, journal) -> None:
        self._journal = journal
        self.state = "waiting"
        self.states: dict[str, str] = {}

    async def open(self):
        await self._journal.write(
            lambda db: db.execute("create table if not exists test_notices (key text primary key, body text)")
        )
        return self

    async def put(self, notice) -> bool:
        body = msgspec.json.encode(notice).decode()
        return await self._journal.write(
            lambda db: db.execute("insert or ignore into test_notices values (?, ?)", [notice.key, body]).rowcount == 1
        )

    async def records(self, keys) -> dict[str, NoticeRecord]:
        """Return what was committed; what the test put into ``states`` became of it."""
        return {notice.key: self._record(notice) for notice in await self.all() if notice.key in keys}

    async def of_provider(self, provider_id):
        return next((self._record(n) for n in await self.all() if f"wamid.{n.key}" == provider_id), None)

    def _record(self, notice):
        state = self.states.get(notice.key, self.state)
        return NoticeRecord(
            notice=notice,
            state=state,
            next_at=notice.created_at,
            updated_at=notice.created_at,
            provider_id=None if state in ("waiting", "failed") else f"wamid.{notice.key}",
        )

    async def all(self):
        rows = await self._journal.read(
            lambda db: db.execute("select body from test_notices order by rowid").fetchall()
        )
        return [msgspec.json.decode(body, type=Notice) for (body,) in rows]


async def open_hub(path: Path, clock=None, language="id", site=None) -> RuleHub:
    """Open a hub on a journal file; ``site`` are other settings than those above."""
    clock = clock or ManualClock(EVENING)
    bus, tasks = Bus(), Tasks(clock)
    journal = await Journal.open(path)
    events = await EventLog.open(journal, bus)
    site = site or settings(language)
    states = await StateBook.open(events, bus, site.cameras)
    hub = RuleHub(journal, events, bus, clock, tasks, await CommittedNotices(journal).open(), states, site)
    await hub.alerts.open()
    await hub.alerts.start()
    await hub.open_ptz()
    return hub


async def close_hub(hub: RuleHub, engine=None) -> None:
    """Stop in order, as the real hub does."""
    if engine is not None:
        await engine.stop()
    await hub.alerts.stop()
    await hub.tasks.stop(2.0)
    await hub.journal.close()


def event(kind="flood.stage", camera="kali", *, at=None, ago_s=0.0, **more) -> Event:
    """Return an event of the evening; ``data`` as keyword ``data``."""
    return Event(
        id=new_id(), site="kebon-baru", kind=kind, camera=camera, at=at or EVENING - timedelta(seconds=ago_s), **more
    )


async def until(holds, what="", limit_s=5.0):
    """Wait in real time until something holds: the journal's threads know no test clock."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while True:
        answer = holds()
        answer = await answer if asyncio.iscoroutine(answer) else answer
        if answer:
            return answer
        assert loop.time() < deadline, f"did not come true within {limit_s} s: {what or holds}"
        await asyncio.sleep(0.005)
