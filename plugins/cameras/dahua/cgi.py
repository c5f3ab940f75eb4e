"""Dahua's CGI: answers of ``key=value`` lines, and its two ways to say no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ....core import CameraLost, DeviceHttp, NotSupported, Services, Texts

# "Error", a line end, and why; with status 200 on old firmware and 400 on new.
_ERROR = re.compile(r"^\s*Error\b[\s:]*(.*)", re.DOTALL)
_LACKING = ("not found", "not supported", "unsupport", "invalid authority", "bad request")


def dahua_http(options: Mapping[str, Any], services: Services) -> DeviceHttp:
    """Return how a device is asked."""
    scheme = "https" if options["https"] else "http"
    base = f"{scheme}://{options['host']}:{options['port']}"
    return DeviceHttp(services, base, username=options["username"], password=options["password"])


async def ask(http: DeviceHttp, texts: Texts, cgi: str, **asked: str | int) -> str:
    """Return what a CGI answers, as text. NotSupported where it answers with an error of its own, CameraLost else."""
    params = {name.rstrip("_"): str(value) for name, value in asked.items()}
    answer = await http.get(f"/cgi-bin/{cgi}.cgi", params, keeps=(400, 500))
    text = answer.body.decode("utf-8", "replace").strip()
    error = _ERROR.match(text)
    if error or answer.status >= 400:
        why = " ".join((error[1] if error else f"HTTP {answer.status}").split())[:200]
        if not why or any(word in why.lower() for word in _LACKING):
            raise NotSupported(texts("dahua.lacks", why=why or "Error"))
        raise CameraLost(texts("dahua.error", why=why))
    return text


def pairs(text: str) -> dict[str, str]:
    """Return the ``key=value`` lines of an answer."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, sign, value = line.strip().partition("=")
        if sign and len(found) < 5000:
            found[key] = value
    return found
