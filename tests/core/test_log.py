"""What never stands in the log, whoever writes it: a secret, or the login of a URL."""

import io
import logging

import pytest

from siaga.core.log import hide, masked, set_up_logging


@pytest.fixture
def lines():
    stream = io.StringIO()
    set_up_logging("info", stream)
    yield stream
    root = logging.getLogger()
    for handler in [h for h in root.handlers if h.get_name() == "siaga"]:
        root.removeHandler(handler)


def test_a_hidden_secret_is_masked_in_message_argument_and_traceback(lines):
    hide("r4hasia!dalam")
    log = logging.getLogger("siaga.test")
    log.info("kata sandi r4hasia!dalam")
    log.warning("dan %s %r", "r4hasia!dalam", {"p": "r4hasia!dalam"})
    try:
        raise ValueError("login r4hasia!dalam ditolak")
    except ValueError:
        log.exception("gagal di %s", "http://x/?q=r4hasia%21dalam")
    text = lines.getvalue()
    assert "r4hasia" not in text
    assert text.count("***") >= 5
    assert "Traceback" in text and "ditolak" in text


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("rtsp://petugas:kali123@10.0.5.21/main", "rtsp://***@10.0.5.21/main"),
        ("rtsp://petugas:k@li@10.0.5.21:554/main rusak", "rtsp://***@10.0.5.21:554/main rusak"),
        ("'http://tok3n@host/x' dan https://a:b@c", "'http://***@host/x' dan https://***@c"),
        ("https://graph/v1?access_token=EAAB123&x=1", "https://graph/v1?access_token=***&x=1"),
        ("http://host/a@b surat ke lurah@jakarta.id", "http://host/a@b surat ke lurah@jakarta.id"),
    ],
)
def test_logins_in_addresses_are_masked_and_nothing_else(told, kept):
    assert masked(told) == kept


def test_a_word_too_short_to_be_a_secret_does_not_blacken_the_log():
    hide("id")
    hide("")
    assert masked("video id ida") == "video id ida"


def test_logging_set_up_twice_writes_each_line_once(lines):
    set_up_logging("warning", lines)
    logging.getLogger("siaga.test").info("kecil")
    logging.getLogger("siaga.test").warning("besar")
    assert lines.getvalue().count("besar") == 1 and "kecil" not in lines.getvalue()
