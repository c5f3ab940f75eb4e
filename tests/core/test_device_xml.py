"""Device XML: read where it is sloppy, refused where it is hostile."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.device_xml import find_all, local_name, read_xml, text_of
from siaga.core.errors import CameraLost
from siaga.core.texts import Texts

TEXTS = Texts("id")
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><x>&d;</x>"""
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0" encoding="UTF-8"?><A xmlns="http://x"><B><C>1</C></B></A>',
        b'\xef\xbb\xbf\r\n <?xml version="1.0"?><A><B><C> 1 </C></B></A>\x00\x00',
        b"<s:A xmlns:s='http://x'><s:B><t:C>1</t:C></s:B></s:A>",
        '<?xml version="1.0" encoding="GB2312"?><A><N>\u6444\u50cf</N><B><C>1</C></B></A>'.encode("gb2312"),
        b'<?xml version="1.0" encoding="nonsense"?><A><B><C>1</C></B></A>',
        b"<A><N>caf\xe9</N><B><C>1</C></B></A>",
        b"<A><N>x\x01\x0b</N><B><C>1</C></B></A>",
        '<?xml version="1.0" encoding="UTF-16"?><A><B><C>1</C></B></A>'.encode("utf-16"),
    ],
)
def test_what_cameras_write_is_read(body):
    root = read_xml(body, TEXTS)
    assert local_name(root) == "A"
    assert text_of(root, "B", "C") == "1"
    assert [one.text.strip() for one in find_all(root, "C")] == ["1"]
    assert text_of(root, "B", "D") == ""


@pytest.mark.parametrize("body", [LAUGHS, OUTSIDE, b"<!DOCTYPE html><html></html>"])
def test_documents_with_entities_are_refused_at_once(body):
    begun = time.monotonic()
    with pytest.raises(CameraLost, match="DTD"):
        read_xml(body, TEXTS)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<A>",
        b"<A></B>",
        b"Bad Request",
        b"<A/><B/>",
        b'{"a": 1}',
        b"<A>&undeclared;</A>",
        b"\xff\xd8\xff\xe0JFIF",
    ],
)
def test_what_is_no_document_is_said_in_words(body):
    with pytest.raises(CameraLost, match="XML"):
        read_xml(body, TEXTS)


@pytest.mark.parametrize(
    "body", [b"<a>" * 5000, b"<r>" + b"<a/>" * 300_000 + b"</r>", b"<a>" + b"x" * 3_000_000 + b"</a>"]
)
def test_what_is_too_deep_too_many_or_too_large_is_refused(body):
    with pytest.raises(CameraLost):
        read_xml(body, TEXTS)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(CameraLost):
        assert local_name(read_xml(b"<a>" + body + b"</a>", TEXTS)) == "a"
