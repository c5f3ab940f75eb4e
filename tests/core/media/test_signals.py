"""A service manager sends SIGTERM to every process of a service at once: only the hub may act on it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from media_clips import make_clip
from recorder_process import RecorderProcess

from siaga.core.contracts import StreamSource
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import EyeBeat, FromEye

pytestmark = pytest.mark.slow


def test_a_stop_of_the_service_cuts_no_clip_before_the_hub_says_so(tmp_path):
    with RecorderProcess(tmp_path) as recorder:
        recorder.open("kali", StreamSource(role="main", url=str(make_clip().mp4), is_loop=True))
        recorder.condition("kali", "live")
        answer = recorder.burst("kali", "a", before_s=0, after_s=2)
        recorder.process.send_signal(signal.SIGTERM)
        clip = recorder.clip(answer.clip)
        assert not clip.has_gap and (clip.end - clip.start).total_seconds() > 1.5
        assert recorder.hub_dies() == 0


def test_an_eye_outlives_a_terminate_signal_and_ends_with_the_hub():
    with tempfile.TemporaryDirectory(prefix="siaga-t-") as folder:
        ours, theirs = socket.socketpair()
        packets = ("--packets", str(Path(folder) / "p"))
        eye = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "siaga.core.media.eye",
                *("--hub-fd", str(theirs.fileno())),
                *packets,
                "--plugins",
                "",
            ],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(15)
        link: MessageSocket[FromEye] = MessageSocket(ours, FromEye)
        try:
            beats = 0
            while beats < 3:
                beats += sum(isinstance(message, EyeBeat) for message in link.receive())
                if beats == 1:
                    eye.send_signal(signal.SIGTERM)
            link.close()
            assert eye.wait(8) == 0
        finally:
            eye.kill()
            eye.wait(5)


def test_the_demo_helper_outlives_a_terminate_signal_and_ends_with_its_input():
    listener = socket.create_server(("127.0.0.1", 0))
    helper = subprocess.Popen(
        [sys.executable, "-m", "siaga.plugins.cameras.demo_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[listener.fileno()],
    )
    assert helper.stdin and helper.stdout
    try:
        helper.stdin.write(json.dumps({"token": "t", "socket": listener.fileno()}).encode() + b"\n")
        helper.stdin.flush()
        assert helper.stdout.readline() == b"\n"
        helper.send_signal(signal.SIGTERM)
        with socket.create_connection(listener.getsockname(), 5) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"404" in sock.recv(100)
        assert helper.poll() is None
        helper.stdin.close()
        assert helper.wait(5) == 0
    finally:
        helper.kill()
        helper.wait(5)
        helper.stdout.close()
        listener.close()
