"""A plugin in quarantine: said on its page with reason and time, and let go by those who may."""

from datetime import datetime, timezone

import pytest
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import running

from siaga.core.hosting.keeper import HostState

RESTS = datetime(2026, 11, 25, 5, 30, tzinfo=timezone.utc)


async def pressed(folder, role):
    async with running(folder) as (hub, _, app), browser() as client:
        name = hub.plugins.plugins[0].name
        reason = "tertahan di <b>nusacam.py:42"
        hub.desk.hosts.states = (
            HostState(plugin=name, state="rests", reason=reason, restarts=3, rests_until=RESTS, cameras=("kali",)),
        )
        await app.accounts.add("petugas", PASSWORD, role=role)
        await log_in(client, app.url)
        async with client.get(f"{app.url}/plugins") as answer:
            page = await answer.text()
        token = await csrf_on(client, f"{app.url}/plugins")
        async with client.post(f"{app.url}/plugins", data={"csrf": token, "plugin": name}) as answer:
            status = answer.status
        return page, status, hub.desk.hosts.released, name, [entry.what for entry in await hub.audit.find(limit=20)]


async def test_who_may_sees_why_and_until_when_and_lets_it_try_again(tmp_path):
    page, status, released, name, audit = await pressed(tmp_path, "supervisor")
    assert "Diistirahatkan" in page and "12.30" in page and "tertahan di &lt;b&gt;nusacam.py:42" in page
    assert "Coba lagi sekarang" in page
    assert status == 200 and released == [name] and "plugin.release" in audit


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_who_may_not_has_no_button_and_is_refused(tmp_path, role):
    page, status, released, _, audit = await pressed(tmp_path, role)
    assert "Coba lagi sekarang" not in page
    assert status == 403 and released == [] and "plugin.release_refused" in audit
