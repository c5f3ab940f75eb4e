"""When a hub with a rule engine is at rest: every event was met and nothing goes on without the clock."""

import asyncio

from hub_for_rules import until

# The turns of the loop in a row in which nothing was written; work hands over between tasks a few times.
_STILL = 4


class Writes:
    """Count the writes of a hub's journal, and wait until they have ended."""

    def __init__(self, hub) -> None:
        self._hub = hub
        self.begun = self.done = 0
        write = hub.journal.write

        async def counted(job, then=None):
            self.begun += 1
            try:
                return await write(job, then)
            finally:
                self.done += 1

        hub.journal.write = counted

    async def rest(self, engine, sources=None):
        """Wait until the sources told everything, the engine met every event, and what follows at once is done."""

        async def has_met():
            return engine._cursor >= await self._hub.events.last_seq()

        if sources is not None:
            await until(lambda: not sources._waiting, "the sources told everything")
        await until(has_met, "the journal was followed")
        still = 0
        while still < _STILL:
            before = self.begun
            await asyncio.sleep(0.002)
            still = still + 1 if before == self.begun == self.done and await has_met() else 0
