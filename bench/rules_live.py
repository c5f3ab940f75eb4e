"""Measures the rule engine while events flow: how soon a rule acts, and what a reload of a thousand rules costs."""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from siaga.core.clock import SystemClock
from siaga.core.texts import Texts
from siaga.core.types import ActionResult, Event, new_id
from siaga.core.yaml_lines import load_yaml
from siaga.rules.engine import RuleEngine
from siaga.rules.parse import load_rules
from siaga.rules.rule import LoadedRules

from .rules_speed import CAMERAS, KINDS, built_in_words, close_hub, open_hub, rules_text, site_of, until

RATE_HZ = 200
# One event in four fits a rule: enough samples for a 99th percentile within the time that one waits for a bench.
FITS_EACH = 4


class Site:
    """A hub whose rules note when they act."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told_s: dict[str, float] = {}
        self.acted_s: dict[str, float] = {}
        self.acted = 0
        self.longest_gap_s = 0.0
        self.hub: Any = None
        self.engine: Any = None

    async def open(self) -> None:
        """Start an engine on a thousand rules."""
        self.hub = site_of(await open_hub(self.folder / "live.db", SystemClock()))
        self.engine = RuleEngine(self.hub, self.read("mula"), act=self.act)
        await self.engine.start()

    def read(self, word: str) -> LoadedRules:
        """Read the thousand rules from a file, each different from those of another word."""
        path = self.folder / f"{word}.yaml"
        path.write_text(rules_text(word), "utf-8")
        nodes = load_yaml(path, find_secret=lambda name: None, texts=Texts("id")).value
        return load_rules(nodes, built_in_words(), self.hub.settings, Texts("id"))

    async def act(self, _step: object, call: Any, _hub: object) -> ActionResult:
        """Note that an action is done."""
        event_id = call.data["message"].split()[-1]
        self.acted += 1
        self.acted_s.setdefault(event_id, time.perf_counter())
        return ActionResult()

    async def tell(self, seconds: float) -> None:
        """Let events flow, each committed before the next, at their rate."""
        began_s = time.perf_counter()
        for n in range(int(seconds * RATE_HZ)):
            await asyncio.sleep(max(0.0, began_s + n / RATE_HZ - time.perf_counter()))
            rule = n * 7 % 1_000
            label = f"benda-{rule}" if n % FITS_EACH == 0 else "lain"
            data = {"label": label, "score": 0.9}
            at, camera = self.hub.clock.now(), CAMERAS[rule % 20]
            one = Event(id=new_id(), site="bench", kind=KINDS[rule // 20], camera=camera, at=at, data=data)
            if n % FITS_EACH == 0:
                self.told_s[one.id] = time.perf_counter()
            await self.hub.emit(one)

    async def watch_loop(self) -> None:
        """Note the longest time that the loop was held."""
        while True:
            before_s = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest_gap_s = max(self.longest_gap_s, time.perf_counter() - before_s)

    async def settle(self) -> None:
        """Wait until every event that fits a rule was acted on."""
        await until(lambda: len(self.acted_s) >= len(self.told_s), limit_s=30)
        await asyncio.sleep(0.2)


async def measure_live(folder: Path) -> dict[str, float]:
    """Return the figures."""
    site = Site(folder)
    await site.open()
    await site.tell(1.0)  # what is made at its first use is not the question
    await site.settle()
    site.told_s, site.acted_s, site.acted = {}, {}, 0
    await site.tell(10.0)
    await site.settle()
    waits_ms = sorted((site.acted_s[one] - told_s) * 1_000 for one, told_s in site.told_s.items())
    figures = {
        "event_to_action_p50_ms": round(statistics.median(waits_ms), 2),
        "event_to_action_p99_ms": round(waits_ms[int(len(waits_ms) * 0.99)], 2),
    }
    return figures | await _reload(site)


async def _reload(site: Site) -> dict[str, float]:
    site.told_s, site.acted_s, site.acted = {}, {}, 0
    flow = site.hub.tasks.start("flow", lambda: site.tell(8.0), restart=False)
    watch = site.hub.tasks.start("watch", site.watch_loop, restart=False)
    await asyncio.sleep(1.0)
    site.longest_gap_s = 0.0
    began_s = time.perf_counter()
    loaded = await asyncio.to_thread(site.read, "baru")
    read_s = time.perf_counter() - began_s
    report = await site.engine.reload(loaded)
    reload_s = time.perf_counter() - began_s
    gap_s = site.longest_gap_s
    assert len(report.changed) == 1_000, report
    await flow.wait(30)
    await site.settle()
    watch.cancel()
    missed, twice = len(site.told_s) - len(site.acted_s), site.acted - len(site.acted_s)
    after_ms = sorted((site.acted_s[one] - told_s) * 1_000 for one, told_s in site.told_s.items())
    await close_hub(site.hub, site.engine)
    return {
        "reload_1000_rules_s": round(reload_s, 2),
        "reload_swap_s": round(reload_s - read_s, 3),
        "reload_longest_loop_hold_ms": round(gap_s * 1_000, 1),
        "reload_event_to_action_max_ms": round(after_ms[-1], 1),
        "reload_events_missed": missed,
        "reload_events_met_twice": twice,
    }
