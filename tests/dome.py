"""A camera that turns, for tests: it notes what it was told; it is dead, hangs or is turned by others at will."""

import asyncio

from siaga.core.device_contracts import PtzPosition
from siaga.core.errors import CameraLost, NotSupported

PLACES = {"pintu-air": (-0.5, 0.1, 0.2), "jalan": (0.4, 0.0, 0.0), "pos": (0.9, -0.2, 0.5)}


class Dome:
    """Turn to presets and at a speed; it cannot say where it looks."""

    def __init__(self):
        self.told = []
        self.is_dead = self.is_hanging = False
        self.broken_presets = set()
        self.let_go = asyncio.Event()

    async def _do(self, *what):
        if self.is_hanging:
            await self.let_go.wait()
        if self.is_dead:
            raise CameraLost("kamera tidak menjawab")
        self.told.append(what)

    async def presets(self):
        return tuple(PLACES)

    async def goto(self, preset):
        if preset not in PLACES or preset in self.broken_presets:
            raise NotSupported(f"tidak ada preset '{preset}'")
        await self._do("goto", preset)

    async def move(self, pan, tilt, zoom, seconds):
        await self._do("move", pan, tilt, zoom, seconds)

    async def stop(self):
        self.told.append(("stop",))


class TellingDome(Dome):
    """Say where it looks, too; ``turns`` is how often it says that it still moves after a command."""

    def __init__(self, turns=2):
        super().__init__()
        self.at = (0.0, 0.0, 0.0)
        self.turns = turns
        self.asked = 0
        self.left = 0
        self.is_mute = False

    async def _do(self, *what):
        await super()._do(*what)
        self.left = self.turns
        if what[0] == "goto":
            self.at = PLACES[what[1]]
        elif what[0] == "move":
            self.at = (self.at[0] + 0.3, *self.at[1:])

    async def position(self):
        self.asked += 1
        if self.is_mute:
            raise CameraLost("kamera tidak menjawab")
        self.left = max(0, self.left - 1)
        pan, tilt, zoom = self.at
        return PtzPosition(pan=pan, tilt=tilt, zoom=zoom, is_moving=self.left > 0)
