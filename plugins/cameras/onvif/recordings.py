"""What an ONVIF device of profile G keeps itself, and how it is played (Recording Search 1, Replay Control 1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ....core import CameraLost, NotSupported, RecordedSpan, Texts, find_all, text_of
from .soap import REPLAY, SEARCH, OnvifDevice

# A search goes on at the device while its results are asked for; one that never ends is left.
_ASKS = 10
_RESULTS = 50
_SETUP = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"


class OnvifRecordings:
    """Ask one device what one of its cameras has. NotSupported where it keeps nothing, or does not say so."""

    def __init__(
        self,
        device: OnvifDevice,
        addresses: Mapping[str, str],
        texts: Texts,
        *,
        names: Collection[str],
        channel: int,
    ) -> None:
        """Take what the camera's picture is called, and its number where no recording names its source."""
        self._device = device
        self._addresses = addresses
        self._texts = texts
        self._names = names
        self._channel = channel

    async def find(self, begin: datetime, end: datetime) -> list[RecordedSpan]:
        """Return the recordings that touch a time. ONVIF tells their first and last moment, not holes between."""
        found = await self._recording()
        try:
            span = RecordedSpan(
                begin=_moment(text_of(found, "EarliestRecording")), end=_moment(text_of(found, "LatestRecording"))
            )
        except ValueError:
            raise CameraLost(self._texts("card.odd_answer")) from None
        return [span] if span.begin < end and span.end > begin else []

    async def address(self) -> str:
        """Return the RTSP address that plays the recording."""
        token = escape(text_of(await self._recording(), "RecordingToken"))
        asked = f"<StreamSetup>{_SETUP}</StreamSetup><RecordingToken>{token}</RecordingToken>"
        body = await self._device.call(self._service(REPLAY), f'<GetReplayUri xmlns="{REPLAY}">{asked}</GetReplayUri>')
        return next(((one.text or "").strip() for one in find_all(body, "Uri")), "")

    def headers(self, begin: datetime, end: datetime) -> dict[str, str]:
        """Return what SETUP and PLAY must say (ONVIF Streaming Specification, 6.3)."""
        first, last = (f"{one.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}" for one in (begin, end))
        return {"Require": "onvif-replay", "Range": f"clock={first}-{last}", "Rate-Control": "no"}

    async def _recording(self) -> Element:
        found = await self._search()
        mine = [one for one in found if _source(one) in self._names]
        if mine:
            return mine[0]
        if len(found) >= self._channel:
            return found[self._channel - 1]
        raise NotSupported(self._texts("card.nothing"))

    async def _search(self) -> list[Element]:
        service = self._service(SEARCH)
        asked = f"<Scope/><MaxMatches>{_RESULTS}</MaxMatches><KeepAliveTime>PT30S</KeepAliveTime>"
        body = await self._device.call(service, f'<FindRecordings xmlns="{SEARCH}">{asked}</FindRecordings>')
        token = next((escape(one.text or "") for one in find_all(body, "SearchToken")), "")
        asked = f"<SearchToken>{token}</SearchToken><MaxResults>{_RESULTS}</MaxResults><WaitTime>PT2S</WaitTime>"
        found: list[Element] = []
        for _ in range(_ASKS):
            body = await self._device.call(
                service, f'<GetRecordingSearchResults xmlns="{SEARCH}">{asked}</GetRecordingSearchResults>'
            )
            found += find_all(body, "RecordingInformation")
            state = next(((one.text or "") for one in find_all(body, "SearchState")), "")
            if state not in ("Queued", "Searching"):
                break
        return found[:_RESULTS]

    def _service(self, namespace: str) -> str:
        if namespace not in self._addresses:
            raise NotSupported(self._texts("card.none"))
        return self._addresses[namespace]


def _source(recording: Element) -> str:
    return next(((one.text or "").strip() for one in find_all(recording, "SourceId")), "")


def _moment(text: str) -> datetime:
    told = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return told if told.tzinfo else told.replace(tzinfo=timezone.utc)
