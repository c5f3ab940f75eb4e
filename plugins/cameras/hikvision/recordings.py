"""What a Hikvision device keeps itself, and where it is played (ISAPI ContentMgmt/search, RTSP tracks).

Its times end in Z and are its local time all the same: so do recorders answer that were asked by others.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

from ....core import CameraLost, DeviceHttp, RecordedSpan, Texts, find_all, read_xml, text_of

_AT_ONCE = 40
# A device that always says "more" is asked no further.
_PAGES = 5


async def find_recordings(
    http: DeviceHttp, texts: Texts, channel: int, wanted: tuple[datetime, datetime], ahead: timedelta
) -> list[RecordedSpan]:
    """Return the files of a channel between two moments; ``ahead`` is its local time over UTC."""
    search = str(uuid.uuid4()).upper()
    found: list[RecordedSpan] = []
    for page in range(_PAGES):
        asked = _question(search, channel, tuple(one + ahead for one in wanted), page * _AT_ONCE)
        answer = await http.send("POST", "/ISAPI/ContentMgmt/search", asked.encode(), content_type="application/xml")
        root = read_xml(answer.body, texts)
        items = list(find_all(root, "searchMatchItem"))
        try:
            found += [
                RecordedSpan(
                    begin=_moment(text_of(item, "timeSpan", "startTime")) - ahead,
                    end=_moment(text_of(item, "timeSpan", "endTime")) - ahead,
                )
                for item in items
            ]
        except ValueError:
            raise CameraLost(texts("card.odd_answer")) from None
        if not items or text_of(root, "responseStatusStrg").strip().upper() != "MORE":
            break
    return found


def playback_path(channel: int, begin: datetime, end: datetime, ahead: timedelta) -> str:
    """Return the path and query of the RTSP address that plays a time."""
    first, last = (f"{one + ahead:%Y%m%dT%H%M%SZ}".lower() for one in (begin, end))
    return f"/Streaming/tracks/{channel}01/?starttime={first}&endtime={last}"


def _question(search: str, channel: int, wanted: tuple[datetime, ...], position: int) -> str:
    first, last = (f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in wanted)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><CMSearchDescription><searchID>{search}</searchID>'
        f"<trackList><trackID>{channel}01</trackID></trackList>"
        f"<timeSpanList><timeSpan><startTime>{first}</startTime><endTime>{last}</endTime></timeSpan></timeSpanList>"
        # The manual spells it so.
        f"<maxResults>{_AT_ONCE}</maxResults><searchResultPostion>{position}</searchResultPostion>"
        "<metadataList><metadataDescriptor>//recordType.meta.std-cgi.com</metadataDescriptor></metadataList>"
        "</CMSearchDescription>"
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.strip()[:19]).replace(tzinfo=timezone.utc)
