"""What a notifier adds when its far side calls back: the request, what was learnt from it, and the protocol."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from .types import Receipt, Struct


class InboundRequest(Struct):
    """An HTTP request from a notifier's far side (``/hooks/<notifier>``), not yet trusted."""

    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


class KeyedReceipt(Struct):
    """A receipt that came later, with the notice's key where the far side returns it.

    ``may_retry``: it failed for good after it was accepted, for a reason that may pass.
    """

    receipt: Receipt
    key: str | None = None
    may_retry: bool = False


class Reply(Struct):
    """What somebody answered. ``id`` is the far side's, so that a repeat is known.

    ``in_reply_to`` is the far side's id of our message that was answered; ``payload`` is what a pressed button holds.
    ``name`` is how the sender calls himself there: anybody may call himself anything.
    """

    id: str
    sender: str
    text: str
    at: datetime
    in_reply_to: str | None = None
    payload: str = ""
    name: str = ""


class InboundResult(Struct):
    """What to answer the far side, and what was learnt from it."""

    status: int
    body: str = ""
    receipts: tuple[KeyedReceipt, ...] = ()
    replies: tuple[Reply, ...] = ()


@runtime_checkable
class Inbound(Protocol):
    """What a notifier adds when its far side calls back."""

    can_confirm: bool  # True when receipts come back by key: an unsure notice may wait for one

    async def receive(self, request: InboundRequest) -> InboundResult:
        """Check the signature, then read; a request that is not genuine is a status 401 or 403."""
        ...
