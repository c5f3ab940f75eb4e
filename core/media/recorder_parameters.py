"""What stands in an Annex B stream's parameter sets, and the picture's size that they give.

H.264: ITU-T H.264 section 7.3.2.1; H.265: ITU-T H.265 section 7.3.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from .ring import Codec

_START = b"\x00\x00\x01"
_H264_SPS, _H264_PPS = 7, 8
_HEVC_VPS, _HEVC_SPS, _HEVC_PPS = 32, 33, 34
_PARAMETER_TYPES = {"h264": (_H264_SPS, _H264_PPS), "hevc": (_HEVC_VPS, _HEVC_SPS, _HEVC_PPS)}
# Profiles whose SPS carries chroma format and scaling lists (H.264 7.3.2.1.1).
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_MAX_SIDE_PX = 16384


def has_picture(codec: Codec, data: bytes) -> bool:
    """Say whether there is a slice in it, not only parameter sets and the like."""
    return codec == "mjpeg" or _first_slice(codec, data) >= 0


def continues_picture(codec: Codec, data: bytes) -> bool:
    """Say whether its first slice is not the first one of a picture: it belongs to the picture before it.

    ``first_mb_in_slice`` 0 (H.264 7.3.3) and ``first_slice_segment_in_pic_flag`` (H.265 7.3.6.1) are a set bit.
    """
    at = -1 if codec == "mjpeg" else _first_slice(codec, data)
    flag_at = at + (1 if codec == "h264" else 2)
    return at >= 0 and flag_at < len(data) and not data[flag_at] & 0x80


def parameter_sets(codec: Codec, data: bytes) -> bytes:
    """Return the parameter sets before the first slice, in Annex B form; empty when there are none."""
    if codec == "mjpeg":
        return b""
    wanted = _PARAMETER_TYPES[codec]
    found: list[bytes] = []
    for kind, body in _units(codec, data):
        if _is_slice(codec, kind):
            break
        if kind in wanted and body not in found:
            found.append(body)
    return b"".join(b"\x00" + _START + body for body in found)


def is_complete(codec: Codec, parameters: bytes) -> bool:
    """Say whether every kind of parameter set that a decoder needs is there."""
    kinds = {kind for kind, _ in _units(codec, parameters)}
    return codec == "mjpeg" or set(_PARAMETER_TYPES[codec]) <= kinds


def picture_size(codec: Codec, parameters: bytes) -> tuple[int, int]:
    """Return width and height in pixels as the first SPS says; (0, 0) when it cannot be read."""
    wanted = {"h264": _H264_SPS, "hevc": _HEVC_SPS}.get(codec)
    for kind, body in _units(codec, parameters):
        if kind == wanted:
            bits = _Bits(body.replace(b"\x00\x00\x03", b"\x00\x00"))
            try:
                width, height = _h264_size(bits) if codec == "h264" else _hevc_size(bits)
            except IndexError:
                return (0, 0)
            is_sane = 0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX
            return (width, height) if is_sane else (0, 0)
    return (0, 0)


def _units(codec: Codec, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of each NAL unit; a slice's body is left empty, nobody needs it."""
    at = data.find(_START)
    while at >= 0 and at + 3 < len(data):
        begin = at + 3
        kind = data[begin] & 31 if codec == "h264" else data[begin] >> 1 & 63
        if _is_slice(codec, kind):
            yield kind, b""
            at = data.find(_START, begin)
            continue
        at = data.find(_START, begin)
        yield kind, data[begin : at if at >= 0 else len(data)].rstrip(b"\x00")


def _first_slice(codec: Codec, data: bytes) -> int:
    """Return where the first slice's NAL unit begins, -1 where there is none. Called for every packet."""
    at = data.find(_START) + 3
    while 3 <= at < len(data):
        kind = data[at] & 31 if codec == "h264" else data[at] >> 1 & 63
        if _is_slice(codec, kind):
            return at
        at = data.find(_START, at) + 3
    return -1


def _is_slice(codec: Codec, kind: int) -> bool:
    return 1 <= kind <= 5 if codec == "h264" else kind < _HEVC_VPS


class _Bits:
    """Read bits and Exp-Golomb numbers (H.264 9.1); IndexError past the end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self._content[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def skip(self, count: int) -> None:
        self._at += count

    def number(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise IndexError("no Exp-Golomb number is this long")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        value = self.number()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _h264_size(bits: _Bits) -> tuple[int, int]:
    bits.skip(8)  # NAL header
    profile = bits.take(8)
    bits.skip(16)  # constraints, level
    bits.number()  # seq_parameter_set_id
    chroma, is_separate = 1, 0
    if profile in _HIGH_PROFILES:
        chroma = bits.number()
        if chroma == 3:
            is_separate = bits.take(1)
        bits.number()
        bits.number()  # bit depths
        bits.skip(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    bits.number()  # log2_max_frame_num
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.skip(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.number(), 255)):
            bits.signed()
    bits.number()  # max_num_ref_frames
    bits.skip(1)
    width = (bits.number() + 1) * 16
    map_height = (bits.number() + 1) * 16
    is_frame_only = bits.take(1)
    if not is_frame_only:
        bits.skip(1)
    bits.skip(1)
    height = map_height * (2 - is_frame_only)
    if bits.take(1):
        across, down = _chroma_step(0 if is_separate else chroma)
        down *= 2 - is_frame_only
        width -= (bits.number() + bits.number()) * across
        height -= (bits.number() + bits.number()) * down
    return width, height


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for index in range(count):
        if not bits.take(1):
            continue
        last, following = 8, 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.signed() + 256) % 256
            last = following or last


def _hevc_size(bits: _Bits) -> tuple[int, int]:
    bits.skip(16 + 4)  # NAL header, VPS id
    layers = bits.take(3)
    bits.skip(1 + 88 + 8)  # nesting, general profile and level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.skip(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.skip(88 * has_profile + 8 * has_level)
    bits.number()  # seq_parameter_set_id
    chroma = bits.number()
    if chroma == 3:
        bits.skip(1)
    width, height = bits.number(), bits.number()
    if bits.take(1):
        across, down = _chroma_step(chroma)
        width -= (bits.number() + bits.number()) * across
        height -= (bits.number() + bits.number()) * down
    return width, height


def _chroma_step(chroma: int) -> tuple[int, int]:
    return {0: (1, 1), 1: (2, 2), 2: (2, 1)}.get(chroma, (1, 1))
