"""One camera's stream in an eye: which packets are decoded, and what the gate makes of them."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from ..settings import CameraSettings
from ..types import Frame
from .camera_looks import CameraLooks, Offered
from .decode import Decoder
from .gate import Gate
from .looks import Looks
from .messages import EyeCameraReport, EyeEvent, StreamHeader, StreamPacket
from .motion import Motion, MotionMeter
from .picture import MAX_WIDTH_PX, encode
from .privacy import Privacy

logger = logging.getLogger(__name__)

# Four looks a second find a runner; each costs about 0.3 ms. What moves already is asked less often.
MOTION_EVERY_S, MOVING_EVERY_S = 0.25, 0.5
# Streams of keyframes only (MJPEG) are not decoded faster than this while asleep.
ASLEEP_EVERY_S = 0.5
# The open GOP of a sleeping scene: 10 s of a busy 4K stream, or a minute at 10 frames a second.
GOP_PACKETS, GOP_BYTES = 600, 8_000_000
# Who is so late at a keyframe goes on from there: what happens now is worth more than what was.
LATEST_S = 5.0
# Between two tellings of motion on one camera: a tree in gusts is one story.
MOTION_EVENT_EVERY_S = 10.0
_EARLY_S = 0.02
# Reports, one a second, over which a detector's rate is told.
_RATE_REPORTS = 30
# What a camera shows when it says that it stands was encoded and sent before: it may still be turning there.
STANDS_AFTER_S = 1.0

Send = Callable[[EyeEvent], None]


class Lookout:
    """Follow one camera; lives in the thread that reads and decodes."""

    def __init__(self, settings: CameraSettings, looks: Looks, send: Send) -> None:
        self.camera = settings.id
        self._looks = looks
        self._send = send
        self._privacy = Privacy(settings.privacy)
        self._gate = Gate()
        self._meter = MotionMeter()
        self._decoder: Decoder | None = None
        self._header: StreamHeader | None = None
        self._has_key = False
        self._behind: deque[StreamPacket] = deque()
        self._behind_bytes = 0
        self._is_catching_up = False
        self._newest: Frame | None = None
        self._motion = Motion()
        self._measured_s = float("-inf")
        self._decoded_s = float("-inf")
        self._told_s = float("-inf")
        self._is_motion_told = False
        self._is_start_due = False
        self._is_live = False
        self._is_turning = False
        self._stands_s = float("-inf")
        self._looked: deque[tuple[float, dict[str, int]]] = deque(maxlen=_RATE_REPORTS)
        self._decoded = 0
        self._dropped = 0
        self._errors = 0

    def open(self, header: StreamHeader) -> None:
        """Begin a stream, or take up one whose codec or size changed."""
        self._errors += self._decoder.errors if self._decoder is not None else 0
        self._decoder = None
        try:
            self._decoder = Decoder(header)
        except (ValueError, OSError) as err:
            # PyAV's errors are among these: an unknown codec, extradata that is none.
            logger.error("camera %s: %s cannot be decoded here: %s", self.camera, header.codec, err)
        self._header = header
        self._has_key = False
        self._drop_behind()
        self._gate.restart()

    def stand(self, *, is_turning: bool) -> None:
        """Say nothing while the camera turns; from where it stands then, begin with another background."""
        if is_turning and not self._is_turning and self._newest is not None:
            self._is_start_due = False
            self._tell_end(self._newest)  # what moved was in a scene that is gone
        self._is_turning = is_turning
        self._stands_s = time.monotonic() + STANDS_AFTER_S
        self._meter, self._motion = MotionMeter(), Motion()
        self._measured_s = float("-inf")
        self._gate.restart()

    def end(self) -> None:
        """Hold still until the stream's next header."""
        self._errors += self._decoder.errors if self._decoder is not None else 0
        self._decoder = None
        self._drop_behind()
        self._set_live(False)

    @property
    def is_behind(self) -> bool:
        """Say whether packets wait that are to be decoded."""
        return self._is_catching_up

    @property
    def is_urgent(self) -> bool:
        """Say whether a detector waits for the next pictures: of a scene that is awake, or wakes on their size."""
        looks = self._looks.of(self.camera)
        if looks is None:  # still being made
            return True
        may_wake = self._decodes_all or self._gate.sizes.trust == "trusted"
        return may_wake and looks.needs_soon

    def take(self, packet: StreamPacket, until_s: float = math.inf) -> None:
        """Take the next packet: decode it, keep it for a waking, or both. Nothing is decoded after ``until_s``."""
        if self._decoder is None:
            return
        now_s = packet.arrived_mono_s
        if packet.is_key:
            self._take_key(now_s)
        elif not self._has_key:
            return
        has_woken = not packet.is_key and self._gate.take_size(len(packet.data), now_s)
        self._behind.append(packet)
        self._behind_bytes += len(packet.data)
        fill = max(len(self._behind) / GOP_PACKETS, self._behind_bytes / GOP_BYTES)
        is_full = fill >= 1.0
        if fill >= 2.0:
            # This machine is too slow for the stream, or the recorder sends no keyframe: the next one helps.
            self._has_key = False
            self._dropped += len(self._behind)
            self._drop_behind()
        elif self._decodes_all or has_woken or is_full or (packet.is_key and self._is_key_due(now_s)):
            self._is_catching_up = True
        self.catch_up(until_s)

    def catch_up(self, until_s: float = math.inf) -> None:
        """Decode what waits, oldest first, until a time; the rest goes on waiting in order."""
        while self._is_catching_up and time.monotonic() < until_s:
            if not self._behind:
                self._is_catching_up = False
                return
            packet = self._behind.popleft()
            self._behind_bytes -= len(packet.data)
            self._decoded_s = packet.arrived_mono_s
            assert self._decoder is not None
            frame = self._decoder.decode(packet)
            if frame is not None:
                self._decoded += 1
                self._see(self._privacy.veiled(frame))

    def picture(self, width_px: int | None) -> tuple[bytes, datetime | None]:
        """Return the newest picture as a JPEG and its time; empty where there is none yet."""
        frame = self._newest
        if frame is None:
            return b"", None
        return encode(self._privacy.fit_to_leave(frame.colour()), width_px), frame.at

    def report(self) -> EyeCameraReport:
        """Say how this camera is doing."""
        looks = self._looks.of(self.camera)
        mode: Literal["waiting", "asleep", "awake"] = "waiting"
        if self._decoder is not None and self._has_key:
            mode = "awake" if self._decodes_all else "asleep"
        return EyeCameraReport(
            camera=self.camera,
            mode=mode,
            decoded=self._decoded,
            skipped=self._looks.skipped.get(self.camera, 0),
            dropped=self._dropped,
            decode_errors=self._errors + (self._decoder.errors if self._decoder is not None else 0),
            looks=looks.looks if looks is not None else {},
            rates=self._rates(looks),
            detectors_off={**(looks.off if looks is not None else {}), **self._privacy.off},
            size_gate=self._gate.sizes.trust,
        )

    def _rates(self, looks: CameraLooks | None) -> dict[str, tuple[float, float]]:
        if looks is None:
            return {}
        now_s, counts = time.monotonic(), looks.looks
        self._looked.append((now_s, counts))
        then_s, before = self._looked[0]
        if now_s - then_s < 1.0:
            return {}
        return {
            name: (round(max(0, count - before.get(name, 0)) / (now_s - then_s), 2), round(looks.asked[name], 2))
            for name, count in counts.items()
        }

    @property
    def _decodes_all(self) -> bool:
        looks = self._looks.of(self.camera)
        return self._gate.is_awake or not self._gate.may_skip or (looks is not None and looks.needs_every_frame)

    def _take_key(self, mono_s: float) -> None:
        self._has_key = True
        self._gate.take_key(mono_s)
        if self._is_catching_up and self._behind:
            if mono_s - self._behind[0].arrived_mono_s < LATEST_S:
                return
            self._dropped += len(self._behind)
        self._drop_behind()

    def _is_key_due(self, mono_s: float) -> bool:
        return mono_s >= self._decoded_s + ASLEEP_EVERY_S

    def _drop_behind(self) -> None:
        self._behind.clear()
        self._behind_bytes = 0
        self._is_catching_up = False

    def _set_live(self, is_live: bool) -> None:
        if is_live != self._is_live:
            self._is_live = is_live
            self._looks.set_live(self.camera, is_live)

    def _see(self, frame: Frame) -> None:
        self._newest = frame
        self._set_live(True)
        now_s = frame.arrived_mono_s
        if self._is_turning or now_s < self._stands_s:
            return
        every_s = MOVING_EVERY_S if self._gate.is_awake and self._motion.is_moving else MOTION_EVERY_S
        if now_s >= self._measured_s + every_s - _EARLY_S:
            self._measured_s = now_s
            self._motion = self._meter.measure(frame.luma, now_s)
            verdict = self._gate.take_motion(self._motion.is_moving, self._motion.is_light, now_s)
            self._is_start_due = verdict.started or (self._is_start_due and not verdict.ended)
            if self._is_start_due and self._motion.is_moving:
                self._tell_start(frame)
            if verdict.ended:
                self._tell_end(frame)
        looks = self._looks.of(self.camera)
        is_awake = self._gate.is_awake
        # Detectors that are not made yet (an eye that just started) get the frame when they are.
        if looks is None or looks.wants(now_s, is_key=frame.is_key, is_awake=is_awake):
            self._looks.offer(
                Offered(
                    camera=frame.camera,
                    at=frame.at,
                    arrived_mono_s=now_s,
                    is_key=frame.is_key,
                    luma=frame.luma,
                    colour=frame.colour,
                    is_awake=is_awake,
                    motion=self._motion.area,
                )
            )

    def _tell_start(self, frame: Frame) -> None:
        if frame.arrived_mono_s < self._told_s + MOTION_EVENT_EVERY_S:
            return  # it stays due, and is told then if it still moves
        self._is_start_due = False
        self._is_motion_told = True
        self._tell("motion.start", frame, encode(self._privacy.fit_to_leave(frame.colour()), MAX_WIDTH_PX))

    def _tell_end(self, frame: Frame) -> None:
        if self._is_motion_told:
            self._is_motion_told = False
            self._told_s = frame.arrived_mono_s
            self._tell("motion.end", frame, b"")

    def _tell(self, kind: str, frame: Frame, jpeg: bytes) -> None:
        self._send(
            EyeEvent(
                camera=self.camera,
                kind=kind,
                at=frame.at,
                arrived_mono_s=frame.arrived_mono_s,
                data={"area": self._motion.area},
                jpeg=jpeg,
            )
        )
