"""Whose turn it is to be looked at: one thread for all detectors, one waiting frame a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from ..contracts import Detector, Kind
from ..settings import CameraSettings
from .camera_looks import CameraLooks, Fence, Offered
from .messages import EyeEvent, Reading

# Longer than loading a model takes on a slow disk, shorter than the hub's patience with a process.
STUCK_S = 5.0
# A frame whose second look decides an event, or of a scene that just woke, counts as if it had
# waited so much longer. Added to real waiting, so that nobody starves.
URGENT_S = 1.0
FRESH_S = 2.0
_TICK_S = 0.25

Send = Callable[[EyeEvent | Reading], None]


class Looks:
    """Run every camera's detectors in turn; a slow one never holds a stream back."""

    def __init__(self, kinds: Mapping[str, Kind[Detector]], fence: Fence, send: Send, *, budget: float = 0.8) -> None:
        self.skipped: dict[str, int] = {}
        self._kinds = kinds
        self._fence = fence
        self._send = send
        self._budget = min(max(budget, 0.05), 1.0)
        self._cameras: dict[str, CameraLooks] = {}
        self._waiting: dict[str, tuple[float, Offered]] = {}
        self._orders: dict[str, CameraSettings | None] = {}
        self._awake_since: dict[str, float] = {}
        self._busy: tuple[float, str] | None = None
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

    def watch(self, settings: CameraSettings) -> None:
        """Make a camera's detectors, in the thread that looks."""
        with self._change:
            self._orders[settings.id] = settings
            self._change.notify()

    def forget(self, camera: str) -> None:
        """Drop a camera's detectors and its waiting frame."""
        with self._change:
            self._orders[camera] = None
            self._waiting.pop(camera, None)
            self._change.notify()

    def of(self, camera: str) -> CameraLooks | None:
        """Return a camera's detectors, for their counts and wishes; None until they are made."""
        return self._cameras.get(camera)

    def offer(self, frame: Offered) -> None:
        """Leave a frame for the detectors; one that waits from before is skipped and counted."""
        with self._change:
            if frame.camera in self._waiting:
                self.skipped[frame.camera] = self.skipped.get(frame.camera, 0) + 1
            self._waiting[frame.camera] = (time.monotonic(), frame)
            if not frame.is_awake:
                self._awake_since.pop(frame.camera, None)
            else:
                self._awake_since.setdefault(frame.camera, time.monotonic())
            self._change.notify()

    def stuck(self) -> str | None:
        """Return the camera whose detectors have kept the thread for too long, or None."""
        busy = self._busy
        return busy[1] if busy is not None and time.monotonic() - busy[0] > STUCK_S else None

    def _run(self) -> None:
        while True:
            with self._change:
                if not (self._orders or self._waiting or self._is_over):
                    self._change.wait(_TICK_S)
                if self._is_over:
                    return
                orders, self._orders = self._orders, {}
                frame = self._next()
            for camera, settings in orders.items():
                self._order(camera, settings)
            began_s = time.monotonic()
            if frame is not None and frame.camera in self._cameras:
                self._look(frame)
            self._tick()
            # What is left of the core belongs to the decoder and to the recorder.
            time.sleep((time.monotonic() - began_s) * (1.0 / self._budget - 1.0))

    def _order(self, camera: str, settings: CameraSettings | None) -> None:
        self._cameras.pop(camera, None)
        if settings is not None:
            self._busy = (time.monotonic(), camera)
            self._cameras[camera] = CameraLooks(settings, self._kinds, self._fence)
            self._busy = None

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

    def _look(self, frame: Offered) -> None:
        self._busy = (time.monotonic(), frame.camera)
        told = self._cameras[frame.camera].look(frame)
        self._busy = None
        for message in told:
            self._send(message)

    def _tick(self) -> None:
        now_s = time.monotonic()
        for camera, looks in self._cameras.items():
            self._busy = (time.monotonic(), camera)
            told = looks.tick(now_s)
            self._busy = None
            for message in told:
                self._send(message)
