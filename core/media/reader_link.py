"""What a reader notices of its link: sessions that were lost, and pictures that come later than they were made."""

from __future__ import annotations

# Below this a stream is on time: readers themselves let up to 0.4 s gather, and B-frames wait for one another.
_NOTICED_S = 1.0
# The camera's clock runs a little differently from ours: what counts as on time is learned anew this often.
_RENEW_S = 300.0
# Stamps that go back by more are another beginning, and no network holds a picture back for longer than the second.
_LEAP_BACK_S, _LONGEST_S = 2.0, 60.0
# So many pictures tell whether each takes as long as it is large, at least to this degree (Pearson's r).
_WEIGHED, _LINK_R = 30, 0.7
# What was weighed long ago counts less: a link changes within a minute.
_FADE = 0.98


class LinkWatch:
    """Measure how far one stream has fallen behind its own time stamps, and whether the link is the reason.

    Cheap cameras stamp their pictures by the rate they were set to, not the one they have: such a stream falls behind
    for ever on the best of networks. Where the link is full each picture takes as long as it is large, since the next
    one waits already; where only the stamps are wrong they come at their interval, large or small.
    """

    def __init__(self) -> None:
        self.losses = 0
        self.lag_s = 0.0
        self._least_s: float | None = None
        self._least_next_s = 0.0
        self._renew_mono_s = 0.0
        self._stamp_s = 0.0
        self._arrived_mono_s = 0.0
        self._is_late = False
        self._sums = _Sums()

    @property
    def is_late(self) -> bool:
        """Say whether pictures come noticeably later than they were made, for whatever reason."""
        return self._is_late

    @property
    def is_full(self) -> bool:
        """Say whether it is the link that holds the pictures up."""
        return self._is_late and self._sums.count >= _WEIGHED and self._sums.r >= _LINK_R

    def begin(self) -> None:
        """Begin a session: what its stamps have to do with our clock is not known yet."""
        self._least_s = None
        self.lag_s = 0.0
        self._is_late = False

    def take(self, stamp_s: float, size_bytes: int, arrived_mono_s: float) -> None:
        """Take a picture's stamp, size and time of arrival; called for each one, so that it does little."""
        lead_s = arrived_mono_s - stamp_s
        least_s = self._least_s
        if least_s is None or stamp_s < self._stamp_s - _LEAP_BACK_S or lead_s - least_s > _LONGEST_S:
            self._start(lead_s, arrived_mono_s)
        else:
            if lead_s < least_s:
                self._least_s = least_s = lead_s
            if lead_s < self._least_next_s:
                self._least_next_s = lead_s
            self.lag_s = lag_s = lead_s - least_s
            if lag_s > _NOTICED_S:
                self._weigh(size_bytes, arrived_mono_s)
            elif self._is_late or arrived_mono_s >= self._renew_mono_s:
                self._calm(arrived_mono_s)
        self._stamp_s = stamp_s
        self._arrived_mono_s = arrived_mono_s

    def _start(self, lead_s: float, arrived_mono_s: float) -> None:
        self._least_s = self._least_next_s = lead_s
        self._renew_mono_s = arrived_mono_s + _RENEW_S
        self.lag_s = 0.0
        self._is_late = False

    def _weigh(self, size_bytes: int, arrived_mono_s: float) -> None:
        if not self._is_late:
            self._is_late = True
            self._sums = _Sums()
            return
        self._sums.add(float(size_bytes), arrived_mono_s - self._arrived_mono_s)

    def _calm(self, arrived_mono_s: float) -> None:
        self._is_late = False
        if arrived_mono_s >= self._renew_mono_s:
            self._least_s, self._least_next_s = self._least_next_s, float("inf")
            self._renew_mono_s = arrived_mono_s + _RENEW_S


class _Sums:
    """Gather what Pearson's r of two quantities needs, older ones fading."""

    def __init__(self) -> None:
        self.count = 0
        self._n = self._x = self._y = self._xx = self._yy = self._xy = 0.0

    @property
    def r(self) -> float:
        """Return how closely the two belong together, -1 to 1; 0 where one of them never changes."""
        n = self._n
        across_x, across_y = n * self._xx - self._x * self._x, n * self._yy - self._y * self._y
        if across_x <= 1e-9 * n * self._xx or across_y <= 1e-9 * n * self._yy:
            return 0.0
        return float((n * self._xy - self._x * self._y) / (across_x * across_y) ** 0.5)

    def add(self, x: float, y: float) -> None:
        """Take one pair."""
        self.count += 1
        self._n = self._n * _FADE + 1.0
        self._x = self._x * _FADE + x
        self._y = self._y * _FADE + y
        self._xx = self._xx * _FADE + x * x
        self._yy = self._yy * _FADE + y * y
        self._xy = self._xy * _FADE + x * y
