"""When a camera's scene is awake: decided on motion, and on packet sizes where they can be trusted."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Literal

from ..types import Struct

Trust = Literal["learning", "trusted", "off"]

# Without motion for so long a scene sleeps; a person who waits for a bus moves more often.
SLEEP_AFTER_S = 5.0
# Before it is judged, a camera has shown so many frames at rest and in motion.
REST_SAMPLES, MOTION_SAMPLES = 150, 40
# In constant-quality streams nearly every moving frame is larger than all at rest (AUC 0.996
# measured); in constant-bitrate ones half are. Between them a wide gap is left for hysteresis.
TRUST_SHARE, DOUBT_SHARE = 0.75, 0.6
# The frames behind a keyframe mend what it left coarse: they are large also at rest.
MENDING_FRAMES = 3
# Keyframes that are farther apart leave a person time to pass unseen between two of them.
LONGEST_BLIND_S = 2.5
# So many wakings within ten minutes that found nothing, and the sizes are not believed for as long.
FALSE_WAKES, FALSE_WAKES_S = 5, 600.0


class Motions(Struct):
    """Say what the gate made of one look: ``started`` and ``ended`` at most once an awakening."""

    is_awake: bool
    started: bool = False
    ended: bool = False


class SizeGate:
    """Learn one camera's P-frame sizes at rest and in motion, and whether they tell the two apart.

    What counts is the smaller of two sizes in a row: one large frame is an encoder's whim.
    """

    def __init__(self) -> None:
        self.trust: Trust = "learning"
        self._rest: deque[int] = deque(maxlen=600)
        self._moving: deque[int] = deque(maxlen=300)
        self._limit = 0.0
        self._since_judged = 0
        self._false_wakes: deque[float] = deque(maxlen=FALSE_WAKES)
        self._doubted_until_s = 0.0
        self._last_size = 0
        self._since_key = 0

    def measure(self, size: int) -> int:
        """Take the size of the next P-frame; return what is compared, 0 where nothing can be said."""
        pair, self._last_size = min(size, self._last_size), size
        self._since_key += 1
        return pair if self._since_key > MENDING_FRAMES else 0

    def restart(self) -> None:
        """Begin a group of pictures: a keyframe came, or the stream was lost."""
        self._last_size = 0
        self._since_key = 0

    def is_large(self, pair: int) -> bool:
        """Say whether a trusted gate takes this for motion."""
        return self.trust == "trusted" and pair > self._limit

    def learn(self, pairs: list[int], *, is_moving: bool, mono_s: float) -> None:
        """Take what decoded pictures proved about the frames before them."""
        (self._moving if is_moving else self._rest).extend(pair for pair in pairs if pair)
        self._since_judged += len(pairs)
        if self._since_judged >= 30:
            self._since_judged = 0
            self._judge(mono_s)

    def blame(self, mono_s: float) -> None:
        """Count a waking on size that found no motion."""
        self._false_wakes.append(mono_s)
        if len(self._false_wakes) == FALSE_WAKES and mono_s - self._false_wakes[0] < FALSE_WAKES_S:
            self.trust, self._doubted_until_s = "off", mono_s + FALSE_WAKES_S
            self._rest.clear()
            self._false_wakes.clear()

    def _judge(self, mono_s: float) -> None:
        if mono_s < self._doubted_until_s:
            return
        if len(self._rest) < REST_SAMPLES or len(self._moving) < MOTION_SAMPLES:
            self.trust = "learning" if self.trust != "off" else "off"
            return
        middle = statistics.median(self._rest)
        spread = statistics.median(abs(size - middle) for size in self._rest)
        # 1.4826 times the median deviation is a standard deviation where noise is normal.
        nearly_all = sorted(self._rest)[int(0.97 * (len(self._rest) - 1))]
        self._limit = max(middle + 4 * 1.4826 * spread, 1.15 * nearly_all, middle + 64)
        share = sum(size > self._limit for size in self._moving) / len(self._moving)
        wanted = DOUBT_SHARE if self.trust == "trusted" else TRUST_SHARE
        self.trust = "trusted" if share >= wanted else "off"


class Gate:
    """Hold one camera's scene awake while something moves."""

    def __init__(self, sleep_after_s: float = SLEEP_AFTER_S) -> None:
        self.is_awake = True  # a camera that is new may show somebody already
        self.sizes = SizeGate()
        self._sleep_after_s = sleep_after_s
        self._moved_s: float | None = None
        self._is_told = False
        self._woke_on_size_s: float | None = None
        self._pairs: list[int] = []
        self._key_s: float | None = None
        self._key_interval_s = 0.0

    @property
    def may_skip(self) -> bool:
        """Say whether a sleeping scene may leave frames undecoded and still miss nothing that stays."""
        return self.sizes.trust == "trusted" or self._key_interval_s <= LONGEST_BLIND_S

    def take_size(self, size: int, mono_s: float) -> bool:
        """Take a P-frame's size; True when a sleeping scene wakes on it."""
        if self._key_s is not None:
            self._key_interval_s = max(self._key_interval_s, mono_s - self._key_s)
        pair = self.sizes.measure(size)
        # At most what lies between two looks; a keyframe interval of 1000 frames teaches no more.
        if len(self._pairs) < 300:
            self._pairs.append(pair)
        if self.is_awake or not self.sizes.is_large(pair):
            return False
        self._wake(mono_s)
        self._woke_on_size_s = mono_s
        return True

    def take_key(self, mono_s: float) -> None:
        """Take note of a keyframe; its own size says nothing, the time since the last one much."""
        if self._key_s is not None:
            self._key_interval_s = mono_s - self._key_s
        self._key_s = mono_s
        self.sizes.restart()

    def take_motion(self, is_moving: bool, is_light: bool, mono_s: float) -> Motions:
        """Take what a look at a picture found."""
        self._learn(is_moving, is_light, mono_s)
        if is_moving:
            started = not self._is_told
            self._wake(mono_s)
            self._is_told, self._woke_on_size_s = True, None
            return Motions(is_awake=True, started=started)
        if self._moved_s is None:
            self._moved_s = mono_s
        if not self.is_awake or mono_s - self._moved_s < self._sleep_after_s:
            return Motions(is_awake=self.is_awake)
        if self._woke_on_size_s is not None:
            self.sizes.blame(mono_s)
        ended, self._is_told = self._is_told, False
        self.is_awake, self._woke_on_size_s = False, None
        return Motions(is_awake=False, ended=ended)

    def restart(self) -> None:
        """Begin anew after the stream was lost: awake, since anything may have come meanwhile."""
        self.is_awake, self._moved_s, self._woke_on_size_s = True, None, None
        self._pairs.clear()
        self._key_s, self._key_interval_s = None, 0.0
        self.sizes.restart()

    def _wake(self, mono_s: float) -> None:
        self.is_awake, self._moved_s = True, mono_s

    def _learn(self, is_moving: bool, is_light: bool, mono_s: float) -> None:
        pairs, self._pairs = self._pairs, []
        if is_light or not pairs:
            return
        # After a sleep the motion began somewhere between two keyframes: nothing is proved.
        if is_moving and not self.is_awake:
            return
        self.sizes.learn(pairs, is_moving=is_moving, mono_s=mono_s)
