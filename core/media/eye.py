"""The process that looks: packets and orders in, facts and pictures out; ends with the hub."""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import random
import resource
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

import cv2

from ..errors import LinkClosed
from ..plugin_manager import PluginManager
from ..texts import Texts
from .link import MessageSocket
from .lookout import Lookout
from .looks import Looks
from .messages import (
    CameraStands,
    EyeBeat,
    ForgetCamera,
    FromPackets,
    PictureTaken,
    Stop,
    StreamEnd,
    StreamHeader,
    StreamPacket,
    TakePicture,
    ToEye,
    Unwatch,
    Urge,
    Watch,
    WatchCamera,
)

logger = logging.getLogger(__name__)

BEAT_S = 1.0
# A hub that does not read for so long is gone or hangs; the supervisor starts another eye.
HUB_TIMEOUT_S = 10.0
PACKETS_TIMEOUT_S = 2.0
# Packets of many cameras are taken together: waking for each one costs more than reading it.
GATHER_S = 0.02
# Orders and packets end the wait; only the beat and the next try to connect need the time.
IDLE_S = 0.25
# So long is decoded before the hub hears a beat and gives its orders; a woken GOP of 4K takes many times that.
SLICE_S = 0.4
# Reading goes on while decoding is behind, or the recorder would have to drop what is sent.
MOST_READS = 16
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0
# Loading a net beside busy decoders leaves holes in the heap; giving them back takes milliseconds.
TRIM_EVERY_S = 60.0


class Packets:
    """Keep a connection to the recorder's socket, and make a new one when the recorder is replaced."""

    def __init__(self, path: str, selector: selectors.BaseSelector) -> None:
        self._path = path
        self._selector = selector
        self._link: MessageSocket[FromPackets] | None = None
        self._wait_s = FIRST_WAIT_S
        self._try_at_s = 0.0
        self._calm: set[str] = set()

    def connect(self, cameras: list[str]) -> None:
        """Connect if that is due, and ask for the packets of all cameras."""
        if self._link is not None or time.monotonic() < self._try_at_s:
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PACKETS_TIMEOUT_S)
        try:
            sock.connect(self._path)
        except OSError:
            sock.close()
            self._put_off()
            return
        self._link = MessageSocket(sock, FromPackets)
        self._selector.register(sock, selectors.EVENT_READ, "packets")
        self._calm.clear()
        for camera in cameras:
            self.send(Watch(camera=camera))

    def urge(self, camera: str, *, is_urgent: bool) -> None:
        """Tell the recorder whether a camera's pictures are waited for, where that has changed."""
        if self._link is None or is_urgent != (camera in self._calm):
            return
        (self._calm.discard if is_urgent else self._calm.add)(camera)
        self.send(Urge(camera=camera, is_urgent=is_urgent))

    def forget(self, camera: str) -> None:
        """Ask for no more of a camera."""
        self._calm.discard(camera)
        self.send(Unwatch(camera=camera))

    def send(self, message: Watch | Unwatch | Urge) -> None:
        """Tell the recorder; without a connection it is told when there is one."""
        if self._link is None:
            return
        try:
            self._link.send(message)
        except LinkClosed:
            self._lose()

    def receive(self) -> list[FromPackets] | None:
        """Return what has come; None when the connection is lost."""
        if self._link is None:
            return []
        try:
            messages = self._link.receive()
        except LinkClosed as err:
            logger.warning("the recorder's packets have stopped: %s", err)
            self._lose()
            return None
        self._wait_s = FIRST_WAIT_S
        return messages

    def _lose(self) -> None:
        if self._link is not None:
            self._selector.unregister(self._link)
            self._link.close()
            self._link = None
        self._put_off()

    def _put_off(self) -> None:
        self._try_at_s = time.monotonic() + self._wait_s * random.uniform(0.5, 1.0)
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)


