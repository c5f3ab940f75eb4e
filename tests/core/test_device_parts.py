"""Multipart answers as cameras write them, cut into parts whatever the pieces they come in."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.device_parts import PartCutter, PartTooLarge

CLEAN = b"--b\r\nContent-Type: x/y\r\nContent-Length: 4\r\n\r\nsatu\r\n--b\r\nContent-Length: 3\r\n\r\ndua\r\n--b--\r\n"


def cut(content, size=None, largest=100_000):
    cutter = PartCutter(largest)
    size = size or len(content)
    return [part.body for at in range(0, len(content), size) for part in cutter.feed(content[at : at + size])]


@pytest.mark.parametrize(
    ("content", "bodies"),
    [
        (CLEAN, [b"satu", b"dua"]),
        (CLEAN.replace(b"\r\n", b"\n"), [b"satu", b"dua"]),
        (b"\r\n" + CLEAN, [b"satu", b"dua"]),
        (b"preamble of a proud server\r\n" + CLEAN, [b"satu", b"dua"]),
        # dashes of the header counted twice
        (CLEAN.replace(b"--b", b"----b"), [b"satu", b"dua"]),
        # no lengths
        (b"--b\r\nContent-Type: x\r\n\r\nsatu\r\n--b\r\n\r\ndua\r\n--b\r\n", [b"satu", b"dua"]),
        # no empty line between a part and the next boundary
        (b"--b\r\nContent-Length: 4\r\n\r\nsatu--b\r\nContent-Length: 3\r\n\r\ndua", [b"satu", b"dua"]),
        # several empty lines
        (b"--b\r\nContent-Length: 4\r\n\r\nsatu\r\n\r\n\r\n--b\r\nContent-Length: 3\r\n\r\ndua", [b"satu", b"dua"]),
        # a length that is too long: the next boundary ends the part
        (b"--b\r\nContent-Length: 40\r\n\r\nsatu\r\n--b\r\nContent-Length: 3\r\n\r\ndua\r\n--b\r\n", [b"satu", b"dua"]),
        # an empty part is a heartbeat
        (b"--b\r\nContent-Length: 0\r\n\r\n\r\n--b\r\nContent-Length: 3\r\n\r\ndua", [b"dua"]),
        # dashes inside of a picture are no boundary
        (b"--b\r\nContent-Length: 9\r\n\r\nab--b--cd\r\n--b\r\nContent-Length: 3\r\n\r\ndua", [b"ab--b--cd", b"dua"]),
    ],
)
@pytest.mark.parametrize("size", [None, 1, 7])
def test_parts_are_found_in_what_cameras_write(content, bodies, size):
    assert cut(content, size) == bodies


def test_a_part_with_a_length_is_given_before_the_next_begins():
    assert cut(b"--b\r\nContent-Length: 4\r\n\r\nsatu") == [b"satu"]


def test_after_a_length_that_was_too_short_the_next_parts_are_found():
    wrong = b"--b\r\nContent-Length: 2\r\n\r\nsatu\r\n--b\r\nContent-Length: 2\r\n\r\ndua\r\n--b\r\n\r\ntiga\r\n--b\r\n"
    assert cut(wrong)[1:] == [b"dua", b"tiga"]


@pytest.mark.parametrize(
    "content",
    [
        b"--b\r\n\r\n" + b"x" * 300_000,
        b"--b\r\nContent-Length: 999999999\r\n\r\n",
        b"--b\r\nX: " + b"x" * 300_000,
        b"no boundary at all " * 20_000,
        b"--" + b"x" * 300_000,
    ],
)
def test_what_has_no_end_is_refused_before_it_fills_the_memory(content):
    with pytest.raises(PartTooLarge):
        cut(content, 4096)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=6), st.integers(1, 50))
@settings(max_examples=150, deadline=None)
def test_any_bodies_with_lengths_come_back_as_they_were(bodies, size):
    bodies = [body for body in bodies if b"--grenze" not in body]
    content = b"".join(b"--grenze\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(body), body) for body in bodies)
    assert cut(content, size) == bodies


@given(st.binary(max_size=3000), st.integers(1, 100))
@settings(max_examples=200, deadline=None)
def test_garbage_is_parts_or_an_error_and_nothing_else(content, size):
    with contextlib.suppress(PartTooLarge):
        assert all(len(body) <= 1000 for body in cut(b"--b\r\n" + content, size, largest=1000))
