"""What each error code of the Cloud API means for a notice: try again, give up, or ask somebody.

Source: Meta, WhatsApp Business Platform, "Error codes" (developers.facebook.com/documentation/
business-messaging/whatsapp/support/error-codes; codes compared with its public copies), and the
Graph API's "Error handling". Meta asks to decide by ``code``, not by title, subcode or HTTP status.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Decision = Literal["retry", "give_up", "ask_operator"]

WINDOW_CLOSED = 131047
PICTURE_REFUSED = frozenset({131052, 131053})
PAIR_LIMIT = 131056
# These hold for the whole number or account: the next notice would meet them too.
SHARED_LIMITS = frozenset({4, 80007, 130429, 131048})


class Fault(msgspec.Struct, frozen=True):
    """Say what to do about one code; ``text`` is the key of the words for the operator."""

    decision: Decision
    text: str
    wait_s: float | None = None


_TOKEN = Fault("ask_operator", "token")
_PERMISSION = Fault("ask_operator", "permission")
_ACCOUNT = Fault("ask_operator", "account")
_NUMBER = Fault("ask_operator", "number")
_TEMPLATE = Fault("ask_operator", "template")
_FILLING = Fault("ask_operator", "template_filling")
_PAUSED = Fault("ask_operator", "template_paused")
_REQUEST = Fault("give_up", "request")
_RECIPIENT = Fault("give_up", "recipient")
_SERVICE = Fault("retry", "service")
_BUSY = Fault("retry", "too_fast", 60.0)

FAULTS: dict[int, Fault] = {
    # Authorisation.
    0: _TOKEN,
    190: _TOKEN,
    3: _PERMISSION,
    10: _PERMISSION,
    **dict.fromkeys(range(200, 300), _PERMISSION),
    131005: _PERMISSION,
    # Limits of the app, the account, the number's throughput (80 messages/s), spam, and of one recipient.
    4: _BUSY,
    80007: _BUSY,
    130429: Fault("retry", "too_fast", 5.0),
    131048: Fault("retry", "spam", 300.0),
    131056: Fault("retry", "too_fast_pair", 6.0),
    # Integrity of the account.
    368: _ACCOUNT,
    130497: _ACCOUNT,
    131031: _ACCOUNT,
    131042: Fault("ask_operator", "billing"),
    # The service itself.
    1: _SERVICE,
    2: _SERVICE,
    131000: _SERVICE,
    131016: _SERVICE,
    131057: Fault("retry", "service", 60.0),
    133004: _SERVICE,
    # The business phone number.
    33: _NUMBER,
    131037: _NUMBER,
    131045: _NUMBER,
    133005: _NUMBER,
    133006: _NUMBER,
    133010: _NUMBER,
    133015: Fault("retry", "service", 300.0),
    # The recipient.
    130472: Fault("give_up", "experiment"),
    131021: _RECIPIENT,
    131026: _RECIPIENT,
    131030: Fault("ask_operator", "not_allowed"),
    131047: Fault("retry", "window", 5.0),
    131049: Fault("give_up", "marketing"),
    131050: Fault("give_up", "marketing"),
    # The message.
    100: _REQUEST,
    131008: _REQUEST,
    131009: _REQUEST,
    131051: _REQUEST,
    131052: Fault("retry", "picture"),
    131053: Fault("retry", "picture"),
    135000: _REQUEST,
    # The template.
    132000: _FILLING,
    132001: _TEMPLATE,
    132005: _FILLING,
    132007: _TEMPLATE,
    132012: _FILLING,
    132015: _PAUSED,
    132016: _PAUSED,
    132018: _FILLING,
}
UNKNOWN = Fault("retry", "unknown", 30.0)


def fault_of(code: int, subcode: int | None = None, is_transient: bool = False) -> Fault:
    """Return what to do about an error. ``is_transient`` (Graph API) turns giving up into a retry.

    100 with subcode 33 is Graph's word for an object that does not exist or may not be used: here
    that is the business phone number, a mistake in the settings and not in the notice.
    """
    fault = _NUMBER if code == 100 and subcode == 33 else FAULTS.get(code, UNKNOWN)
    if is_transient and fault.decision == "give_up":
        return _SERVICE
    return fault
