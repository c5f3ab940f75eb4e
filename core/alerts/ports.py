"""What the alert desk asks of the hub: to send, to know what became of it, to tell the journal, to find a clip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from ..notice_states import NoticeRecord
from ..types import Clip, Event, Notice


class Ports(NamedTuple):
    """Hold what the hub lends.

    ``put`` commits a notice to the outbox and says whether it is new. ``records`` returns notices by their keys,
    ``of_provider`` one by the far side's id. ``emit`` commits an event. ``carries`` returns what a notifier can send
    beside words and pictures (``contracts.Carries``).
    """

    put: Callable[[Notice], Awaitable[bool]]
    records: Callable[[Sequence[str]], Awaitable[Mapping[str, NoticeRecord]]]
    of_provider: Callable[[str], Awaitable[NoticeRecord | None]]
    emit: Callable[[Event], Awaitable[int]]
    clip: Callable[[str], Awaitable[Clip | None]]
    carries: Callable[[str], frozenset[str]]
