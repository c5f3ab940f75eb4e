"""Stand in for the recorder's packet socket: real encoded scenes, spoken in the real messages."""

import socket
import threading
import time
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np

from siaga.core.errors import LinkClosed
from siaga.core.media.link import MessageSocket
from siaga.core.media.messages import StreamEnd, StreamHeader, StreamPacket, ToPackets, Urge, Watch

VTEST = Path(__file__).resolve().parents[2] / "shared" / "media" / "vtest.avi"


def people_pictures(count, size=(640, 480)):
    """Real people where vtest.avi is at hand, else painted ones (no net takes them for people)."""
    if not VTEST.exists():
        print("NOTE: vtest.avi is not here; the pictures are rendered, and show nobody real")
        return moving_pictures(count, size)
    pictures = []
    with av.open(str(VTEST)) as file:
        for frame in file.decode(video=0):
            pictures.append(cv2.resize(frame.to_ndarray(format="bgr24"), size, interpolation=cv2.INTER_AREA))
            if len(pictures) == count:
                break
    return pictures


def still_picture(size=(640, 480), seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 190, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


@lru_cache(maxsize=8)
def noise_planes(shape, sigma):
    rng = np.random.default_rng(11)
    return [rng.normal(0, sigma, shape).astype(np.float32)[:, :, None].repeat(3, axis=2) for _ in range(6)]


def noisy(picture, rng, sigma=3.0):
    """Add camera noise: one of a few planes, shifted, which is much faster than new noise."""
    noise = noise_planes(picture.shape[:2], sigma)[rng.integers(6)]
    shifted = np.roll(noise, tuple(rng.integers(0, 40, 2)), axis=(0, 1))
    return cv2.add(picture.astype(np.float32), shifted).clip(0, 255).astype(np.uint8)


def still_pictures(count, size=(640, 480), seed=0):
    rng, base = np.random.default_rng(seed + 1), still_picture(size, seed)
    return [noisy(base, rng) for _ in range(count)]


def moving_pictures(count, size=(640, 480), seed=0, offset=0):
    """A figure whose limbs and folds never look the same twice walks through a still, noisy scene."""
    rng, base = np.random.default_rng(seed + 2), still_picture(size, seed)
    pictures = []
    for number in range(count):
        picture = noisy(base, rng)
        figure = cv2.resize(rng.integers(0, 255, (26, 14, 3), dtype=np.uint8), (56, 130))
        left = (offset + 12 * number) % (size[0] - 56)
        picture[size[1] - 180 : size[1] - 50, left : left + 56] = figure
        pictures.append(picture)
    return pictures


def encode(pictures, codec="h264", gop=20, fps=10, bit_rate=None):
    """Return (header fields, [(is_key, bytes)]) as the recorder hands them on: Annex B."""
    height, width = pictures[0].shape[:2]
    encoder = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}[codec]
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height = width, height
    context.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, fps), Fraction(fps)
    if codec != "mjpeg":
        context.gop_size = gop
        context.max_b_frames = 0
        context.options = {"preset": "veryfast", "tune": "zerolatency", "forced-idr": "1"}
        context.options |= (
            {"x265-params": f"log-level=none:keyint={gop}:min-keyint={gop}:scenecut=0"}
            if codec == "hevc"
            else {"sc_threshold": "0"}
        )
        if bit_rate is None:
            context.options |= {"crf": "26"}
        else:
            context.bit_rate = bit_rate
            context.options |= {
                "nal-hrd": "cbr",
                "maxrate": str(bit_rate),
                "minrate": str(bit_rate),
                "bufsize": str(bit_rate // fps),
            }
    packets = []
    frames = [av.VideoFrame.from_ndarray(p, format="bgr24").reformat(format=context.pix_fmt) for p in pictures]
    for number, frame in enumerate(frames):
        frame.pts = number
        packets += [(p.is_keyframe, bytes(p)) for p in context.encode(frame)]
    packets += [(p.is_keyframe, bytes(p)) for p in context.encode(None)]
    return packets


def header(camera, codec="h264", size=(640, 480)):
    return StreamHeader(camera=camera, codec=codec, extradata=b"", width=size[0], height=size[1])


def packet(camera, number, is_key, content, mono_s, fps=10):
    return StreamPacket(
        camera=camera,
        pts_s=number / fps,
        is_key=is_key,
        at_s=1_700_000_000 + mono_s,
        arrived_mono_s=mono_s,
        data=content,
    )


class PacketServer:
    """Serve scenes to one eye at real time; each camera's packets begin when it asks."""

    def __init__(self, path):
        self.path = str(path)
        self.scenes = {}
        self.asked = threading.Event()
        self.sent_at = {}
        self.urged = []
        self._links = []
        self._is_over = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(self.path).unlink(missing_ok=True)
        self._listener.bind(self.path)
        self._listener.listen(4)
        threading.Thread(target=self._accept, daemon=True).start()

    def add(self, camera, packets, fps=10, codec="h264", is_loop=True, size=(640, 480)):
        self.scenes[camera] = (packets, fps, codec, is_loop, size)

    def close(self):
        self._is_over.set()
        self._listener.close()
        for link in self._links:
            link.close()

    def _accept(self):
        while not self._is_over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            link = MessageSocket(sock, ToPackets)
            self._links.append(link)
            threading.Thread(target=self._listen, args=(link,), daemon=True).start()

    def _listen(self, link):
        try:
            while True:
                for message in link.receive():
                    if isinstance(message, Urge):
                        self.urged.append((message.camera, message.is_urgent))
                    if isinstance(message, Watch) and message.camera in self.scenes:
                        threading.Thread(target=self._play, args=(link, message.camera), daemon=True).start()
                        self.asked.set()
        except LinkClosed:
            return

    def _play(self, link, camera):
        packets, fps, codec, is_loop, size = self.scenes[camera]
        try:
            link.send(header(camera, codec, size))
            start, number = time.monotonic(), 0
            while not self._is_over.wait(max(0.0, start + number / fps - time.monotonic())):
                if number >= len(packets) and not is_loop:
                    link.send(StreamEnd(camera=camera))
                    return
                is_key, content = packets[number % len(packets)]
                now_s = time.monotonic()
                link.send(
                    StreamPacket(
                        camera=camera,
                        pts_s=number / fps,
                        is_key=is_key,
                        at_s=time.time(),
                        arrived_mono_s=now_s,
                        data=content,
                    )
                )
                number += 1
        except LinkClosed:
            return
