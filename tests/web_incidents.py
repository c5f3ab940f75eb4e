"""People and incidents for the tests of the pages: a posko, a lurah, a team, a rota; water that rises."""

from datetime import time

import msgspec

from siaga.core.settings import Address, ContactSettings, QuietHours, RotaSettings, Shift, TeamSettings
from siaga.core.types import Alert, Escalation

POSKO, LURAH, BUDI = "+6281234567890", "+6281355500113", "+6281577700115"


def people(settings):
    """Return settings with three people, a team and a rota of two shifts."""

    def contact(name, title, to, **more):
        return ContactSettings(id=name, name=title, via=(Address(notifier="wa", to=to),), **more)

    quiet = (QuietHours(after=time(22), before=time(5)),)
    contacts = {
        "posko": contact("posko", "Posko RW 05", POSKO),
        "lurah": contact("lurah", "Bu Lurah", LURAH, quiet_hours=quiet),
        "budi": contact("budi", "Pak Budi (Satpol PP)", BUDI),
    }
    shifts = (
        Shift(after=time(19), before=time(7), contacts=("budi", "posko")),
        Shift(after=time(7), before=time(19), contacts=("posko",), holiday=False),
    )
    return msgspec.structs.replace(
        settings,
        contacts=contacts,
        teams={"satgas": TeamSettings(id="satgas", name="Satgas banjir", members=("posko", "budi"))},
        rotas={"jaga": RotaSettings(id="jaga", name="Jaga posko banjir", shifts=shifts)},
    )


def alert_of(event, key="run:actions[0]", **more) -> Alert:
    """Return the alert of a rule about an event; told to Posko and Lurah, then to Budi."""
    given = {
        "text": "SIAGA 2: Kali Ciliwung 213 cm, naik 38 cm/jam.\nPeriksa pintu air, siapkan warga RW 05.",
        "target": {"contact": ("posko", "lurah")},
        "priority": "high",
        "incident": "banjir/kali",
        "group_s": 300.0,
        "escalate": (Escalation(after_s=300.0, target={"contact": ("budi",)}),),
        "image": event.snapshot,
        "event": event,
        "run_id": "run",
        "rule_id": "banjir",
        "step": "actions[0]",
    }
    return Alert(key=key, **(given | more))


async def staff(hub):
    """Let the hub know its people."""
    hub.settings = people(hub.settings)
    await hub.alerts.stop()
    await hub.open_desk(hub.notices)


async def water_rises(hub, key="run:actions[0]", **more):
    """Let an event open an incident; return both."""
    event = await hub.happen("flood.stage", data={"from": 3, "to": 2, "level_cm": 213.0, "stage": 2})
    outcome = await hub.alerts.alert(alert_of(event, key, **more))
    return event, await hub.alerts.incident(outcome.incident_id)
