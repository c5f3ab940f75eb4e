"""Reads the XML that devices answer with: no DTD, no entities, bounded, and lenient where cameras are sloppy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from .errors import CameraLost
from .texts import Texts

LARGEST_BYTES = 2_000_000
# ONVIF's deepest answers nest about 15 elements and hold some thousands of them.
_DEEPEST, _MOST_ELEMENTS = 60, 50_000
# What XML may not hold and firmware prints all the same.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DECLARED = re.compile(rb"""^<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")


class _Refused(Exception):
    """Say why a document is not read; the text is a key of the texts."""


def read_xml(body: bytes, texts: Texts, *, largest_bytes: int = LARGEST_BYTES) -> Element:
    """Return the root of a document, its names without prefix or namespace. CameraLost in words where it is none.

    Prefixes that nobody declared are taken as they are: some cameras forget to. Entities beyond the five of XML
    itself, DTDs, and documents beyond the bounds are refused before they cost anything.
    """
    if len(body) > largest_bytes:
        raise CameraLost(texts("device.xml.too_large", megabytes=f"{largest_bytes / 1e6:g}"))
    builder = _Builder()
    try:
        return builder.read(_decoded(body))
    except _Refused as err:
        raise CameraLost(texts(str(err))) from None
    except (expat.ExpatError, ValueError, AssertionError) as err:
        raise CameraLost(texts("device.xml.broken", why=str(err).partition(":")[0])) from None


def local_name(element: Element) -> str:
    """Return an element's name; ``read_xml`` has taken prefixes off already."""
    return element.tag


def text_of(element: Element, *path: str) -> str:
    """Return the text at a path of names below an element; an empty text where there is none."""
    found: Element | None = element
    for name in path:
        found = next((child for child in found if child.tag == name), None) if found is not None else None
    return (found.text or "").strip() if found is not None else ""


def find_all(element: Element, name: str) -> Iterator[Element]:
    """Yield every element of a name at or below an element, in the order of the document."""
    return element.iter(name)


class _Builder:
    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def read(self, text: str) -> Element:
        # Without expat's namespaces: an undeclared prefix would be an error there.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._tree.data
        parser.Parse(text.encode(), True)
        return self._tree.close()

    def _refuse_doctype(self, *_: object) -> None:
        raise _Refused("device.xml.doctype")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise _Refused("device.xml.too_much")
        plain = {_local(key): value for key, value in attributes.items() if not key.startswith("xmlns")}
        self._tree.start(_local(name), plain)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_local(name))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _decoded(body: bytes) -> str:
    """Return the text; the declared encoding is believed only where the bytes agree."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _cleaned(body.decode("utf-16", "replace"))
    body = body.strip(b"\x00 \t\r\n")
    found = _DECLARED.match(body.removeprefix(b"\xef\xbb\xbf"))
    declared = found[1].decode().lower() if found else "utf-8"
    for encoding in ("utf-8", declared):
        try:
            return _cleaned(body.decode(encoding))
        except (UnicodeDecodeError, LookupError):
            continue
    return _cleaned(body.decode("utf-8", "replace"))


def _cleaned(text: str) -> str:
    return _CONTROL.sub("", text).removeprefix("\ufeff").lstrip()
