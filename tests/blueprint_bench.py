"""Runs one rule of a blueprint on the sample site: real engine, journal and alert desk, cameras that remember."""

import asyncio
import re
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from hub_for_rules import RecordingCamera, built_in_words, close_hub, event, open_hub, until

from siaga.core.clock import ManualClock
from siaga.core.config import load_settings
from siaga.core.contracts import Kind
from siaga.core.texts import Texts
from siaga.core.validators import duration
from siaga.core.yaml_lines import LineDict, LineList, plain
from siaga.rules.engine import RuleEngine
from siaga.rules.parse import load_rules

SAMPLE = Path(__file__).parent / "sample_site" / "config.yaml"
WIB = ZoneInfo("Asia/Jakarta")


@cache
def sample_site():
    """Return the settings of the sample site, which has nothing wrong with it."""
    loaded = load_settings(SAMPLE, built_in_words())
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return loaded.settings


def rules_of(name, inputs, words=None):
    """Read a rule ``uji`` that uses a blueprint with some inputs."""
    node = LineDict({"id": "uji", "use_blueprint": LineDict({"path": name, "input": as_nodes(inputs)})})
    return load_rules([node], words or built_in_words(), sample_site(), Texts("id"))


def as_nodes(value):
    """Return plain values as YAML would have read them."""
    if isinstance(value, dict):
        return LineDict({key: as_nodes(item) for key, item in value.items()})
    return LineList([as_nodes(item) for item in value]) if isinstance(value, list) else value


class Noted:
    """Be an action of the product, and note each call of it before it is done."""

    def __init__(self, make, note) -> None:
        self._action, self._note = make(), note

    def __getattr__(self, name):
        return getattr(self._action, name)

    async def run(self, call, hub):
        self._note(call)
        return await self._action.run(call, hub)


class NotingWords:
    """Offer the built-in words, each action noted."""

    def __init__(self, note) -> None:
        known = built_in_words()
        self.triggers, self.conditions = known.triggers, known.conditions
        self.template_functions, self.event_kinds = known.template_functions, known.event_kinds
        self.actions = {
            name: Kind(name, kind.schema, partial(Noted, kind.make, note), kind.summary, kind.summary_en)
            for name, kind in known.actions.items()
        }


class RecordingOutputs:
    """Be a siren and a lamp, and remember what was switched."""

    def __init__(self) -> None:
        self.switched: list[tuple] = []

    async def outputs(self):
        return ("siren", "lamp")

    async def switch(self, output, is_on, for_s):
        self.switched.append((output, is_on, for_s))

    async def play(self, sound):
        self.switched.append(("speaker", sound, 0.0))


class BlueprintBench:
    """Hold a hub at a local time, its engine with the one rule, and what was done when."""

    def __init__(self, folder, name, inputs, at="2026-11-22 19:05") -> None:
        self.begin = datetime.fromisoformat(at).replace(tzinfo=WIB)
        self.done: list[tuple] = []
        self._folder, self._name, self._inputs = folder, name, inputs
        self._writing = self._written = 0

    async def __aenter__(self):
        loaded = rules_of(self._name, self._inputs, NotingWords(self._note))
        assert not loaded.problems, [str(problem) for problem in loaded.problems]
        self.clock = ManualClock(self.begin)
        self.hub = await open_hub(self._folder / "siaga.db", self.clock, site=sample_site())
        self.siren = RecordingOutputs()
        self.hub.cameras = {name: RecordingCamera() for name in sample_site().cameras}
        self.hub.cameras["ptz"].ptz = self.hub.ptz
        for camera in self.hub.cameras.values():
            camera.io = self.siren
        write = self.hub.journal.write

        async def counted(job, then=None):
            self._writing += 1
            try:
                return await write(job, then)
            finally:
                self._written += 1

        self.hub.journal.write = counted
        self.engine = RuleEngine(self.hub, loaded)
        await self.engine.start()
        return self

    async def __aexit__(self, *what):
        await close_hub(self.hub, self.engine)

    def _note(self, call):
        self.done.append((self.passed_s(), call))

    def passed_s(self) -> float:
        """Return the seconds since the beginning."""
        return (self.clock.now() - self.begin).total_seconds()

    async def tell(self, kind, camera=None, **more):
        """Let something happen now, and wait until all that follows at once is done."""
        await self.hub.emit(event(kind, camera, at=self.clock.now(), **more))
        await self.rest()

    async def go_to(self, seconds, step_s=60.0):
        """Let time pass until so long after the beginning, in steps that a run can follow."""
        while (left := seconds - self.passed_s()) > 0:
            await self.clock.advance(min(step_s, left))
            await self.rest()

    async def rest(self):
        """Wait until every event was met and nothing goes on without the clock."""
        last = await self.hub.events.last_seq()
        await until(lambda: self.engine._cursor >= last, "the journal was followed")
        still = 0
        while still < 4:
            before = self._writing
            await asyncio.sleep(0.002)
            still = still + 1 if before == self._writing == self._written else 0

    async def notices(self):
        """Return every message that was committed, by address."""
        found = {}
        for notice in await self.hub.outbox.all():
            found.setdefault(notice.to, []).append(notice.text)
        return found

    def actions(self):
        """Return the names of what was done, in order."""
        return [call.action for _, call in self.done]


async def faults_of(folder, name, test):
    """Run one of a blueprint's own ``tests:`` with everything real; return what was not as expected."""
    async with BlueprintBench(folder, name, plain(test["input"]), test.get("at", "2026-11-22 19:05")) as bench:
        for one in test["events"]:
            await bench.go_to(duration(one["after"]))
            told = {key: plain(value) for key, value in one.items() if key not in ("after", "kind", "camera")}
            await bench.tell(one["kind"], one.get("camera"), **told)
        await bench.go_to(duration(test["until"]))
    wanted = list(test["expect"])
    faults = [f"{call.action} at {at} s: not expected" for at, call in bench.done[len(wanted) :]]
    faults += [f"{one['action']}: not done" for one in wanted[len(bench.done) :]]
    for (at, call), one in zip(bench.done, wanted, strict=False):
        got = {"action": call.action, "target": {key: list(names) for key, names in call.target.items()}}
        faults += different({key: value for key, value in one.items() if key != "after"}, {**got, "data": call.data})
        if "after" in one and abs(duration(one["after"]) - at) > 1:
            faults.append(f"{call.action}: after {at} s, not {one['after']}")
    return faults


def different(wanted, got, path=""):
    """Say where ``got`` does not hold what is wanted; ``*`` in a text stands for anything."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [fault for key in wanted for fault in different(wanted[key], got.get(key), f"{path}.{key}")]
    if isinstance(wanted, str) and "*" in wanted:
        pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
        return [] if re.fullmatch(pattern, str(got), re.DOTALL) else [f"{path}: {got!r} is not {wanted!r}"]
    return [] if wanted == got else [f"{path}: {got!r} is not {wanted!r}"]
