"""A camera that turns, on the hub of the pages' tests: with zones of its presets, a home and a patrol."""

import msgspec
from dome import TellingDome

from siaga.core.ptz.desk import PtzDesk
from siaga.core.ptz.settings import PatrolSettings, PatrolStop, PtzSettings

BANK = ((0.1, 0.5), (0.9, 0.5), (0.9, 0.9))
PATROL = PatrolSettings(
    stops=(PatrolStop(preset="pintu-air", dwell_s=600), PatrolStop(preset="jalan", dwell_s=600)), pause_s=3600
)


class KeepingDome(TellingDome):
    """Keep presets, too."""

    def __init__(self):
        super().__init__(turns=0)
        self.names = ["pintu-air", "jalan"]

    async def presets(self):
        return tuple(self.names)

    async def set_preset(self, name):
        await self._do("set_preset", name)
        self.names.append(name)

    async def remove_preset(self, name):
        await self._do("remove_preset", name)
        self.names.remove(name)


async def put_dome(hub):
    """Put a dome into the place of the hub's PTZ camera, and return it."""
    camera = msgspec.structs.replace(
        hub.settings.cameras["ptz"],
        preset_zones={"pintu-air": {"bantaran": BANK}},
        ptz=PtzSettings(home="jalan", return_after_s=3600, settle_s=0, lease_s=30, patrol=PATROL),
    )
    hub.settings = msgspec.structs.replace(hub.settings, cameras={**hub.settings.cameras, "ptz": camera})
    dome = hub.turning.ptz = KeepingDome()
    await hub.ptz.stop_watching(1)
    hub.ptz = PtzDesk(await hub.ptz_ports(), cameras=lambda: tuple(hub.cameras))
    hub.ptz.start(hub.tasks)
    return dome
