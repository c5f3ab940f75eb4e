"""A hub with a real engine for tests of steps, and a stranger's action that remembers what it was asked."""

from datetime import timedelta
from functools import partial

import voluptuous as vol
from engine_writes import Writes
from hub_for_rules import built_in_words, close_hub, event, open_hub, read_rules

from siaga.core.clock import ManualClock
from siaga.core.contracts import Kind
from siaga.core.errors import ActionFailed, StoreFailed
from siaga.core.types import ActionResult
from siaga.rules.engine import RuleEngine


def str_of(value):
    """Take whatever a template gives."""
    return str(value)


def float_of(value):
    """Take a whole number too."""
    return float(value)


CATAT = vol.Schema({vol.Required("kata"): str_of, vol.Optional("gagal", default=False): bool})


class Note:
    """Remember each call by its key, as a careful plugin does: the same key again changes nothing."""

    targets = ("camera",)

    def __init__(self, bench) -> None:
        self._bench = bench

    async def run(self, call, hub):
        self._bench.calls.append(call)
        if call.data["gagal"]:
            raise ActionFailed(f"{call.data['kata']} rusak")
        return ActionResult(data={"kata": call.data["kata"], "kamera": list(call.target.get("camera", ()))})


class Insist(Note):
    """Be an action that must be done: what the disk refuses is put off and done later."""

    def rescue(self, key, why, alias, event, hub):
        return None

    async def unreached(self, path, why, call, hub):
        return None

    async def run(self, call, hub):
        if self._bench.refusals:
            self._bench.refusals -= 1
            raise StoreFailed("disk penuh")
        return await super().run(call, hub)


BELL = vol.Schema({vol.Optional("for", default=0.0): float_of})


class Bell:
    """Fire when a source says that the bell of this very trigger rings."""

    kinds = ("rule.timer",)
    cameras = ()

    def __init__(self, options, texts) -> None:
        self._whose = None
        self.for_s = options["for"]

    def bind(self, owner, path):
        self._whose = owner, path

    def miss(self, event):
        return None if (event.data["owner"], event.data["path"]) == self._whose else "bel lain"

    def breaks(self, began, event):
        return event.data.get("diam", False)


class Bells:
    """Be a source: remember whose triggers there are, ring when the test says so."""

    def __init__(self, hub) -> None:
        self.hub = hub
        self.owners = {}
        self.is_on = False

    async def start(self):
        self.is_on = True

    async def stop(self):
        self.is_on = False

    def put(self, owner, triggers):
        self.owners[owner] = tuple(bound.path for bound in triggers if isinstance(bound.trigger, Bell))

    def drop(self, owner):
        self.owners.pop(owner, None)

    def near_misses(self, owner):
        return ()

    async def ring(self, owner, path):
        told = event("rule.timer", None, at=self.hub.clock.now(), data={"owner": owner, "path": path})
        await self.hub.emit(told)


class NotesWords:
    """Offer the built-in words, and ``catat`` of a stranger's plugin."""

    def __init__(self, bench) -> None:
        known = built_in_words()
        self.triggers = {**known.triggers, "bel": Kind("bel", BELL, Bell, "Bel", "A bell")}
        self.conditions = known.conditions
        own = {"catat": Note, "paksa": Insist}
        self.actions = {
            **known.actions,
            **{name: Kind(name, CATAT, partial(made, bench), "Catat", "Note") for name, made in own.items()},
        }
        self.template_functions, self.event_kinds = known.template_functions, known.event_kinds


class StepBench:
    """Run the actions of one rule, ``aturan``, which begins with an event ``object.person``."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.calls = []
        self.refusals = 0
        self.make_sources = None
        self.prepare = lambda hub: None
        self.triggers = "[{trigger: event, kind: object.person}]"
        self.hub = self.engine = None
        self._rules = self._scripts = ""

    @property
    def done(self) -> list[str]:
        """Return the words of ``catat`` in the order that it was asked, those that failed too."""
        return [call.data["kata"] for call in self.calls]

    def read(self, actions, more="", scripts="", language="id"):
        self._rules = f"- id: aturan\n  triggers: {self.triggers}\n{more}  actions:{actions}\n"
        self._scripts = scripts
        return read_rules(self._rules, self.folder, language, words=NotesWords(self), scripts=scripts)

    async def open(self, actions, more="", scripts="", clock=None):
        loaded = self.read(actions, more, scripts)
        assert not loaded.problems, [str(problem) for problem in loaded.problems]
        return await self._open(loaded, clock)

    async def _open(self, loaded, clock=None):
        self.hub = await open_hub(self.folder / "siaga.db", clock)
        self.prepare(self.hub)
        self.writes = Writes(self.hub)
        self.engine = RuleEngine(self.hub, loaded, sources=self.make_sources(self.hub) if self.make_sources else None)
        await self.engine.start()
        return self

    async def close(self):
        if self.hub is not None:
            await close_hub(self.hub, self.engine)
            self.hub = None

    async def again(self, after_s=0.0):
        """Stop in the middle of whatever runs, and start on the same journal some seconds later."""
        later = self.hub.clock.now() + timedelta(seconds=after_s)
        await self.close()
        loaded = read_rules(self._rules, self.folder, words=NotesWords(self), scripts=self._scripts)
        await self._open(loaded, ManualClock(later))
        await self.rest()

    async def reload(self, actions="", more="", scripts="", old="", new=""):
        """Let the engine take the rule with other actions, or with ``new`` in the place of ``old``."""
        if actions:
            self.read(actions, more, scripts)
        self._rules = self._rules.replace(old, new) if old else self._rules
        loaded = read_rules(self._rules, self.folder, words=NotesWords(self), scripts=self._scripts)
        report = await self.engine.reload(loaded)
        await self.rest()
        return report

    async def tell(self, *events):
        for one in events or (event("object.person", at=self.hub.clock.now()),):
            await self.hub.emit(one)
        await self.rest()

    async def rest(self):
        """Wait until every event was met and nothing goes on without the clock."""
        await self.writes.rest(self.engine)

    async def advance(self, seconds):
        await self.hub.clock.advance(seconds)
        await self.rest()

    async def trace(self):
        return (await self.engine.traces("aturan"))[0]

    async def rows(self):
        return {step.path: step for step in (await self.trace()).steps}


def say(word, more=""):
    """Return a step that notes a word."""
    return f'{{action: catat, data: {{kata: "{word}"}}{more}}}'


def break_down(word, more=""):
    """Return a step that fails."""
    return f'{{action: catat, data: {{kata: "{word}", gagal: true}}{more}}}'
