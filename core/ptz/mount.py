"""One camera that turns: who holds it, where it stands, and every command to it with its line in the audit."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from ..contracts import Ptz
from ..device_contracts import PtzPosition
from ..errors import SiagaError
from ..media.messages import CameraStands
from ..settings import CameraSettings
from ..types import AuditEntry, Json, Struct
from .head import CutOff, Head
from .lease import CameraHeld, Lease, Mover, answer
from .ports import Ports
from .settings import PtzSettings
from .standing import Standing, Where
from .walk import Walk

logger = logging.getLogger(__name__)

_OWNER = "ptz"
# A finger that stays on a button asks again each second; that is one move in the audit.
ONE_MOVE_S = 5.0
# After a start of the hub the cameras are given so long to answer.
FIRST_PATROL_S = 10.0


class Order(Struct):
    """Say one command: ``verb`` and ``detail`` for the audit, ``target`` the preset at which it ends, "" for none.

    ``takes_s`` is how long the camera turns after it answered, before it settles.
    """

    verb: str
    detail: Mapping[str, Json] = {}
    target: str = ""
    takes_s: float = 0.0


class Settling(Struct):
    """Say after which command a camera comes to rest, and when at the latest; infinite while that is under way."""

    order: Order
    mover: Mover
    until_s: float = math.inf


class Mount:
    """Hold the state of one camera; ``keeper`` watches its times."""

    def __init__(self, camera: str, ports: Ports) -> None:
        self.camera = camera
        self.ports = ports
        self.head = Head(camera, self._ptz, tasks=ports.tasks, texts=ports.texts)
        self.standing = Standing(where="unknown", since=ports.clock.now())
        self.lease: Lease | None = None
        self.sent = ""
        self.positions: dict[str, PtzPosition] = {}
        self.walk = Walk(self.settings.patrol) if self.settings.patrol else None
        # When a person or a rule moved it last, or let go of it.
        self.moved_s = ports.clock.mono_s()
        self.patrols_from_s = self.moved_s + FIRST_PATROL_S
        self.is_away = True
        self.changed = asyncio.Event()
        self.settling: Settling | None = None
        self.mover: Mover | None = None
        self._noted = ("", Mover(kind="patrol", name=""), float("-inf"))

    @property
    def settings(self) -> PtzSettings:
        """Return what the operator says about this camera."""
        found = self._camera_settings
        return found.ptz if found is not None else PtzSettings()

    @property
    def now_s(self) -> float:
        """Return the monotonic time."""
        return self.ports.clock.mono_s()

    async def recall(self) -> None:
        """Take up what was known before the hub's restart; leases are gone, and where it stands is unknown."""
        kept = await self.ports.memory.recall(_OWNER, self.camera)
        if not isinstance(kept, dict):
            return
        self.sent = str(kept.get("sent", ""))
        for name, (pan, tilt, zoom) in dict(kept.get("positions", {})).items():
            self.positions[name] = PtzPosition(pan=pan, tilt=tilt, zoom=zoom)
        if self.walk is not None:
            self.walk.is_on = bool(kept.get("patrol", True))

    async def remember(self) -> None:
        """Keep what a restart should know; a disk that fails costs no move."""
        positions = {name: [at.pan, at.tilt, at.zoom] for name, at in self.positions.items()}
        kept = {"sent": self.sent, "positions": positions, "patrol": self.walk is None or self.walk.is_on}
        try:
            await self.ports.memory.remember(_OWNER, self.camera, kept)
        except SiagaError as err:
            logger.warning("camera %s: where it was sent is not remembered: %s", self.camera, err)

    # --- who holds it ---------------------------------------------------------------------------

    def holder(self) -> Lease | None:
        """Return who holds the camera now."""
        return self.lease if self.lease is not None and self.lease.until_s > self.now_s else None

    def check(self, mover: Mover, *, is_confirmed: bool = False) -> None:
        """Raise CameraHeld when somebody else holds the camera and does not yield."""
        lease = self.holder()
        said = answer(lease, mover, is_confirmed=is_confirmed)
        if lease is not None and said in ("held", "must_confirm"):
            until = self.ports.clock_time(lease.until)
            words = self.ports.texts(
                f"ptz.held.{lease.mover.kind}", camera=self.camera, who=lease.mover.name, until=until
            )
            raise CameraHeld(words, lease, may_take_over=said == "must_confirm")

    async def take(self, mover: Mover, hold_s: float, *, is_confirmed: bool = False) -> None:
        """Hold the camera for somebody from now on. CameraHeld, which is audited too."""
        try:
            self.check(mover, is_confirmed=is_confirmed)
        except CameraHeld as err:
            await self.note(mover, "ptz.refused", error=str(err))
            raise
        before = self.holder()
        is_own = before is not None and before.mover.is_same(mover)
        until_s = max(self.now_s + hold_s, before.until_s if before is not None and is_own else 0.0)
        left_s = until_s - self.now_s
        until = self.ports.clock.now() + timedelta(seconds=left_s)
        self.lease = Lease(mover=mover, until=until, until_s=until_s) if left_s > 0 else None
        if self.walk is not None and mover.kind != "patrol":
            self.walk.interrupt()
        if is_own:
            return
        under_way = self.mover
        if before is not None or (under_way is not None and mover.rank > under_way.rank):
            self.head.cut_off()
        if before is not None:
            await self._tell_released(before.mover, "taken_over")
        if self.lease is not None:
            data: dict[str, Json] = {"by": mover.kind, "who": mover.name, "until": until.isoformat()}
            await self._tell("ptz.taken", data)

    async def let_go(self, why: str) -> None:
        """End whatever lease there is."""
        lease, self.lease = self.lease, None
        if lease is not None:
            self.moved_by_other()
            await self._tell_released(lease.mover, why)
        self.changed.set()

    # --- commands -------------------------------------------------------------------------------

    async def order(self, order: Order, mover: Mover, work: Callable[[Ptz], Awaitable[None]]) -> None:
        """Give one command, after it was taken for the mover. Errors: those of ``Head``."""
        await self.command(order, mover, lambda: self.head.ask(work))

    async def command(self, order: Order, mover: Mover, send: Callable[[], Awaitable[None]]) -> None:
        """Note a command, let the eyes know that the camera turns, send it, and settle at its end."""
        cuts = self.head.cuts
        await self._note_before(order, mover)
        # Somebody may have taken or stopped it while the disk wrote.
        self.check(mover)
        if self.head.cuts != cuts:
            await self._note_after(order, mover, str(self.head.cut_error()))
            raise self.head.cut_error()
        if mover.kind != "patrol":
            self.moved_by_other()
        self.mover = mover
        self.settling = under_way = Settling(order=order, mover=mover)
        self.stand("moving")
        try:
            await send()
        except CutOff as err:
            self._settle(under_way, is_done=False)
            if order.verb == "move" and self.lease is not None and self.lease.mover.is_same(mover):
                return  # who moved it has stopped it: that is how a move ends
            await self._note_after(order, mover, str(err))
            raise
        except SiagaError as err:
            self._settle(under_way, is_done=False)
            await self._note_after(order, mover, str(err))
            raise
        except asyncio.CancelledError:
            self._settle(under_way, is_done=False)
            why = self.ports.texts("ptz.cut_off", camera=self.camera)
            noting = f"ptz {self.camera}: audit"
            self.ports.tasks.start(noting, lambda: self._note_after(order, mover, why), restart=False)
            raise
        self._settle(under_way, is_done=True)
        if order.target:
            self.sent = order.target
            await self.remember()
        await self._note_after(order, mover, "")

    def moved_by_other(self) -> None:
        """Let the way home and the patrol wait: the camera was moved by whom they serve."""
        self.moved_s, self.is_away = self.now_s, True
        if self.walk is not None:
            self.patrols_from_s = self.now_s + self.walk.plan.pause_s

    def _settle(self, under_way: Settling, *, is_done: bool) -> None:
        """Begin to settle; what failed may have turned the camera all the same, nobody knows where to."""
        if self.mover is under_way.mover:
            self.mover = None
        if self.settling is under_way:
            order = under_way.order if is_done else Order(verb=under_way.order.verb)
            until_s = self.now_s + order.takes_s + self.settings.settle_s
            self.settling = Settling(order=order, mover=under_way.mover, until_s=until_s)
        self.changed.set()

    def stand(self, where: Where, preset: str = "") -> None:
        """Say where the camera is; the eyes learn it before anything else happens."""
        if (where, preset) != (self.standing.where, self.standing.preset):
            self.standing = Standing(where=where, since=self.ports.clock.now(), preset=preset)
            self.tell_eyes()

    def tell_eyes(self) -> None:
        """Let the eye of this camera know where it stands."""
        told = CameraStands(camera=self.camera, preset=self.standing.preset, is_turning=self.standing.where == "moving")
        self.ports.stands(told)

    # --- what is told ---------------------------------------------------------------------------

    async def note(self, mover: Mover, what: str, **detail: Json) -> None:
        """Write into the audit. StoreFailed: what cannot be noted is not done."""
        more = {"run": mover.run, "address": mover.address}
        kept = {"by": mover.kind, **{key: value for key, value in more.items() if value}, **detail}
        now = self.ports.clock.now()
        await self.ports.audit(AuditEntry(at=now, who=mover.name, what=what, subject=self.camera, detail=kept))

    async def _note_before(self, order: Order, mover: Mover) -> None:
        # A stop waits for no disk; its line comes after it.
        if (mover.kind == "patrol" and order.verb != "home") or order.verb == "stop":
            return
        what, who, at_s = self._noted
        self._noted = (order.verb, mover, self.now_s)
        if order.verb == what == "move" and who.is_same(mover) and self.now_s - at_s < ONE_MOVE_S:
            return
        await self.note(mover, f"ptz.{order.verb}", **order.detail)

    async def _note_after(self, order: Order, mover: Mover, error: str) -> None:
        if mover.kind == "patrol" or (order.verb == "move" and not error):
            return
        if error:
            await self.note(mover, "ptz.failed", **order.detail, error=error)
        else:
            await self.note(mover, "ptz.done", **order.detail)

    async def _tell_released(self, mover: Mover, why: str) -> None:
        await self._tell("ptz.released", {"by": mover.kind, "who": mover.name, "why": why})

    async def _tell(self, kind: str, data: dict[str, Json]) -> None:
        try:
            await self.ports.tell(kind, self.camera, data)
        except SiagaError as err:
            # The move counts more than the news of it.
            logger.error("camera %s: %s is not told: %s", self.camera, kind, err)

    async def tell_arrived(self, preset: str, mover: Mover) -> None:
        """Tell that a camera stands where a person or a rule sent it."""
        await self._tell("ptz.arrived", {"preset": preset, "by": mover.kind, "who": mover.name})

    async def tell_displaced(self, preset: str) -> None:
        """Tell that somebody else turned the camera away from a preset."""
        await self._tell("ptz.displaced", {"preset": preset})

    @property
    def _camera_settings(self) -> CameraSettings | None:
        return self.ports.settings(self.camera)

    def _ptz(self) -> Ptz | None:
        camera = self.ports.camera(self.camera)
        return camera.ptz if camera is not None else None
