"""Reads footage that a camera kept itself and makes a clip of it, beside all that is live: one stream, once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..texts import Texts
from .clip_writer import ClipWriter
from .messages import FetchClip, StreamCondition
from .reader import StreamReader
from .recorder_sidecar import ClipPlan
from .ring import AccessUnit, StreamConfig
from .rtsp_headers import HeaderAdder

logger = logging.getLogger(__name__)

# Some cameras play their card no faster than it was recorded; a weak network takes longer still.
_TIME_FACTOR, _TIME_EXTRA_S = 2.0, 60.0
_ALLOWANCE_BYTES = 8_000_000
_ROOM_WAIT_S = 0.05


class CardFetch:
    """Fetch one span. It is told as a clip is: done, or failed with a reason."""

    def __init__(
        self, order: FetchClip, writer: ClipWriter, fail: Callable[[ClipPlan, str], None], texts: Texts
    ) -> None:
        self._order = order
        self._writer = writer
        self._fail = fail
        self._texts = texts
        self._plan = ClipPlan(
            id=order.clip,
            camera=order.camera,
            start=order.begin,
            codec="",
            keys=(order.key,),
            origin="card",
        )
        self._is_over = threading.Event()
        self._is_open = False
        self._first_s: float | None = None
        self._late_mono_s = time.monotonic() + order.seconds * _TIME_FACTOR + _TIME_EXTRA_S
        self._adder: HeaderAdder | None = None
        self._reader: StreamReader | None = None
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Say whether it is done or failed."""
        return self._is_over.is_set()

    def start(self) -> None:
        """Begin to read."""
        source = self._order.source
        if self._order.headers:
            try:
                self._adder = HeaderAdder(source, self._order.headers)
            except OSError as err:
                self._end(err.strerror or type(err).__name__)
                return
            source = self._adder.source
        self._reader = StreamReader(source, self, self._texts, name=f"{self._order.camera} card")
        self._reader.start()

    def tick(self) -> None:
        """End what takes too long."""
        if not self.is_over and time.monotonic() > self._late_mono_s:
            self._end(self._texts("card.too_slow"))

    def close(self) -> None:
        """End now; what has come is kept."""
        self._end(self._texts("card.stopped"))

    def on_config(self, config: StreamConfig) -> None:
        """Open the clip; a second configuration does not fit into one file and ends it."""
        if self._is_open:
            self._end("")
        elif not self.is_over:
            self._is_open = True
            self._plan = self._plan.replaced(codec=config.codec)
            self._writer.open(self._plan, config, _ALLOWANCE_BYTES)

    def on_unit(self, unit: AccessUnit) -> None:
        """Write a picture; the one behind the end ends it."""
        if self._first_s is None:
            self._first_s = unit.dts_s
        if unit.dts_s - self._first_s >= self._order.seconds:
            self._end("")
        # Nothing is lost by waiting here: the camera holds it back.
        while not self.is_over and not self._writer.has_room(self._plan.id, len(unit.data)):
            self._is_over.wait(_ROOM_WAIT_S)
        if not self.is_over:
            self._writer.write(self._plan.id, [unit])

    def on_condition(self, condition: StreamCondition, reason: str) -> None:
        """Take the end of the footage, which is a loss to a reader."""
        if condition not in ("connecting", "live"):
            self._end(reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            if self._is_over.is_set():
                return
            self._is_over.set()
        if self._reader is not None:
            self._reader.stop()
        if self._adder is not None:
            self._adder.close()
        if self._is_open:
            self._writer.finish(self._plan)
        else:
            logger.info("%s: nothing came from its card: %s", self._order.camera, reason)
            self._fail(self._plan, reason or self._texts("media.clip.empty"))
