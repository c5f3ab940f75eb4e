"""Alerts and people for the tests of the alert desk."""

import asyncio
from datetime import time

import msgspec
from hub_for_rules import event, settings

from siaga.core.settings import ContactSettings, QuietHours, RateLimit, RotaSettings, Shift, TeamSettings
from siaga.core.types import Alert, Escalation

NIGHT = QuietHours(after=time(22), before=time(5))


def alert(key="run:actions[0]", **more) -> Alert:
    """Return an alert about flood water to Posko and Lurah, one incident per key ``banjir/kali``."""
    given = {
        "text": "Air naik di Kali Ciliwung",
        "target": {"contact": ("posko", "lurah")},
        "incident": "banjir/kali",
        "group_s": 300.0,
        "event": event("flood.stage"),
        "run_id": "run",
        "rule_id": "banjir",
        "step": "actions[0]",
    }
    return Alert(key=key, **(given | more))


def after(seconds, text="", **target) -> Escalation:
    """Return a step of an escalation."""
    return Escalation(after_s=seconds, target={key: (name,) for key, name in target.items()}, text=text)


def site(quiet=(), limit=None, **more):
    """Return the usual settings, with quiet hours and a limit for Lurah, a team and a rota of two shifts."""
    usual = settings()
    lurah = msgspec.structs.replace(
        usual.contacts["lurah"],
        quiet_hours=tuple(quiet),
        limit=RateLimit(count=limit[0], per_s=limit[1]) if limit else None,
    )
    budi = ContactSettings(id="budi", name="Pak Budi", via=(msgspec.structs.replace(lurah.via[0], to="+62815"),))
    return msgspec.structs.replace(
        usual,
        contacts={**usual.contacts, "lurah": lurah, "budi": budi},
        teams={"satgas": TeamSettings(id="satgas", name="Satgas", members=("lurah", "budi"))},
        rotas={
            "jaga": RotaSettings(
                id="jaga",
                name="Jaga posko",
                shifts=(
                    Shift(after=time(19), before=time(20), contacts=("lurah",)),
                    Shift(after=time(20), before=time(21), contacts=("budi",)),
                ),
            )
        },
        **more,
    )


async def rest(hub):
    """Wait until the desk has nothing more to do at this moment: between two jobs of the journal lie few turns."""
    still = 0
    while still < 100:
        await asyncio.sleep(0.001 if hub.journal.under_way else 0)
        still = 0 if hub.journal.under_way else still + 1


async def advance(hub, seconds):
    """Let time pass in steps that the desk can follow."""
    await rest(hub)
    while seconds > 0:
        step = min(seconds, 900 if seconds > 3000 else 300 if seconds > 700 else 60)
        await hub.clock.advance(step)
        seconds -= step
        await rest(hub)


async def sent(hub, to=None):
    """Return the texts of the notices in the outbox, to one address."""
    await rest(hub)
    return [notice.text for notice in await hub.outbox.all() if to in (None, notice.to)]


async def kinds(hub):
    """Return what the journal was told of incidents."""
    await rest(hub)
    return [
        one.event.kind for one in reversed(await hub.events.find(limit=200)) if one.event.kind.startswith("incident.")
    ]
