"""Cuts an endless multipart answer into its parts, as sloppy as cameras write them, each bounded."""

from __future__ import annotations

import re

from .types import Struct

# A part's own headers: three lines in practice.
_LONGEST_HEADERS = 16_000
# What may stand before the first boundary, and the boundary's own line.
_LONGEST_PREAMBLE = 16_000
_LINE_END = re.compile(rb"\r?\n")


class DevicePart(Struct):
    """Hold one part of a multipart answer; header names are in lower case."""

    content_type: str
    body: bytes
    headers: dict[str, str]


class PartTooLarge(ValueError):
    """Say that a part passes its bound, or does not begin where one must."""


class PartCutter:
    """Take bytes as they come and give whole parts.

    The boundary is the first line that begins with two dashes: servers disagree with their own header on dashes and
    quotes. A part with a length is given as soon as it is there, since the next may come in an hour; a device whose
    lengths turn out to be wrong is believed none any more, and its parts end where the next begins.
    """

    def __init__(self, largest_bytes: int) -> None:
        self._largest = largest_bytes
        self._buffer = bytearray()
        self._boundary = b""
        self._believes_lengths = True
        self._is_between = True
        # Where the search for the next boundary goes on, so that a large part is not searched again and again.
        self._searched = 0

    def feed(self, content: bytes) -> list[DevicePart]:
        """Return the parts that are whole now. PartTooLarge when what is there can be no part of a sane device."""
        self._buffer += content
        parts: list[DevicePart] = []
        while (self._boundary or self._learn_boundary()) and (not self._is_between or self._pass_boundary()):
            part = self._next()
            if part is None:
                break
            if part.body:
                parts.append(part)
        return parts

    def _learn_boundary(self) -> bool:
        begins = self._buffer.startswith(b"--")
        at = 0 if begins else self._buffer.find(b"\n--") + 1
        end = _LINE_END.search(self._buffer, at) if begins or at else None
        if end is None:
            self._bound(len(self._buffer), _LONGEST_PREAMBLE)
            return False
        self._boundary = bytes(self._buffer[at : end.start()]).rstrip()
        del self._buffer[:at]
        return True

    def _pass_boundary(self) -> bool:
        """Leave the line of the boundary behind; where something else stands, the last part's length was wrong."""
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        del self._buffer[:blank]
        if len(self._buffer) >= len(self._boundary) and not self._buffer.startswith(self._boundary):
            self._believes_lengths = False
            at = self._find(0)
            if at < 0:
                self._bound(len(self._buffer), self._largest)
                return False
            del self._buffer[:at]
        end = _LINE_END.search(self._buffer) if self._buffer.startswith(self._boundary) else None
        if end is None:
            return False
        del self._buffer[: end.end()]
        self._is_between = False
        self._searched = 0
        return True

    def _next(self) -> DevicePart | None:
        headers_end, begin = self._headers_end()
        if begin < 0:
            self._bound(len(self._buffer), _LONGEST_HEADERS)
            return None
        headers = _headers(bytes(self._buffer[:headers_end]))
        end = self._body_end(begin, headers.get("content-length", ""))
        if end < 0:
            self._bound(len(self._buffer) - begin, self._largest)
            return None
        self._bound(end - begin, self._largest)
        body = bytes(self._buffer[begin:end])
        del self._buffer[:end]
        self._is_between, self._searched = True, 0
        return DevicePart(content_type=headers.get("content-type", ""), body=body, headers=headers)

    def _headers_end(self) -> tuple[int, int]:
        # A part may have no headers at all: then it begins with the empty line.
        for empty in (b"\r\n", b"\n"):
            if self._buffer.startswith(empty):
                return 0, len(empty)
        found = [(at, at + len(end)) for end in (b"\r\n\r\n", b"\n\n") if (at := self._buffer.find(end)) >= 0]
        return min(found, default=(-1, -1))

    def _body_end(self, begin: int, declared: str) -> int:
        """Return where the body ends; -1 while that has not come."""
        at = self._find(begin)
        if declared.isdecimal() and len(declared) < 12 and self._believes_lengths:
            end = begin + int(declared)
            self._bound(int(declared), self._largest)
            if not 0 <= at < end:
                return end if len(self._buffer) >= end else -1
            self._believes_lengths = False  # the next part begins inside of this one
        if at < 0:
            return -1
        for byte in b"\n\r":
            if at > begin and self._buffer[at - 1] == byte:
                at -= 1
        return at

    def _find(self, begin: int) -> int:
        """Return where a boundary stands at the beginning of a line; -1 where none does."""
        at = self._buffer.find(self._boundary, max(begin, self._searched))
        while at > begin and self._buffer[at - 1] != ord("\n"):
            at = self._buffer.find(self._boundary, at + 1)
        self._searched = at if at >= 0 else max(begin, len(self._buffer) - len(self._boundary))
        return at

    def _bound(self, size: int, limit: int) -> None:
        if size > limit:
            raise PartTooLarge(f"{size} > {limit}")


def _headers(block: bytes) -> dict[str, str]:
    headers = {}
    for line in _LINE_END.split(block):
        name, colon, value = line.partition(b":")
        if colon:
            headers[name.strip().decode("latin-1").lower()] = value.strip().decode("latin-1")
    return headers
