"""What an ONVIF device is asked once: its clock, services, channels, streams, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from ....core import CameraError, CameraLost, NotSupported, Texts, find_all, text_of
from .soap import DEVICE, EVENTS, MEDIA, MEDIA2, PTZ, REPLAY, SEARCH, OnvifDevice

DEVICE_PATH = "/onvif/device_service"
_CODECS = ("H264", "H265", "JPEG", "HEVC", "MPEG4")
# What is recorded, analysed and shown; MJPEG is recorded and analysed.
_RANKS = {"H264": 2, "H265": 2, "HEVC": 2, "JPEG": 1}
# The older answer names services by their word, the newer one by their namespace.
_WORDS = {"Media": MEDIA, "PTZ": PTZ, "Events": EVENTS, "Search": SEARCH, "Replay": REPLAY}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Hold one way in which a device sends one of its pictures."""

    token: str
    source: str
    configuration: str = ""
    width: int = 0
    height: int = 0
    codec: str = ""
    has_ptz: bool = False

    @property
    def area(self) -> int:
        """Return the pixels of its picture."""
        return self.width * self.height


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Hold one camera of a device: the profile to record and the one to analyse."""

    main: Profile
    sub: Profile


async def device_time(device: OnvifDevice, texts: Texts) -> datetime:
    """Return the device's clock; every camera tells it without a login."""
    body = await device.call(DEVICE_PATH, f'<GetSystemDateAndTime xmlns="{DEVICE}"/>', login=False)
    utc = next(find_all(body, "UTCDateTime"), None)
    if utc is None:
        raise CameraLost(texts("onvif.no_time"))
    try:
        year, month, day = (int(text_of(utc, "Date", name)) for name in ("Year", "Month", "Day"))
        hour, minute, second = (int(text_of(utc, "Time", name)) for name in ("Hour", "Minute", "Second"))
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone.utc)
    except ValueError:
        raise CameraLost(texts("onvif.no_time")) from None


async def set_clock(device: OnvifDevice, texts: Texts) -> None:
    """Learn how far the device's clock is off: a login is refused when its time is more than seconds away."""
    try:
        told = await device_time(device, texts)
    except CameraError:
        return  # a device that does not tell may still not care
    offset = told - datetime.now(timezone.utc)
    device.offset = offset if abs(offset) > timedelta(seconds=2) else timedelta(0)


async def find_services(device: OnvifDevice) -> dict[str, str]:
    """Return the address of each service by its namespace."""
    asked = f'<GetServices xmlns="{DEVICE}"><IncludeCapability>false</IncludeCapability></GetServices>'
    found: dict[str, str] = {}
    try:
        body = await device.call(DEVICE_PATH, asked)
        found = {text_of(one, "Namespace"): text_of(one, "XAddr") for one in find_all(body, "Service")}
    except (NotSupported, CameraLost):
        pass
    if MEDIA not in found and MEDIA2 not in found:
        asked = f'<GetCapabilities xmlns="{DEVICE}"><Category>All</Category></GetCapabilities>'
        body = await device.call(DEVICE_PATH, asked)
        for word, namespace in _WORDS.items():
            told = [text_of(one, "XAddr") for one in find_all(body, word) if text_of(one, "XAddr")]
            if told:
                found[namespace] = told[0]
    return {namespace: address for namespace, address in found.items() if address}


async def name_and_model(device: OnvifDevice) -> tuple[str, str, str]:
    """Return maker, model and serial number."""
    body = await device.call(DEVICE_PATH, f'<GetDeviceInformation xmlns="{DEVICE}"/>')
    answer = next(find_all(body, "GetDeviceInformationResponse"), body)
    return text_of(answer, "Manufacturer"), text_of(answer, "Model"), text_of(answer, "SerialNumber")


async def find_channels(device: OnvifDevice, services: Mapping[str, str], texts: Texts) -> list[Channel]:
    """Return the cameras of a device, in the order of its video sources. CameraLost where none can be used."""
    profiles = [profile for profile in await _profiles(device, services) if profile.source and profile.codec != "?"]
    sources = dict.fromkeys(profile.source for profile in profiles)
    channels = []
    for source in sources:
        ways = [profile for profile in profiles if profile.source == source]
        # MJPEG costs ten times the network, whatever its size; what cannot be read at all comes last.
        main = max(ways, key=lambda profile: (_RANKS.get(profile.codec, 0), profile.area))
        sub = min(ways, key=lambda profile: (-_RANKS.get(profile.codec, 0), profile.area))
        channels.append(Channel(main=main, sub=sub))
    if not channels:
        raise CameraLost(texts("onvif.no_profile"))
    return channels


