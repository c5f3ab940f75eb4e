"""Runs one rule of a blueprint on the sample site: real engine, journal and alert desk, cameras that remember."""

import re
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from engine_writes import Writes
from hub_for_rules import RecordingCamera, built_in_words, close_hub, event, open_hub, until

from siaga.core.clock import ManualClock
from siaga.core.config import load_settings
from siaga.core.texts import Texts
from siaga.core.validators import duration
from siaga.core.yaml_lines import LineDict, LineList, plain
from siaga.rules.engine import RuleEngine
from siaga.rules.outside import do_action
from siaga.rules.parse import load_rules
from siaga.rules.sources import TriggerSources

SAMPLE = Path(__file__).parent / "sample_site" / "config.yaml"
WIB = ZoneInfo("Asia/Jakarta")


@cache
def sample_site():
    """Return the settings of the sample site, which has nothing wrong with it."""
    loaded = load_settings(SAMPLE, built_in_words())
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return loaded.settings


def rules_of(name, inputs):
    """Read a rule ``uji`` that uses a blueprint with some inputs."""
    node = LineDict({"id": "uji", "use_blueprint": LineDict({"path": name, "input": as_nodes(inputs)})})
    return load_rules([node], built_in_words(), sample_site(), Texts("id"))


def as_nodes(value):
    """Return plain values as YAML would have read them."""
    if isinstance(value, dict):
        return LineDict({key: as_nodes(item) for key, item in value.items()})
    return LineList([as_nodes(item) for item in value]) if isinstance(value, list) else value


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

    async def __aenter__(self):
        loaded = rules_of(self._name, self._inputs)
        assert not loaded.problems, [str(problem) for problem in loaded.problems]
        self.clock = ManualClock(self.begin)
        self.hub = await open_hub(self._folder / "siaga.db", self.clock, site=sample_site())
        self.siren = RecordingOutputs()
        self.hub.cameras = {name: RecordingCamera() for name in sample_site().cameras}
        self.hub.cameras["ptz"].ptz = self.hub.dome
        for camera in self.hub.cameras.values():
            camera.io = self.siren
        self.writes = Writes(self.hub)
        self.sources = TriggerSources(self.hub, loaded.template_functions)
        self.engine = RuleEngine(self.hub, loaded, act=self._act, sources=self.sources)
        await self.engine.start()
        return self

    async def __aexit__(self, *what):
        await close_hub(self.hub, self.engine)

    async def _act(self, step, call, hub):
        self.done.append((self.passed_s(), call))
        return await do_action(step, call, hub)

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
        await self.writes.rest(self.engine, self.sources)

    async def notices(self):
        """Return every message that was committed, by address."""
        found = {}
        for notice in await self.hub.outbox.all():
            found.setdefault(notice.to, []).append(notice.text)
        return found

    async def told(self, name, count=1):
        """Return the messages to an address, when there are so many: the desk has tasks of its own."""
        await until(partial(self._has_told, name, count), f"{name} was told {count} times")
        return (await self.notices())[name]

    async def _has_told(self, name, count):
        return len((await self.notices()).get(name, ())) >= count

    def actions(self):
        """Return the names of what was done, in order."""
        return [call.action for _, call in self.done]


async def faults_of(folder, name, test):
    """Run one of a blueprint's own ``tests:`` with everything real; return what was not as expected."""
    async with BlueprintBench(folder, name, plain(test["input"]), test.get("at", "2026-11-22 19:05")) as bench:
        for one in test["events"]:
            after_s = duration(one["after"])
            await bench.go_to(after_s, step_s=60.0 if after_s <= 3600 else 300.0)
            told = {key: plain(value) for key, value in one.items() if key not in ("after", "kind", "camera")}
            await bench.tell(one["kind"], one.get("camera"), **told)
        # Short tests name seconds, long ones minutes or hours.
        end_s = duration(test["until"])
        await bench.go_to(end_s, step_s=10.0 if end_s <= 600 else 60.0 if end_s <= 4 * 3600 else 300.0)
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
