"""The hub's log: plain lines on standard error, in which no secret and no login of a URL ever stands."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from typing import TextIO
from urllib.parse import quote

MASK = "***"
# Hiding "1" or "id" would blacken half the log and tell the secret by the gaps.
SHORTEST_SECRET = 4
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

# The last @ before the path counts: people write passwords with an @ in them.
_LOGIN_IN_URL = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.\-]*://)[^\s/?#'\"<>]*@")
_SECRET_IN_QUERY = re.compile(r"(?i)([?&](?:access_token|token|password|passwd|pwd|secret|api_key|key|sig)=)[^&\s'\"]+")

_lock = threading.Lock()
_hidden: set[str] = set()
_hidden_words: re.Pattern[str] | None = None


def hide(secret: str) -> None:
    """Never show this string in the log again, nor its URL-encoded form."""
    if len(secret) < SHORTEST_SECRET:
        return
    global _hidden_words
    with _lock:
        _hidden.update({secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1]})
        longest_first = sorted(_hidden, key=len, reverse=True)
        _hidden_words = re.compile("|".join(map(re.escape, longest_first)))


def masked(text: str) -> str:
    """Return the text without hidden secrets, logins in URLs and keys in queries."""
    if _hidden_words is not None:
        text = _hidden_words.sub(MASK, text)
    if "://" in text:
        text = _LOGIN_IN_URL.sub(rf"\1{MASK}@", text)
    return _SECRET_IN_QUERY.sub(rf"\1{MASK}", text) if "=" in text else text


class MaskingFormatter(logging.Formatter):
    """Mask the finished line: message, arguments and traceback alike, whoever wrote them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line as it may be seen."""
        return masked(super().format(record))


def set_up_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (standard error), once; called again it replaces itself."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(MaskingFormatter(LINE))
    handler.set_name("siaga")
    root = logging.getLogger()
    for old in [other for other in root.handlers if other.get_name() == "siaga"]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # A line for each request of the web UI, or each file that moved, would bury what matters.
    for name in ("aiohttp.access", "watchfiles"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _tell_uncaught


def _tell_uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("siaga").critical(
        "ended by an error that nobody expected\n%s", "".join(traceback.format_exception(error)).rstrip()
    )
