"""Measures how many events a second the rule engine meets: the deciding alone, and with journal and trace.

1,000 rules (50 kinds × 20 cameras, each one event trigger, one template condition, one action that
takes a template, mode queued); 1 event in 100 fits a rule. Run by ``python -m bench rules``.
"""

import asyncio
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import msgspec
from hub_for_rules import RuleHub, built_in_words, close_hub, open_hub, until

from siaga.core.clock import SystemClock
from siaga.core.event_log import Committed
from siaga.core.settings import CameraSettings
from siaga.core.texts import Texts
from siaga.core.types import Event, new_id
from siaga.core.yaml_lines import load_yaml
from siaga.rules.engine import RuleEngine
from siaga.rules.parse import load_rules

KINDS = sorted(built_in_words().event_kinds)
KINDS = (KINDS * (50 // len(KINDS) + 1))[:50]
CAMERAS = [f"kamera-{n}" for n in range(20)]
EVENTS = 20_000


def rules_text(word: str = "") -> str:
    """Return the thousand rules; each says a word, so that another word makes others of them."""
    parts = []
    for n in range(1_000):
        # Rules of one kind differ by label, so that one of them at most fits an event.
        kind, camera = KINDS[n // 20], CAMERAS[n % 20]
        parts.append(
            f"- id: aturan-{n}\n"
            f"  triggers: [{{trigger: event, kind: {kind}, camera: {camera}, label: benda-{n}}}]\n"
            '  conditions: ["{{ trigger.event.data.score > 0.5 }}"]\n'
            f"  actions: [{{action: log, data: {{message: '{word} {n} {{{{ trigger.event.id }}}}', level: debug}}}}]\n"
            "  mode: queued\n  max: 1000\n"
        )
    return "".join(parts)


def events(count: int) -> list[Event]:
    """Return events of which one in a hundred fits a rule."""
    now = datetime.now(timezone.utc)
    made = []
    for n in range(count):
        rule = n * 7 % 1_000
        label = f"benda-{rule}" if n % 100 == 0 else "lain"
        data = {"label": label, "score": 0.9}
        made.append(
            Event(id=new_id(), site="bench", kind=KINDS[rule // 20], camera=CAMERAS[rule % 20], at=now, data=data)
        )
    return made


def site_of(hub: RuleHub) -> RuleHub:
    """Return a hub with the bench's cameras."""
    cameras = {name: CameraSettings(id=name, type="demo", name=name) for name in CAMERAS}
    hub.settings = msgspec.structs.replace(hub.settings, cameras=cameras)
    return hub


async def measure(folder: Path) -> dict[str, float]:
    """Return the figures."""
    (folder / "rules.yaml").write_text(rules_text(), "utf-8")
    hub = site_of(await open_hub(folder / "siaga.db", SystemClock()))
    nodes = load_yaml(folder / "rules.yaml", find_secret=lambda name: None, texts=Texts("id")).value
    began_s = time.perf_counter()
    loaded = load_rules(nodes, built_in_words(), hub.settings, Texts("id"))
    load_s = time.perf_counter() - began_s
    assert len(loaded.rules) == 1_000, [str(problem) for problem in loaded.problems[:3]]
    engine = RuleEngine(hub, loaded)

    told = [Committed(seq=n + 1, event=one) for n, one in enumerate(events(EVENTS))]
    decider = engine._decider
    began_s = time.thread_time()
    decider.begin({})
    for committed in told:
        decider.meet(committed)
    decide_s = time.thread_time() - began_s
    opened = len(decider.opened)

    for committed in told:
        hub.tasks.start("tell", lambda one=committed.event: tell(hub, one), restart=False)
    await until(lambda: written(hub), limit_s=120)
    began_s = time.perf_counter()
    await engine.start()

    async def is_over() -> bool:
        return engine._cursor >= EVENTS and not any(state.running for state in await engine.rules())

    await until(is_over, limit_s=120)
    road_s = time.perf_counter() - began_s
    figures = await engine._log.figures()
    runs = sum(one.runs for one in figures.values())
    assert runs == opened == EVENTS // 100, (runs, opened)
    await close_hub(hub, engine)
    return {
        "load_1000_rules_s": round(load_s, 2),
        "decided_events_per_s": round(EVENTS / decide_s),
        "events_per_s_with_journal_and_trace": round(EVENTS / road_s),
    }


async def tell(hub: RuleHub, one: Event) -> None:
    """Commit one event."""
    await hub.emit(one)


async def written(hub: RuleHub) -> bool:
    """Say whether every event is committed."""
    return await hub.events.last_seq() >= EVENTS


def figures() -> dict[str, float]:
    """Return what the deciding alone costs, and with journal and trace."""
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as name:
        return asyncio.run(measure(Path(name)))
