"""Watches one camera that turns: it comes to rest, leases end, it goes home or on patrol, somebody else moved it."""

from __future__ import annotations

import logging
import math
import random
from functools import partial

from ..contracts import Ptz
from ..device_contracts import KnowsPosition, PtzPosition
from ..errors import ActionFailed, NotSupported, SiagaError
from ..tasks import unless
from .lease import Mover
from .mount import Mount, Order, Settling
from .standing import is_same, preset_at

logger = logging.getLogger(__name__)

PATROL = Mover(kind="patrol", name="patrol")
# Where a camera turns to by itself is asked this often, with jitter; one that does not answer less and less.
LOOK_EVERY_S, LONGEST_LOOK_S = 10.0, 120.0
# A camera that begins to turn late still says that it stands: it is asked again until it twice said the same.
SETTLE_LOOK_S, FIRST_LOOK_S = 0.5, 1.0
# A dome that did not come to rest by then is turned by somebody.
SETTLE_MOST_S = 20.0
# A camera that tours by its own clock is displaced again and again; that is one piece of news.
DISPLACED_EVERY_S = 600.0
FIRST_RETRY_S, LONGEST_RETRY_S = 30.0, 900.0
INCIDENT_LOOK_S = 15.0
SUMMARY_EVERY_S = 3600.0
_SHORTEST_S, _LONGEST_S = 0.05, 60.0


