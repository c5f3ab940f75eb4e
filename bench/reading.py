"""The product's own reader, timed from the call that connects to the first packet."""

from __future__ import annotations

import time

from siaga.core.contracts import StreamSource
from siaga.core.media.recorder_source import find_video, open_source
from siaga.core.texts import Texts


def first_packet_s(source: StreamSource) -> float:
    """Connect as the recorder does; return the seconds until the first packet (it is the keyframe)."""
    texts, start_s = Texts("en"), time.monotonic()
    with open_source(source, texts) as container:
        stream, _ = find_video(container, texts)
        next(packet for packet in container.demux(stream) if packet.size)
        return time.monotonic() - start_s
