"""How long a reader lets pictures gather in the system's buffer before it reads on."""

from __future__ import annotations

# Waking for a picture costs four times what reading it costs; four or five at a time cost a third in all.
# A picture's time is that of its reading, so up to this much late: a clip asked from there begins earlier, never later.
_PAUSE_S = 0.4
# A read that took longer had to wait: nothing else is there to be read. Pictures that wait come in a tenth of it.
_WAITED_S = 0.003
# What may gather meanwhile. A network's own window is 64 kB at first, and a camera that cannot send drops pictures.
_GATHERED_BYTES = 32_000
# Shorter pauses than this save nothing.
_LEAST_S = 0.05


class Pauses:
    """Decide after each read whether to pause: only where nobody waits for the pictures."""

    def __init__(self) -> None:
        self._bytes = 0
        self._since_mono_s: float | None = None

    def pause_s(self, size_bytes: int, asked_mono_s: float, came_mono_s: float) -> float:
        """Return how long to pause after a read; 0.0 where more may be there already, or too much would gather."""
        self._bytes += size_bytes
        waited_s = came_mono_s - asked_mono_s
        if waited_s < _WAITED_S:
            return 0.0
        since_s, self._since_mono_s = self._since_mono_s, came_mono_s
        size, self._bytes = self._bytes, 0
        if since_s is None or waited_s >= _PAUSE_S:  # pictures come as seldom as we would read
            return 0.0
        pause_s = min(_PAUSE_S, _GATHERED_BYTES * (came_mono_s - since_s) / max(size, 1))
        return pause_s if pause_s >= _LEAST_S else 0.0
