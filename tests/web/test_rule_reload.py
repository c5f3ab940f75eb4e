"""The button that reads the rules again: for those who may, written down, and what came of it is shown."""

from datetime import datetime, timezone

import pytest
from web_client import PASSWORD, browser, csrf_on, log_in
from web_hub import running

from siaga.core.errors import Problem, StoreFailed
from siaga.rules.files_deciding import ReloadOutcome

AT = datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc)
TAKEN = ReloadOutcome(at=AT, is_taken=True, added=("a", "b"), off=("c",), restart=("cameras", "web"))
REFUSED = ReloadOutcome(
    at=AT, is_taken=False, problems=(Problem(file="config.yaml", line=3, path="", what="<b>salah"),)
)


class Files:
    """Read nothing, and answer what the test says."""

    def __init__(self, answer):
        self.last = None
        self.answer = answer
        self.asked = 0

    async def reload(self):
        self.asked += 1
        if isinstance(self.answer, StoreFailed):
            raise self.answer
        self.last = self.answer
        return self.answer


async def pressed(folder, answer, role="supervisor", csrf=True):
    files = Files(answer)
    async with running(folder, rule_files=files) as (hub, _, app), browser() as client:
        await app.accounts.add("petugas", PASSWORD, role=role)
        await log_in(client, app.url)
        async with client.get(f"{app.url}/rules") as page:
            has_button = "Muat ulang aturan" in await page.text()
        token = await csrf_on(client, f"{app.url}/rules") if csrf else "x"
        async with client.post(f"{app.url}/rules", data={"csrf": token}) as answered:
            page = await answered.text()
        audit = [entry.what for entry in await hub.audit.find(limit=20)]
    return files, has_button, answered.status, page, audit


@pytest.mark.parametrize("role", ["supervisor", "admin"])
async def test_who_may_reads_the_rules_again_and_sees_what_came_of_it(tmp_path, role):
    files, has_button, status, page, audit = await pressed(tmp_path, TAKEN, role)
    assert has_button and status == 200 and files.asked == 1
    assert "2 baru, 0 berubah, 0 dihapus, 1 salah" in page
    assert "Perlu mulai ulang: bagian cameras, web" in page
    assert "rules.reload" in audit


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_who_may_not_has_no_button_and_is_refused(tmp_path, role):
    files, has_button, status, _, audit = await pressed(tmp_path, TAKEN, role)
    assert not has_button and status == 403 and files.asked == 0
    assert "rules.reload_refused" in audit


async def test_without_the_forms_token_nothing_is_read(tmp_path):
    files, _, status, _, _ = await pressed(tmp_path, TAKEN, csrf=False)
    assert status == 403 and files.asked == 0


async def test_what_was_refused_is_shown_with_file_and_line_and_nothing_of_it_runs(tmp_path):
    _, _, status, page, _ = await pressed(tmp_path, REFUSED)
    assert status == 409 and "tidak dipakai" in page and "config.yaml:3" in page and "&lt;b&gt;salah" in page


async def test_a_full_disk_is_told(tmp_path):
    _, _, status, page, _ = await pressed(tmp_path, StoreFailed("disk penuh"))
    assert status == 503 and "tidak dapat dibaca ulang: disk penuh" in page
