"""A hub with a real engine and real sources: rules fire by the clock and by states, and say ``catat`` what they did."""

from datetime import timedelta

import msgspec
from engine_writes import Writes
from hub_for_rules import close_hub, open_hub, read_rules
from step_bench import NotesWords

from siaga.core.clock import ManualClock
from siaga.core.media.messages import Reading
from siaga.rules.engine import RuleEngine
from siaga.rules.sources import TriggerSources

NOTE = 'actions: [{action: catat, data: {kata: "{{ trigger.id }}"}}]'


class SteppedClock(ManualClock):
    """A clock that tests can also set, as NTP or a person does; what only runs knows nothing of it."""

    def __init__(self, start):
        super().__init__(start)
        self.set_by = timedelta(0)

    def now(self):
        return super().now() + self.set_by


class SourceBench:
    """Run rules whose triggers and conditions are given, and note each time that one acts."""

    def __init__(self, folder, start, site=None) -> None:
        self.folder, self.start, self.site = folder, start, site or {}
        self.calls = []
        self.refusals = 0
        self.hub = self.engine = self.sources = None
        self._text = ""

    @property
    def done(self):
        return [call.data["kata"] for call in self.calls]

    async def open(self, *rules, start=None):
        """Open with rules: each the text of a trigger (and more keys, on lines of their own)."""
        self._text = "".join(
            f"- id: r{number}\n  mode: queued\n  max: 1000\n  triggers:\n    - {rule.strip()}\n  {NOTE}\n"
            for number, rule in enumerate(rules)
        )
        return await self.begin(start)

    async def begin(self, start=None, text=None):
        self._text = text or self._text
        clock = SteppedClock(start or (self.hub.clock.now() if self.hub else self.start))
        self.hub = await open_hub(self.folder / "siaga.db", clock)
        if self.site:
            changed = msgspec.structs.replace(self.hub.settings.site, **self.site)
            self.hub.settings = msgspec.structs.replace(self.hub.settings, site=changed)
        self.writes = Writes(self.hub)
        loaded = read_rules(self._text, self.folder, words=NotesWords(self))
        assert not loaded.problems, [str(problem) for problem in loaded.problems]
        self.sources = TriggerSources(self.hub, loaded.template_functions)
        self.engine = RuleEngine(self.hub, loaded, sources=self.sources)
        await self.engine.start()
        await self.rest()
        return self

    async def close(self):
        if self.hub is not None:
            await close_hub(self.hub, self.engine)
            self.hub = None

    async def again(self, after_s=0.0, text=None):
        """Stop, and start again on the same journal some seconds later."""
        later = self.hub.clock.now() + timedelta(seconds=after_s)
        await self.close()
        await self.begin(later, text)

    async def level(self, value, camera="kali", kind="flood.level", zone=None, **data):
        """Tell a reading."""
        field = "level_cm" if kind == "flood.level" else "count"
        now = self.hub.clock.now()
        self.hub.bus.publish(Reading(camera=camera, kind=kind, at=now, zone=zone, data={field: value, **data}))
        await self.rest()

    async def tell(self, event):
        await self.hub.emit(event)
        await self.rest()

    async def rest(self):
        """Wait until what was noticed is committed, met and done."""
        await self.writes.rest(self.engine, self.sources)

    async def advance(self, seconds):
        await self.hub.clock.advance(seconds)
        await self.rest()

    async def run_until(self, moment, step_s=600.0):
        """Let the clock run, with rests, so that what comes is met in its order."""
        while (left := (moment - self.hub.clock.now()).total_seconds()) > 0:
            await self.advance(min(step_s, left))

    async def told(self, kind="rule.state"):
        found = await self.hub.events.find(kind=kind, limit=100)
        return [one.event for one in reversed(found)]
