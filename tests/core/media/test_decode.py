"""What is left out to decode cheaper: nothing of a keyframe, little of the rest, and nothing where it would add up."""

from __future__ import annotations

import av
import numpy as np
from packet_server import encode, header, packet, people_pictures

from siaga.core.media.decode import DRIFT_FRAMES, Decoder

SIZE = (320, 240)


def decoded(units):
    decoder = Decoder(header("kali", size=SIZE))
    frames = [decoder.decode(packet("kali", n, is_key, content, n / 10)) for n, (is_key, content) in enumerate(units)]
    assert decoder.errors == 0
    return [frame.luma.astype(np.int16) for frame in frames]


def true_pictures(units):
    context = av.CodecContext.create("h264", "r")
    pictures = [picture for _, content in units for picture in context.decode(av.Packet(content))]
    pictures += context.decode(None)
    return [picture.to_ndarray()[: SIZE[1]].astype(np.int16) for picture in pictures]  # the luma comes first


def test_keyframes_are_exact_and_what_lies_between_is_close_enough_to_see_the_same():
    units = encode(people_pictures(60, SIZE), gop=20)
    found, true = decoded(units), true_pictures(units)
    for number, (is_key, _) in enumerate(units):
        apart = np.abs(found[number] - true[number])
        assert not is_key or not apart.any(), "a gauge is read on keyframes"
        assert np.mean(apart) < 2
    assert any(np.any(a != b) for a, b in zip(found, true, strict=True)), "something is left out"


def test_a_stream_with_few_keyframes_is_decoded_in_full_from_its_second_one_on():
    gop = DRIFT_FRAMES + 20
    units = encode(people_pictures(gop + 40, SIZE), gop=gop)
    found, true = decoded(units), true_pictures(units)
    assert all(np.array_equal(a, b) for a, b in zip(found[gop:], true[gop:], strict=True))
