"""An ONVIF device's events: a pull point that is kept, renewed, and made anew when the device forgot it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator

from ....core import CameraError, CameraLost, Services, find_all
from .soap import EVENTS, NOTIFY, OnvifDevice, addressed
from .topics import Word, words_of

# A device forgets a pull point of which it hears nothing for so long; one that died does not keep it for ever.
_LIFE_S, _RENEW_EVERY_S = 60, 25.0
# A pull waits at the device for so long, and a network's way back.
_PULL_S, _ANSWER_S = 15, 25.0
_MOST_MESSAGES = 50
_CREATE = f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"
_PULL = f"{EVENTS}/PullPointSubscription/PullMessagesRequest"
_RENEW = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest"
_END = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest"

_PARAMETERS = re.compile(r"<(?:[\w.-]+:)?ReferenceParameters[^>]*>(.*?)</(?:[\w.-]+:)?ReferenceParameters>", re.DOTALL)
_DECLARATION = re.compile(r'xmlns:([\w.-]+)="([^"<>]{1,200})"')
_OPENING = re.compile(r"<([\w.-]+):[\w.-]+")
_LONGEST_PARAMETERS = 4000


async def read_words(device: OnvifDevice, address: str, services: Services) -> AsyncIterator[Word]:
    """Yield what a device tells, until its pull point is lost (CameraError)."""
    point, more = await _subscribe(device, address, services)
    renewed_s = services.clock.mono_s()
    try:
        while True:
            begun_s = services.clock.mono_s()
            asked = f"<Timeout>PT{_PULL_S}S</Timeout><MessageLimit>{_MOST_MESSAGES}</MessageLimit>"
            body = await device.call(
                point,
                f'<PullMessages xmlns="{EVENTS}">{asked}</PullMessages>',
                header=addressed(_PULL, point, more),
                limit_s=_ANSWER_S,
            )
            count = 0
            for word in words_of(body):
                count += 1
                yield word
            if services.clock.mono_s() - renewed_s >= _RENEW_EVERY_S:
                await _renew(device, point, more)
                renewed_s = services.clock.mono_s()
            if not count and services.clock.mono_s() - begun_s < 1.0:
                # Some answer an empty pull at once instead of waiting.
                await services.clock.sleep(1.0)
    finally:
        with contextlib.suppress(CameraError):
            await device.call(
                point, f'<Unsubscribe xmlns="{NOTIFY}"/>', header=addressed(_END, point, more), limit_s=2.0
            )


async def _subscribe(device: OnvifDevice, address: str, services: Services) -> tuple[str, str]:
    """Return where to pull, and the headers that the device wants back."""
    life = f"<InitialTerminationTime>PT{_LIFE_S}S</InitialTerminationTime>"
    body, raw = await device.exchange(
        address,
        f'<CreatePullPointSubscription xmlns="{EVENTS}">{life}</CreatePullPointSubscription>',
        header=addressed(_CREATE, address),
    )
    reference = next(find_all(body, "SubscriptionReference"), None)
    told = [(one.text or "").strip() for one in find_all(reference, "Address")] if reference is not None else []
    if not told or not told[0]:
        raise CameraLost(services.texts("onvif.no_pull_point"))
    return device.here(told[0]), reference_parameters(raw)


def reference_parameters(raw: bytes) -> str:
    """Return the headers that a device wants back with each request to its pull point, each with its namespace."""
    text = raw.decode("utf-8", "replace")
    inside = _PARAMETERS.search(text)
    if inside is None or len(inside[1]) > _LONGEST_PARAMETERS:
        return ""
    declared = dict(_DECLARATION.findall(text))

    def with_namespace(found: re.Match[str]) -> str:
        prefix = found[1]
        is_open = prefix in declared and f"xmlns:{prefix}=" not in inside[1]
        return f'{found[0]} xmlns:{prefix}="{declared[prefix]}"' if is_open else found[0]

    return _OPENING.sub(with_namespace, inside[1].strip())


async def _renew(device: OnvifDevice, point: str, more: str) -> None:
    asked = f'<Renew xmlns="{NOTIFY}"><TerminationTime>PT{_LIFE_S}S</TerminationTime></Renew>'
    # Some know no Renew, or refuse it, and keep a pull point for as long as it is pulled; one that is gone is heard of
    # by the next pull.
    with contextlib.suppress(CameraError):
        await device.call(point, asked, header=addressed(_RENEW, point, more))
