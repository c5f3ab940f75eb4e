import cv2
import numpy as np
from packet_server import encode, header, moving_pictures, packet, still_picture

from siaga.core.media.decode import Decoder
from siaga.core.media.picture import MAX_WIDTH_PX, Mark, encode_marked
from siaga.core.media.picture import encode as to_jpeg
from siaga.core.types import Box

BOX = Box(left=0.25, top=0.25, right=0.5, bottom=0.75)


def opened(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_the_picture_of_an_event_shows_the_box_and_leaves_the_frame_alone():
    bgr = still_picture()
    before = bgr.copy()
    marked = opened(encode_marked(bgr, [Mark(box=BOX, label="person")], {"z": ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9))}))
    assert (bgr == before).all()
    assert marked.shape == (480, 640, 3)
    edge, inside = marked[240, 158:163].astype(int), marked[240, 240].astype(int)
    assert (edge[:, 2] - edge[:, 0]).max() > 120  # red at the left side of the box
    assert abs(inside - before[240, 240].astype(int)).max() < 30


def test_a_large_picture_is_made_smaller_and_a_small_one_is_not_made_larger():
    assert opened(encode_marked(still_picture((2560, 1440)), [], {})).shape == (720, MAX_WIDTH_PX, 3)
    assert opened(to_jpeg(still_picture(), 320)).shape == (240, 320, 3)
    assert opened(to_jpeg(still_picture(), 4000)).shape == (480, 640, 3)


def test_boxes_beyond_the_border_and_empty_pictures_do_no_harm():
    wild = Box(left=-0.5, top=-0.2, right=1.7, bottom=1.2)
    assert encode_marked(still_picture((64, 48)), [Mark(box=wild, label="x" * 200)], {})
    assert encode_marked(np.zeros((0, 0, 3), np.uint8), [], {}) == b""


def test_luma_is_the_decoders_own_plane_and_colour_is_converted_once_while_held():
    packets = encode(moving_pictures(3), gop=3)
    decoder = Decoder(header("kali"))
    frames = [decoder.decode(packet("kali", n, k, b, n / 10)) for n, (k, b) in enumerate(packets)]
    assert all(f is not None for f in frames), "each picture leaves with its own packet"
    assert frames[0].luma.shape == (480, 640) and not frames[0].luma.flags.owndata
    first = frames[0].colour()
    assert first is frames[0].colour() and first.shape == (480, 640, 3)


def test_h265_and_mjpeg_are_seen_too():
    for codec in ("hevc", "mjpeg"):
        decoder = Decoder(header("kali", codec))
        frames = [
            decoder.decode(packet("kali", n, k, b, n / 10))
            for n, (k, b) in enumerate(encode(moving_pictures(4), codec=codec, gop=4))
        ]
        assert [f is not None for f in frames] == [True] * 4, codec


def test_garbage_costs_its_own_pictures_and_no_more():
    packets = encode(moving_pictures(12), gop=4)
    rng, decoder = np.random.default_rng(0), Decoder(header("kali"))
    seen = []
    for number, (is_key, content) in enumerate(packets):
        broken = rng.bytes(len(content)) if 1 <= number < 4 else content
        seen.append(decoder.decode(packet("kali", number, is_key, broken, number / 10)) is not None)
    assert decoder.errors >= 1
    assert all(seen[4:])