class Eye:
    """Look after the cameras the hub names, until the hub's socket closes."""

    def __init__(
        self, hub: socket.socket, packets: str, plugins: PluginManager, texts: Texts, budget: float, folder: str = "."
    ) -> None:
        hub.settimeout(HUB_TIMEOUT_S)
        self._selector = selectors.DefaultSelector()
        self._selector.register(hub, selectors.EVENT_READ, "hub")
        self._hub: MessageSocket[ToEye] = MessageSocket(hub, ToEye)
        self._packets = Packets(packets, self._selector)
        self._texts = texts
        self._looks = Looks(plugins.detectors, plugins.fence, self._tell, budget=budget, texts=texts, folder=folder)
        self._lookouts: dict[str, Lookout] = {}
        self._is_over = False
        self._beat_at_s = 0.0
        self._trim_at_s = time.monotonic() + 0.15 * TRIM_EVERY_S
        self._stuck = ""

    def run(self) -> None:
        """Work until told to stop, or until the hub is gone."""
        self._looks.start()
        try:
            while not self._is_over:
                self._packets.connect(list(self._lookouts))
                until_s = time.monotonic() + SLICE_S
                is_behind = self._catch_up(until_s)
                self._receive(0.0 if is_behind else IDLE_S, until_s)
                for lookout in self._lookouts.values():
                    self._packets.urge(lookout.camera, is_urgent=lookout.is_urgent)
                self._beat()
                if not is_behind:
                    time.sleep(GATHER_S)
        except LinkClosed:
            logger.info("the hub is gone; this eye closes")
        self._looks.stop()

    def _receive(self, wait_s: float, until_s: float) -> None:
        for _ in range(MOST_READS):
            ready = self._selector.select(wait_s)
            for key, _ in ready:
                if key.data == "hub":
                    self._take_orders()
                else:
                    self._take_packets(until_s)
            if not ready:
                return
            wait_s = 0.0

    def _take_orders(self) -> None:
        for order in self._hub.receive():
            if isinstance(order, WatchCamera):
                self._watch(order)
            elif isinstance(order, ForgetCamera):
                self._forget(order.camera)
            elif isinstance(order, CameraStands):
                self._stand(order)
            elif isinstance(order, TakePicture):
                self._hub.send(self._picture(order))
            elif isinstance(order, Stop):
                self._is_over = True

    def _watch(self, order: WatchCamera) -> None:
        camera = order.settings.id
        # Before they are made: from then on this thread may have to wait.
        self._hub.send(self._report(is_making=True))
        self._looks.watch(order)
        if camera in self._lookouts:
            return
        self._lookouts[camera] = Lookout(order.settings, self._looks, self._tell)
        self._packets.send(Watch(camera=camera))

    def _forget(self, camera: str) -> None:
        self._looks.forget(camera)
        if self._lookouts.pop(camera, None) is not None:
            self._packets.forget(camera)

    def _stand(self, order: CameraStands) -> None:
        self._looks.stand(order)
        if lookout := self._lookouts.get(order.camera):
            lookout.stand(is_turning=order.is_turning)

    def _picture(self, order: TakePicture) -> PictureTaken:
        lookout = self._lookouts.get(order.camera)
        if lookout is None:
            return PictureTaken(request=order.request, error=self._texts("eye.no_camera", camera=order.camera))
        jpeg, at = lookout.picture(order.width_px)
        if not jpeg:
            return PictureTaken(request=order.request, error=self._texts("eye.no_picture", camera=order.camera))
        return PictureTaken(request=order.request, jpeg=jpeg, at=at)

    def _catch_up(self, until_s: float) -> bool:
        """Decode what waits since before, the cameras in turn; say whether something still waits."""
        behind = [lookout for lookout in self._lookouts.values() if lookout.is_behind]
        for number, lookout in enumerate(behind):
            # What is left of the slice is shared, so that the last camera gets its part too.
            now_s = time.monotonic()
            lookout.catch_up(now_s + (until_s - now_s) / (len(behind) - number))
        return any(lookout.is_behind for lookout in behind)

    def _take_packets(self, until_s: float) -> None:
        messages = self._packets.receive()
        if messages is None:
            for lookout in self._lookouts.values():
                lookout.end()
            return
        for message in messages:
            watched = self._lookouts.get(message.camera)
            if watched is None:
                continue
            if isinstance(message, StreamPacket):
                watched.take(message, until_s)
            elif isinstance(message, StreamHeader):
                watched.open(message)
            elif isinstance(message, StreamEnd):
                watched.end()

    def _beat(self) -> None:
        """Beat once a second, unless nothing is looked at any more: then the silence has this eye replaced."""
        now_s = time.monotonic()
        if now_s < self._beat_at_s:
            return
        self._beat_at_s = now_s + BEAT_S
        stuck = self._looks.stuck()
        if stuck is not None:
            if stuck != self._stuck:
                logger.error("%s; this eye waits to be replaced", stuck)
                self._looks.tell_hung()
            self._stuck = stuck
            return
        self._stuck = ""
        if now_s >= self._trim_at_s:
            self._trim_at_s = now_s + TRIM_EVERY_S
            _trim()
        self._hub.send(self._report(is_making=self._looks.is_making))

    def _report(self, *, is_making: bool) -> EyeBeat:
        reports = tuple(lookout.report() for lookout in self._lookouts.values())
        return EyeBeat(pid=os.getpid(), rss_bytes=_rss_bytes(), cpu_s=_cpu_s(), is_making=is_making, cameras=reports)

    def _tell(self, message: object) -> None:
        try:
            self._hub.send(message)
        except LinkClosed:
            # The thread that reads the hub's socket sees the same and ends this process.
            self._is_over = True


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _keep_small() -> None:
    """Keep the C library from a heap per thread, which doubles what a small process holds."""
    arena_max = -8  # M_ARENA_MAX of glibc's malloc.h
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(arena_max, 1)


def _trim() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def main(arguments: list[str] | None = None) -> None:
    """Run one eye; started by the media supervisor."""
    parser = argparse.ArgumentParser(prog="siaga.core.media.eye")
    parser.add_argument("--hub-fd", type=int, required=True)
    parser.add_argument("--packets", required=True)
    parser.add_argument("--plugins", required=True, help="the folder of local plugins; empty for none")
    parser.add_argument("--language", default="id")
    parser.add_argument("--budget", type=float, default=0.8)
    parser.add_argument("--without", action="append", default=[], help="a plugin that is off in the hub")
    given = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C reaches the whole group, a service manager's SIGTERM every process; the hub stops its eyes in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _keep_small()
    cv2.setNumThreads(1)
    # The manager is told where the configuration stands, and looks into its folder "plugins".
    folder = Path(given.plugins).parent if given.plugins else None
    plugins = PluginManager(folder, in_hub=False, disabled=given.without)
    plugins.load()
    hub = socket.socket(fileno=given.hub_fd)
    Eye(hub, given.packets, plugins, Texts(given.language), given.budget, str(folder or ".")).run()


if __name__ == "__main__":
    main()
