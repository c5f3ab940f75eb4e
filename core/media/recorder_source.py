"""How a source is opened with FFmpeg, and what its errors mean in words; logins stay in here."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.container import InputContainer
from av.stream import Discard
from av.video import VideoStream

from ..contracts import StreamSource
from ..errors import AuthFailed, CameraLost
from ..texts import Texts
from .ring import Codec

# A stream that shows nothing for so long stands still.
STALL_S = 10.0
# A source that says how slow it may be is given two pictures, and what a weak network adds.
_SLOW_SHARE = 2.5
# How long it may take until a camera answers.
_OPEN_LIMIT_S = 5.0
# Default probing waits 1.5 s and more; with these the first frame is there after 0.1 s. ``fflags=nobuffer``
# would be as fast and throw the first keyframe away. Sound is not asked for: nobody hears it here, and a camera
# that sends nothing else would look alive.
_RTSP_OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32", "allowed_media_types": "video"}
_HTTP_OPTIONS = {"analyzeduration": "500000", "probesize": "131072"}
# Enough to find the parameters of any camera's file; the default of 5 MB is felt on a damaged one.
_FILE_OPTIONS = {"analyzeduration": "1000000", "probesize": "1000000"}
_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "hevc", "mjpeg": "mjpeg"}


class StreamUnreadable(CameraLost):
    """Say that something arrives, but no video that we can use."""


def is_file(source: StreamSource) -> bool:
    """Say whether a source is a file on this machine, to be played at the speed of its pictures."""
    scheme = urlsplit(source.url).scheme
    return scheme == "file" or len(scheme) < 2  # a lone letter would be a drive


def stall_after_s(source: StreamSource) -> float:
    """Return for how long a stream may be silent before it counts as lost."""
    return max(STALL_S, _SLOW_SHARE * max(source.slowest_s, source.keyframe_every_s))


def session_stall_s(source: StreamSource) -> float:
    """Return the same for one session: who comes for a keyframe now and then waits for it no longer than others."""
    return max(STALL_S, _SLOW_SHARE * source.slowest_s)


def open_source(source: StreamSource, texts: Texts) -> InputContainer:
    """Open a source; AuthFailed, CameraLost or StreamUnreadable in words, never with the login."""
    options = {**_default_options(source), **source.options}
    file_format = options.pop("format", None)
    began_mono_s = time.monotonic()
    # FFmpeg raises only after about twice the second. A slow source may not even begin before its next picture.
    limits_s = (max(_OPEN_LIMIT_S, source.slowest_s), session_stall_s(source) / 2)
    try:
        return av.open(
            _with_login(source), format=file_format, options=options, timeout=limits_s, metadata_errors="replace"
        )
    except av.error.InvalidDataError as err:
        # A camera that takes the connection and never answers ends so too, when its time is up.
        if not is_file(source) and time.monotonic() - began_mono_s >= 0.9 * limits_s[0]:
            raise CameraLost(texts("media.lost.timeout")) from None
        raise name_error(err, source, texts) from None
    except (av.error.FFmpegError, OSError, ValueError) as err:
        raise name_error(err, source, texts) from None  # the chained error would show the URL with its login


def find_video(container: InputContainer, texts: Texts) -> tuple[VideoStream, Codec]:
    """Return the first picture stream and its codec; StreamUnreadable when there is none we can use."""
    if not container.streams.video:
        raise StreamUnreadable(texts("media.unreadable.no_video"))
    stream = container.streams.video[0]
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all  # FFmpeg's time-out counts what it hands over
    name = stream.codec_context.name if stream.codec_context is not None else "?"
    if name not in _CODECS:
        raise StreamUnreadable(texts("media.unreadable.codec", codec=name))
    return stream, _CODECS[name]


def name_error(err: Exception, source: StreamSource, texts: Texts) -> CameraLost | AuthFailed:
    """Return what an error of FFmpeg means, without its own message: that may hold the password."""
    if isinstance(err, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return AuthFailed(texts("media.auth_failed"))
    if isinstance(err, av.error.HTTPNotFoundError):
        return CameraLost(texts("media.lost.not_found"))
    if is_file(source) and isinstance(err, (FileNotFoundError, PermissionError, IsADirectoryError)):
        return CameraLost(texts("media.lost.no_file", url=source.url))
    if isinstance(err, ConnectionRefusedError):
        return CameraLost(texts("media.lost.refused"))
    if isinstance(err, (TimeoutError, av.error.ExitError)):
        return CameraLost(texts("media.lost.timeout"))
    if isinstance(err, (av.error.InvalidDataError, UnicodeError)):
        return StreamUnreadable(texts("media.unreadable.data"))
    if isinstance(err, PermissionError):  # a firewall's word for it
        return CameraLost(texts("media.lost.forbidden"))
    what = getattr(err, "strerror", None) or type(err).__name__
    return CameraLost(texts("media.lost.other", what=what))


def _default_options(source: StreamSource) -> dict[str, str]:
    if is_file(source):
        return dict(_FILE_OPTIONS)
    return dict(_RTSP_OPTIONS if urlsplit(source.url).scheme in ("rtsp", "rtsps") else _HTTP_OPTIONS)


def _with_login(source: StreamSource) -> str:
    if is_file(source):
        return str(Path(source.url.removeprefix("file://")))
    login = {"{username}": source.username, "{password}": source.password}
    if any(sign in source.url for sign in login):
        # Some cameras want their login in the path.
        filled = source.url
        for sign, value in login.items():
            filled = filled.replace(sign, quote(value, safe=""))
        return filled
    if not source.username:
        return source.url
    parts = urlsplit(source.url)
    userinfo = f"{quote(source.username, safe='')}:{quote(source.password, safe='')}"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{host}"))