async def _profiles(device: OnvifDevice, services: Mapping[str, str]) -> list[Profile]:
    if MEDIA2 in services:
        try:
            body = await device.call(services[MEDIA2], f'<GetProfiles xmlns="{MEDIA2}"><Type>All</Type></GetProfiles>')
            found = [_profile(one) for one in find_all(body, "Profiles")]
            if found:
                return found
        except (NotSupported, CameraLost):
            if MEDIA not in services:
                raise
    body = await device.call(services.get(MEDIA, "/onvif/media_service"), f'<GetProfiles xmlns="{MEDIA}"/>')
    return [_profile(one) for one in find_all(body, "Profiles")]


def _profile(told: Element) -> Profile:
    """Read a profile of either media service."""
    where = next(find_all(told, "VideoSourceConfiguration"), None)
    where = where if where is not None else next(find_all(told, "VideoSource"), None)
    source = text_of(where, "SourceToken") if where is not None else ""
    encoder = next(find_all(told, "VideoEncoderConfiguration"), None)
    encoder = encoder if encoder is not None else next(find_all(told, "VideoEncoder"), None)
    codec = text_of(encoder, "Encoding").upper() if encoder is not None else "?"
    size = next(find_all(encoder, "Resolution"), None) if encoder is not None else None
    width, height = (text_of(size, side) if size is not None else "" for side in ("Width", "Height"))
    has_ptz = any(True for name in ("PTZConfiguration", "PTZ") for _ in find_all(told, name))
    return Profile(
        token=told.get("token", ""),
        source=source,
        configuration=where.get("token", "") if where is not None else "",
        width=int(width) if width.isdecimal() else 0,
        height=int(height) if height.isdecimal() else 0,
        codec=codec if codec in _CODECS or codec == "?" else "",
        has_ptz=has_ptz,
    )


async def stream_address(device: OnvifDevice, services: Mapping[str, str], profile: Profile, texts: Texts) -> str:
    """Return the RTSP address of a profile, over TCP."""
    token = escape(profile.token)
    if MEDIA2 in services:
        asked = f"<Protocol>RTSP</Protocol><ProfileToken>{token}</ProfileToken>"
        try:
            body = await device.call(services[MEDIA2], f'<GetStreamUri xmlns="{MEDIA2}">{asked}</GetStreamUri>')
            if address := _address(body):
                return address
        except (NotSupported, CameraLost):
            if MEDIA not in services:
                raise
    setup = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    asked = f"<StreamSetup>{setup}</StreamSetup><ProfileToken>{token}</ProfileToken>"
    body = await device.call(
        services.get(MEDIA, "/onvif/media_service"), f'<GetStreamUri xmlns="{MEDIA}">{asked}</GetStreamUri>'
    )
    if address := _address(body):
        return address
    raise CameraLost(texts("onvif.no_stream"))


async def snapshot_address(device: OnvifDevice, services: Mapping[str, str], profile: Profile) -> str:
    """Return the address of a still picture; NotSupported where the device names none."""
    namespace = MEDIA2 if MEDIA2 in services else MEDIA
    asked = f'<GetSnapshotUri xmlns="{namespace}"><ProfileToken>{escape(profile.token)}</ProfileToken></GetSnapshotUri>'
    return _address(await device.call(services.get(namespace, "/onvif/media_service"), asked))


def _address(body: Element) -> str:
    return next(((one.text or "").strip() for one in find_all(body, "Uri")), "")


async def relay_tokens(device: OnvifDevice) -> Sequence[str]:
    """Return the device's relays; NotSupported where it knows none."""
    body = await device.call(DEVICE_PATH, f'<GetRelayOutputs xmlns="{DEVICE}"/>')
    return tuple(token for one in find_all(body, "RelayOutputs") if (token := one.get("token", "")))


async def set_relay(device: OnvifDevice, token: str, *, is_on: bool) -> None:
    """Switch a relay."""
    state = "active" if is_on else "inactive"
    asked = f"<RelayOutputToken>{escape(token)}</RelayOutputToken><LogicalState>{state}</LogicalState>"
    await device.call(DEVICE_PATH, f'<SetRelayOutputState xmlns="{DEVICE}">{asked}</SetRelayOutputState>')


def attribute(name: str, value: str) -> str:
    """Return an attribute of XML, quoted."""
    return f" {name}={quoteattr(value)}"
