"""A real eye process, spoken with as the hub does."""

import socket
import subprocess
import sys
import time

from siaga.core.errors import LinkClosed
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import EyeBeat, FromEye, WatchCamera
from siaga.core.settings import CameraSettings, DetectSettings


class EyeProcess:
    """The real process, spoken with as the hub does."""

    def __init__(self, packets, folder):
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "siaga.core.media.eye", "--hub-fd", str(theirs.fileno())]
        self.process = subprocess.Popen(
            [*command, "--packets", str(packets), "--plugins", str(folder / "plugins")], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        ours.settimeout(0.2)
        self.sock = ours
        self.link = MessageSocket(ours, FromEye)
        self.heard = []

    def watch(self, camera, *types, **settings):
        detect = tuple(t if isinstance(t, DetectSettings) else DetectSettings(type=t, options={}) for t in types)
        self.link.send(
            WatchCamera(settings=CameraSettings(id=camera, type="x", name=camera, detect=detect, **settings))
        )

    def wait(self, wanted, limit_s=20.0):
        """Listen until a message fulfils ``wanted``; messages heard before count too."""
        end = time.monotonic() + limit_s
        checked = 0
        while True:
            for message in self.heard[checked:]:
                if wanted(message):
                    return message
            checked = len(self.heard)
            if time.monotonic() > end:
                raise AssertionError(f"not heard in {limit_s} s; heard {[type(m).__name__ for m in self.heard[-10:]]}")
            self.listen()

    def listen(self):
        try:
            self.heard += self.link.receive()
        except LinkClosed as err:
            if not isinstance(err.__cause__, TimeoutError):
                raise

    def forget_heard(self):
        self.heard.clear()

    def end(self):
        self.link.close()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def report_of(message, camera):
    reports = message.cameras if isinstance(message, EyeBeat) else ()
    return next((r for r in reports if r.camera == camera), None)


def is_report(camera, holds):
    def check(message):
        report = report_of(message, camera)
        return report is not None and holds(report)

    return check
