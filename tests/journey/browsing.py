"""A small HTTP visitor: logs in as a person does, then reads pages and the API."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

NEW_PASSWORD = "kali-ciliwung-siaga-2"


class Visitor:
    """Hold a session with one hub."""

    def __init__(self, url: str, one_time_password: str) -> None:
        self._url = url
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self._post("/login", {"name": "admin", "password": one_time_password})
        if "/password" in self.page("/"):
            new = {"old": one_time_password, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
            self._post("/password", new)

    def page(self, path: str) -> str:
        """Return a page's HTML."""
        return self.content(path).decode()

    def api(self, path: str) -> Any:
        """Return what the API says."""
        return json.loads(self.content(path))

    def content(self, path: str) -> bytes:
        """Return a file's bytes."""
        with self._opener.open(self._url + path, timeout=20) as answer:
            body: bytes = answer.read()
        return body

    def _post(self, path: str, fields: dict[str, str]) -> None:
        token = re.search(r'name="csrf" value="([^"]+)"', self.page(path))
        assert token, f"{path} has no form"
        body = urllib.parse.urlencode({**fields, "csrf": token[1]}).encode()
        request = urllib.request.Request(self._url + path, body, headers={"Origin": self._url})
        with self._opener.open(request, timeout=20) as answer:
            answer.read()


def get_json(url: str) -> Any:
    """Return JSON from an address that needs no login."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def get_bytes(url: str) -> bytes:
    """Return the bytes at an address that needs no login."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        body: bytes = answer.read()
    return body


def post_json(url: str, body: Any) -> None:
    """Post JSON to an address that needs no login."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()