class Keeper:
    """Do what is due for one camera, and sleep until the next is."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount
        self._ports = mount.ports
        self._tells_where = True
        self._look_s = mount.now_s
        self._look_every_s = LOOK_EVERY_S
        self._before: PtzPosition | None = None
        self._seen: Settling | None = None
        self._displaced_s = -math.inf
        self._home_s = -math.inf
        self._home_failures = 0
        self._home_why = ""
        self._incident_s = -math.inf
        self._summed_s = mount.now_s

    async def run(self) -> None:
        """Watch until cancelled."""
        mount = self._mount
        await mount.recall()
        mount.tell_eyes()
        while True:
            mount.changed.clear()
            await self.round()
            wait_s = min(max(self._next_s() - mount.now_s, _SHORTEST_S), _LONGEST_S)
            await unless(mount.changed, partial(self._ports.clock.sleep, wait_s))

    async def round(self) -> None:
        """Do what is due now."""
        mount = self._mount
        if mount.lease is not None and mount.holder() is None:
            await mount.let_go("ended")
        if mount.settling is not None:
            await self._settle(mount.settling)
        if mount.settling is None:
            await self._look()
        if mount.settling is None and mount.holder() is None:
            if self._is_patrol_due():
                await self._patrol()
            elif self._is_home_due():
                await self._go_home()
        if mount.now_s >= self._summed_s + SUMMARY_EVERY_S:
            self._summed_s = mount.now_s
            await sum_up(mount)

    def _next_s(self) -> float:
        """Return when something is due next."""
        mount = self._mount
        due = [mount.lease.until_s] if mount.lease is not None else []
        if mount.settling is not None:
            is_asked = self._knows() is not None and mount.settling.until_s < math.inf
            return min([*due, self._look_s if is_asked else mount.settling.until_s])
        if self._knows() is not None:
            due.append(self._look_s)
        if mount.lease is None and mount.settings.home and mount.is_away:
            due.append(max(mount.moved_s + mount.settings.return_after_s, self._home_s))
        if mount.lease is None and mount.walk is not None and mount.walk.is_on:
            due.append(max(mount.walk.next_s, mount.patrols_from_s, self._incident_s))
        return min(due, default=math.inf)

    # --- where it stands ------------------------------------------------------------------------

    def _knows(self) -> KnowsPosition | None:
        ptz = self._mount.head.ptz
        return ptz if self._tells_where and isinstance(ptz, KnowsPosition) else None

    async def _position(self) -> PtzPosition | None:
        """Ask where the camera looks; None where it does not say."""
        knows = self._knows()
        if knows is None:
            return None

        async def ask(_ptz: Ptz) -> PtzPosition:
            return await knows.position()

        try:
            position = await self._mount.head.look(ask)
        except NotSupported:
            self._tells_where = False
            return None
        except SiagaError as err:
            logger.debug("camera %s does not say where it looks: %s", self._mount.camera, err)
            self._look_every_s = min(2 * self._look_every_s, LONGEST_LOOK_S)
            return None
        if not isinstance(position, PtzPosition):
            self._tells_where = False
            return None
        self._look_every_s = LOOK_EVERY_S
        return position

    async def _settle(self, settling: Settling) -> None:
        mount, now_s = self._mount, self._mount.now_s
        if settling is not self._seen:
            self._seen, self._before = settling, None
            self._look_s = min(settling.until_s, now_s + FIRST_LOOK_S + settling.order.takes_s)
        if settling.until_s == math.inf:
            return
        position = await self._position() if now_s >= self._look_s else None
        if mount.settling is not settling:
            return  # moved anew meanwhile
        if self._knows() is None or (position is None and now_s >= settling.until_s):
            if now_s >= settling.until_s:
                await self._settled(settling, None)
            return
        if position is None:
            self._look_s = max(self._look_s, now_s + SETTLE_LOOK_S)
            return
        rests = not position.is_moving and self._before is not None and is_same(position, self._before)
        self._before, self._look_s = position, now_s + SETTLE_LOOK_S
        if rests or now_s > settling.until_s + SETTLE_MOST_S:
            await self._settled(settling, position, is_lost=not rests)

    async def _settled(self, settling: Settling, position: PtzPosition | None, *, is_lost: bool = False) -> None:
        mount, target = self._mount, settling.order.target
        mount.settling = None
        self._look_s = mount.now_s + self._look_every_s * random.uniform(0.8, 1.2)
        if is_lost or not target:
            mount.stand("unknown")
            return
        mount.stand("standing", target)
        if position is not None:
            mount.positions[target] = position
            await mount.remember()
        if settling.mover.kind != "patrol":
            await mount.tell_arrived(target, settling.mover)

    async def _look(self) -> None:
        """See whether somebody turned the camera by another way, or turned it back."""
        mount = self._mount
        if mount.now_s < self._look_s or self._knows() is None:
            return
        before = mount.standing
        position = await self._position()
        self._look_s = mount.now_s + self._look_every_s * random.uniform(0.8, 1.2)
        if position is None or mount.settling is not None:
            return
        if position.is_moving:
            self._look_s = mount.now_s + FIRST_LOOK_S
            mount.stand("moving")
        elif before.where == "standing" and before.preset not in mount.positions:
            mount.positions[before.preset] = position
        elif before.where != "standing" or not is_same(position, mount.positions[before.preset]):
            found = preset_at(position, mount.positions)
            mount.stand("standing" if found else "unknown", found)
        if before.where == "standing" and mount.standing.preset != before.preset:
            mount.moved_by_other()
            if mount.now_s >= self._displaced_s + DISPLACED_EVERY_S:
                self._displaced_s = mount.now_s
                await mount.tell_displaced(before.preset)

    # --- what it does when nobody holds it ------------------------------------------------------

    def _is_home_due(self) -> bool:
        mount = self._mount
        home = mount.settings.home
        if not home or not mount.is_away:
            return False
        if mount.standing.preset == home:
            mount.is_away = False
            return False
        return mount.now_s >= max(mount.moved_s + mount.settings.return_after_s, self._home_s)

    async def _go_home(self) -> None:
        mount, home = self._mount, self._mount.settings.home
        order = Order(verb="home", detail={"preset": home}, target=home)
        try:
            await mount.order(order, PATROL, lambda ptz: ptz.goto(home))
        except SiagaError as err:
            self._home_failures += 1
            wait_s = min(FIRST_RETRY_S * 2.0 ** min(self._home_failures - 1, 10), LONGEST_RETRY_S)
            self._home_s = mount.now_s + wait_s * random.uniform(0.8, 1.2)
            self._home_why = str(err)
            self._tell_health()
            return
        mount.is_away = False
        self._home_failures, self._home_s = 0, -math.inf
        if self._home_why:
            self._home_why = ""
            self._tell_health()

    def _is_patrol_due(self) -> bool:
        mount, walk = self._mount, self._mount.walk
        if walk is None or not walk.is_on:
            return False
        return mount.now_s >= max(walk.next_s, mount.patrols_from_s, self._incident_s)

    async def _patrol(self) -> None:
        mount, walk = self._mount, self._mount.walk
        assert walk is not None
        if walk.plan.waits_for_incident and await self._ports.has_incident(mount.camera):
            self._incident_s = mount.now_s + INCIDENT_LOOK_S
            return
        if mount.settling is not None or mount.holder() is not None:
            return  # taken while the incidents were looked up
        stop = walk.step(mount.now_s, mount.settings.settle_s)
        mount.is_away = False
        why = ""
        if mount.standing.preset != stop.preset:
            try:
                order = Order(verb="goto", target=stop.preset)
                await mount.order(order, PATROL, lambda ptz: ptz.goto(stop.preset))
            except ActionFailed:
                walk.interrupt()  # somebody took the camera
                return
            except SiagaError as err:
                why = str(err)
        if walk.told(stop.preset, why):
            self._tell_health()

    def _tell_health(self) -> None:
        mount, texts = self._mount, self._ports.texts
        failing = sorted(mount.walk.failing.items()) if mount.walk is not None else []
        reasons = []
        if self._home_why:
            reasons.append(texts("ptz.home_failing", preset=mount.settings.home, why=self._home_why))
        if failing:
            named = "; ".join(f"{preset}: {why}" for preset, why in failing)
            reasons.append(texts("ptz.patrol_failing", presets=named))
        self._ports.health.set(f"ptz {mount.camera}", "degraded" if reasons else "ok", "; ".join(reasons))


async def sum_up(mount: Mount) -> None:
    """Write what a patrol did since the last time into the audit, as one line. StoreFailed."""
    walk = mount.walk
    if walk is None or not walk.moves:
        return
    moves, walk.moves = walk.moves, 0
    await mount.note(PATROL, "ptz.patrol", moves=moves, failing=sorted(walk.failing))
