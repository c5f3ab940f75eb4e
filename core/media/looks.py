"""Whose turn it is to be looked at: one thread for all detectors, one waiting frame a camera."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from ..contracts import Detector, Kind
from ..errors import SiagaError
from ..texts import Texts
from ..types import Struct
from .camera_looks import CameraLooks, Offered
from .messages import CameraStands, EyeEvent, Reading, WatchCamera
from .seat import Fence

logger = logging.getLogger(__name__)

# No look takes so long on the slowest machine; shorter than the hub's patience with a process.
STUCK_S = 5.0
# Making a detector may mean loading a large model from a slow disk.
MAKE_STUCK_S = 60.0
# The hub is told beforehand, since an import may hold every thread of the process, the beating one too.
MAKE_SOON_S = 3.0
# A frame whose second look decides an event, or of a scene that just woke, counts as if it had
# waited so much longer. Added to real waiting, so that nobody starves.
URGENT_S = 0.4
FRESH_S = 2.0
_TICK_S = 0.25

Send = Callable[[EyeEvent | Reading], None]


class _Busy(Struct):
    """Say since when the thread is at which camera's detectors, and until when that is in order."""

    looks: CameraLooks
    until_s: float
    is_making: bool


class Looks:
    """Run every camera's detectors in turn; a slow one never holds a stream back."""

    def __init__(
        self,
        kinds: Mapping[str, Kind[Detector]],
        fence: Fence,
        send: Send,
        *,
        budget: float = 0.8,
        texts: Texts | None = None,
        folder: str = ".",
    ) -> None:
        self.skipped: dict[str, int] = {}
        self._kinds = kinds
        self._folder = folder
        self._fence = fence
        self._send = send
        self._budget = min(max(budget, 0.05), 1.0)
        self._cameras: dict[str, CameraLooks] = {}
        self._waiting: dict[str, tuple[float, Offered]] = {}
        self._orders: dict[str, WatchCamera | None] = {}
        self._stands: dict[str, CameraStands] = {}
        self._awake_since: dict[str, float] = {}
        self._has_orders = False
        self._live: set[str] = set()
        self._texts = texts
        self._busy: _Busy | None = None
        self._is_over = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)

    def start(self) -> None:
        """Begin; the thread ends with the process, since a hanging detector cannot be stopped."""
        self._thread.start()

    def stop(self, limit_s: float = 2.0) -> None:
        """End after the look under way, if that ends within the limit."""
        with self._change:
            self._is_over = True
            self._change.notify()
        self._thread.join(limit_s)

    def watch(self, order: WatchCamera) -> None:
        """Make a camera's detectors, in the thread that looks."""
        with self._change:
            self._orders[order.settings.id] = order
            self._has_orders = True
            self._change.notify()

    def forget(self, camera: str) -> None:
        """Drop a camera's detectors and its waiting frame."""
        with self._change:
            self._orders[camera] = None
            self._waiting.pop(camera, None)
            self._live.discard(camera)
            self._change.notify()

    def stand(self, order: CameraStands) -> None:
        """Take where a camera stands, in the thread that looks; what waits of it was seen from elsewhere."""
        with self._change:
            self._stands[order.camera] = order
            self._waiting.pop(order.camera, None)
            self._change.notify()

    def set_live(self, camera: str, is_live: bool) -> None:
        """Say whether a camera's pictures come; without them nothing is judged."""
        with self._change:
            (self._live.add if is_live else self._live.discard)(camera)

    def of(self, camera: str) -> CameraLooks | None:
        """Return a camera's detectors, for their counts and wishes; None until they are made."""
        return self._cameras.get(camera)

    def offer(self, frame: Offered) -> None:
        """Leave a frame for the detectors; one that waits from before is skipped and counted."""
        with self._change:
            since_s = time.monotonic()
            if frame.camera in self._waiting:
                self.skipped[frame.camera] = self.skipped.get(frame.camera, 0) + 1
                # The camera's turn, not the frame's age: a newer frame must not send it to the end again.
                since_s = self._waiting[frame.camera][0]
            self._waiting[frame.camera] = (since_s, frame)
            if not frame.is_awake:
                self._awake_since.pop(frame.camera, None)
            else:
                self._awake_since.setdefault(frame.camera, time.monotonic())
            self._change.notify()

    @property
    def is_making(self) -> bool:
        """Say whether detectors are being made, or may be before the next beat."""
        busy = self._busy
        if self._has_orders or (busy is not None and busy.is_making):
            return True
        soon_s = time.monotonic() + MAKE_SOON_S
        return any(looks.is_make_due(soon_s) for looks in list(self._cameras.values()))

    def stuck(self) -> str | None:
        """Say in words why nothing is looked at any more, or None."""
        if self._thread.ident is not None and not self._thread.is_alive() and not self._is_over:
            return "the thread that looks has ended"
        busy = self._busy
        if busy is None or time.monotonic() < busy.until_s:
            return None
        return f"a detector of camera {busy.looks.camera} hangs"

    def tell_hung(self) -> None:
        """Tell which detector does not come back, so that the eye that replaces this one leaves it out for a while."""
        busy = self._busy
        for message in busy.looks.hung() if busy is not None else ():
            self._send(message)

    def _run(self) -> None:
        while True:
            with self._change:
                if not (self._orders or self._stands or self._waiting or self._is_over):
                    self._change.wait(_TICK_S)
                if self._is_over:
                    return
                orders, self._orders = self._orders, {}
                stands, self._stands = self._stands, {}
                frame = self._next()
            for camera, order in orders.items():
                self._order(camera, order)
            for camera, standing in stands.items():
                if camera in self._cameras:
                    self._cameras[camera].stand(standing.preset, is_turning=standing.is_turning)
            with self._change:
                self._has_orders = bool(self._orders)
            began_s = time.monotonic()
            if frame is not None and frame.camera in self._cameras:
                self._look(self._cameras[frame.camera], frame)
            self._tick()
            # What is left of the core belongs to the decoder and to the recorder.
            time.sleep(min(time.monotonic() - began_s, STUCK_S) * (1.0 / self._budget - 1.0))

    def _order(self, camera: str, order: WatchCamera | None) -> None:
        self._cameras.pop(camera, None)
        if order is not None:
            looks = CameraLooks(
                order.settings, self._kinds, self._fence, last=order.last, texts=self._texts, folder=self._folder
            )
            self._make(looks)
            self._cameras[camera] = looks

    def _next(self) -> Offered | None:
        """Return the frame that waited longest, the urgent ones with their advance."""
        now_s = time.monotonic()

        def weight(camera: str) -> float:
            looks = self._cameras.get(camera)
            is_fresh = now_s - self._awake_since.get(camera, float("-inf")) < FRESH_S
            is_urgent = is_fresh or (looks is not None and looks.is_urgent)
            return now_s - self._waiting[camera][0] + (URGENT_S if is_urgent else 0.0)

        # A frame of a camera whose detectors are being made waits for them.
        ready = [camera for camera in self._waiting if camera not in self._orders]
        if not ready:
            return None
        return self._waiting.pop(max(ready, key=weight))[1]

    def _look(self, looks: CameraLooks, frame: Offered) -> None:
        self._busy = _Busy(looks=looks, until_s=time.monotonic() + STUCK_S, is_making=False)
        self._tell(looks.camera, lambda: looks.look(frame))

    def _tick(self) -> None:
        for camera, looks in self._cameras.items():
            now_s = time.monotonic()
            if looks.is_make_due(now_s):
                self._make(looks)
            self._busy = _Busy(looks=looks, until_s=now_s + STUCK_S, is_making=False)
            self._tell(camera, partial(looks.tick, now_s, is_live=camera in self._live))

    def _make(self, looks: CameraLooks) -> None:
        now_s = time.monotonic()
        until_s = now_s + MAKE_STUCK_S * max(1, looks.count)
        self._busy = _Busy(looks=looks, until_s=until_s, is_making=True)
        self._tell(looks.camera, lambda: looks.make(now_s))

    def _tell(self, camera: str, work: Callable[[], list[EyeEvent | Reading]]) -> None:
        """Do a camera's work and send what came out; a mistake in it costs this camera one turn, not the thread."""
        try:
            told = self._fence(work)
        except SiagaError as err:
            told = []
            logger.error("camera %s: a look came to nothing: %s", camera, err, exc_info=err)
        self._busy = None
        for message in told:
            self._send(message)
