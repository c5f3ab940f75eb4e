"""The one place where cameras are turned: rules, people and patrols ask here, and are told who holds what."""

from __future__ import annotations

from collections.abc import Callable

from ..contracts import Ptz
from ..device_contracts import EditsPresets, GoesHome, GoesToPosition, KnowsPosition
from ..errors import ActionFailed, NotSupported, SiagaError
from ..preset_book import PresetBook
from ..tasks import Tasks
from .keeper import Keeper, sum_up
from .lease import Mover
from .mount import Mount, Order
from .ports import Ports, PtzState

# A camera whose plugin finds out only at its start that it turns is looked for this often.
FIND_EVERY_S = 5.0


class PtzDesk:
    """Turn cameras; each command ends within 10 s of its turn.

    Errors: CameraHeld where somebody else holds the camera, NotSupported where it cannot, ActionFailed where it was
    cut off, CameraLost, AuthFailed, PluginError, StoreFailed where the audit cannot be written.
    ``hold_s`` None is the usual: a person holds the camera for ``lease`` after each command, a rule not at all.
    ``is_confirmed`` takes the camera from another person.
    """

    def __init__(self, ports: Ports, cameras: Callable[[], tuple[str, ...]]) -> None:
        self._ports = ports
        self._cameras = cameras
        self._mounts: dict[str, Mount] = {}
        self._tasks: Tasks | None = None

    def start(self, tasks: Tasks) -> None:
        """Watch every camera that turns, those that are found to later too."""
        self._tasks = tasks.scope("ptz")
        self._find()
        self._tasks.start("find", self._keep_finding)

    async def stop_watching(self, limit_s: float) -> tuple[str, ...]:
        """Watch no more, and put what the patrols did since the last hour into the audit; return who was late."""
        late = await self._tasks.stop(limit_s) if self._tasks is not None else ()
        for mount in self._mounts.values():
            await sum_up(mount)
        return late

    async def goto(
        self, camera: str, preset: str, who: Mover, *, hold_s: float | None = None, is_confirmed: bool = False
    ) -> None:
        """Turn a camera to a preset."""
        order = Order(verb="goto", detail={"preset": preset}, target=preset)
        mount = await self._taken(camera, who, hold_s, is_confirmed=is_confirmed)
        await mount.order(order, who, lambda ptz: ptz.goto(preset))

    async def move(
        self,
        camera: str,
        speed: tuple[float, float, float],
        seconds: float,
        who: Mover,
        *,
        hold_s: float | None = None,
        is_confirmed: bool = False,
    ) -> None:
        """Turn a camera at a speed of -1..1 (pan, tilt, zoom) for some seconds, from where it looks."""
        pan, tilt, zoom = speed
        order = Order(verb="move", detail={"pan": pan, "tilt": tilt, "zoom": zoom}, takes_s=seconds)
        mount = await self._taken(camera, who, hold_s, is_confirmed=is_confirmed)
        await mount.command(order, who, lambda: mount.head.move(pan, tilt, zoom, seconds))

    async def stop(self, camera: str, who: Mover, *, is_confirmed: bool = False) -> None:
        """Hold a camera still at once, before whatever else was asked of it."""
        mount = await self._taken(camera, who, None, is_confirmed=is_confirmed)
        # One that stands at a preset goes on standing there.
        await mount.command(Order(verb="stop", target=mount.standing.preset), who, mount.head.stop)

    async def go_to(
        self, camera: str, position: tuple[float, float, float], who: Mover, *, is_confirmed: bool = False
    ) -> None:
        """Turn a camera to a position (pan, tilt, zoom), in the units of ``PtzPosition``."""
        pan, tilt, zoom = position

        async def go(ptz: Ptz) -> None:
            if not isinstance(ptz, GoesToPosition):
                raise self._cannot(camera, "position")
            await ptz.go_to(pan, tilt, zoom)

        order = Order(verb="go_to", detail={"pan": pan, "tilt": tilt, "zoom": zoom})
        await (await self._taken(camera, who, None, is_confirmed=is_confirmed)).order(order, who, go)

    async def shift(
        self, camera: str, part: tuple[float, float, float], who: Mover, *, is_confirmed: bool = False
    ) -> None:
        """Turn a camera by a part of its range (pan, tilt, zoom) from where it looks."""
        pan, tilt, zoom = part

        async def shift(ptz: Ptz) -> None:
            if not isinstance(ptz, GoesToPosition):
                raise self._cannot(camera, "position")
            await ptz.shift(pan, tilt, zoom)

        order = Order(verb="shift", detail={"pan": pan, "tilt": tilt, "zoom": zoom})
        await (await self._taken(camera, who, None, is_confirmed=is_confirmed)).order(order, who, shift)

    async def home(self, camera: str, who: Mover, *, hold_s: float | None = None, is_confirmed: bool = False) -> None:
        """Turn a camera to its ``home`` preset, without one to the device's own."""
        mount = await self._taken(camera, who, hold_s, is_confirmed=is_confirmed)
        preset = mount.settings.home

        async def home(ptz: Ptz) -> None:
            if preset:
                await ptz.goto(preset)
                return
            if not isinstance(ptz, GoesHome):
                raise self._cannot(camera, "home")
            await ptz.home()

        await mount.order(Order(verb="home", detail={"preset": preset}, target=preset), who, home)

    async def set_preset(self, camera: str, preset: str, who: Mover, *, is_confirmed: bool = False) -> None:
        """Keep where a camera looks under a name."""

        async def keep(ptz: Ptz) -> None:
            if not isinstance(ptz, EditsPresets):
                raise self._cannot(camera, "preset")
            await ptz.set_preset(preset)

        mount = await self._taken(camera, who, None, is_confirmed=is_confirmed)
        await mount.order(Order(verb="set_preset", detail={"preset": preset}, target=preset), who, keep)
        await self._learn(mount)

    async def remove_preset(self, camera: str, preset: str, who: Mover, *, is_confirmed: bool = False) -> None:
        """Forget a preset."""

        async def remove(ptz: Ptz) -> None:
            if not isinstance(ptz, EditsPresets):
                raise self._cannot(camera, "preset")
            await ptz.remove_preset(preset)

        mount = await self._taken(camera, who, None, is_confirmed=is_confirmed)
        target = mount.standing.preset if mount.standing.preset != preset else ""
        await mount.order(Order(verb="remove_preset", detail={"preset": preset}, target=target), who, remove)
        mount.positions.pop(preset, None)
        await mount.remember()
        await self._learn(mount)

    async def release(self, camera: str, who: Mover) -> None:
        """Give a camera back; nothing happens where nobody holds it."""
        mount = self._mount(camera)
        if mount.holder() is None:
            return
        mount.check(who)
        await mount.note(who, "ptz.release")
        await mount.let_go("released")

    async def patrol(self, camera: str, who: Mover, *, is_on: bool) -> None:
        """Switch a camera's patrol off, or on again at once; that outlives a restart."""
        mount = self._mount(camera)
        if mount.walk is None:
            raise self._cannot(camera, "patrol")
        if mount.walk.is_on == is_on:
            return
        await sum_up(mount)
        await mount.note(who, "ptz.patrol_on" if is_on else "ptz.patrol_off")
        mount.walk.is_on = is_on
        mount.walk.interrupt()
        if is_on:
            mount.patrols_from_s = mount.now_s
        await mount.remember()
        mount.changed.set()

    def state(self, camera: str) -> PtzState | None:
        """Return how a camera is shared; None where it does not turn."""
        try:
            mount = self._mount(camera)
        except SiagaError:
            return None
        walk, lease, ptz = mount.walk, mount.holder(), mount.head.ptz
        abilities = (
            ("presets", EditsPresets), ("position", GoesToPosition), ("home", GoesHome), ("where", KnowsPosition)
        )  # fmt: skip
        return PtzState(
            camera=camera,
            standing=mount.standing,
            sent=mount.sent,
            lease=lease,
            home=mount.settings.home,
            patrol=_patrol_word(mount),
            next_preset=walk.stop.preset if walk is not None else "",
            failing=dict(walk.failing) if walk is not None else {},
            abilities=tuple(name for name, its in abilities if isinstance(ptz, its)),
        )

    # --- inside ---------------------------------------------------------------------------------

    async def _taken(self, camera: str, who: Mover, hold_s: float | None, *, is_confirmed: bool = False) -> Mount:
        mount = self._mount(camera)
        usual_s = mount.settings.lease_s if who.kind == "person" else 0.0
        await mount.take(who, usual_s if hold_s is None else hold_s, is_confirmed=is_confirmed)
        return mount

    def _mount(self, camera: str) -> Mount:
        """Return a camera that turns; ActionFailed for any other."""
        mount = self._mounts.get(camera)
        if mount is None:
            mount = Mount(camera, self._ports)
            if mount.head.ptz is None:
                raise ActionFailed(self._ports.texts("ptz.none", camera=camera))
            self._mounts[camera] = mount
            if self._tasks is not None:
                self._tasks.start(camera, Keeper(mount).run)
        return mount

    def _find(self) -> None:
        for camera in self._cameras():
            self.state(camera)

    async def _keep_finding(self) -> None:
        while True:
            await self._ports.clock.sleep(FIND_EVERY_S)
            self._find()

    async def _learn(self, mount: Mount) -> None:
        if (ptz := mount.head.ptz) is not None:
            await PresetBook(self._ports.memory).learn(mount.camera, ptz)

    def _cannot(self, camera: str, what: str) -> NotSupported:
        return NotSupported(self._ports.texts(f"ptz.cannot.{what}", camera=camera))


def _patrol_word(mount: Mount) -> str:
    walk = mount.walk
    if walk is None:
        return ""
    if not walk.is_on:
        return "off"
    is_waiting = mount.holder() is not None or mount.now_s < mount.patrols_from_s
    return "waiting" if is_waiting else "walking"
