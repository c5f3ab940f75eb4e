"""Incidents in a real browser: they appear by themselves, a thumb answers, and what somebody writes is not lost."""

import shutil

import pytest
from playwright.async_api import async_playwright, expect
from web_client import PASSWORD
from web_hub import running
from web_incidents import staff, water_rises

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# No page is wider than its screen, and no thumb needs a needle.
WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def screens(tmp_path):
    """Give the hub and two screens that are logged in, a phone and a desk; complaints fail the test."""
    async with running(tmp_path) as (hub, _, app), async_playwright() as driver:
        await staff(hub)
        await app.accounts.add("rina", PASSWORD, role="operator")
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        complaints, pages = [], []
        for size in (PHONE, DESK):
            page = await (await chromium.new_context(viewport=size)).new_page()
            # A second press is answered by a page with the status 409, which the console notes.
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(app.url)
            await page.fill("#name", "rina")
            await page.fill("#password", PASSWORD)
            await page.press("#password", "Enter")
            await expect(page.locator("body[data-live=yes]")).to_be_visible()
            pages.append(page)
        yield hub, app, *pages
        await chromium.close()
        assert [text for text in complaints if "409" not in text] == []


async def test_an_incident_opens_on_every_screen_and_a_thumb_answers_it_for_all(screens):
    hub, app, phone, desk = screens
    await desk.goto(app.url + "/rules")
    await expect(desk.locator("[data-open]")).to_be_hidden()
    _, incident = await water_rises(hub)
    card = phone.locator(".incident.open")
    await expect(card).to_contain_text("SIAGA 2: Kali Ciliwung 213 cm")
    await expect(desk.locator("[data-open] b")).to_have_text("1")
    button = card.get_by_role("button", name="Tanggapi")
    box = await button.bounding_box()
    assert box["height"] >= 48 and box["width"] >= 250 and box["y"] + box["height"] <= PHONE["height"]
    await desk.goto(app.url + "/")
    await button.click()
    await expect(phone.locator(".incident.acknowledged")).to_contain_text("rina menanggapi")
    await expect(desk.locator(".incident.acknowledged")).to_contain_text("rina menanggapi")
    await expect(desk.locator("[data-open]")).to_be_hidden()
    await desk.goto(f"{app.url}/incidents/{incident.id}")
    await hub.alerts.close(incident.id, "Bu Lurah", "Air sudah turun")
    await expect(desk.locator("[data-part=answer]")).to_contain_text("Air sudah turun")
    await expect(desk.get_by_role("button", name="Selesai")).to_have_count(0)


async def test_a_note_that_is_being_written_stays_while_somebody_else_answers(screens):
    hub, app, phone, _ = screens
    _, incident = await water_rises(hub)
    await phone.goto(f"{app.url}/incidents/{incident.id}")
    await expect(phone.locator("body[data-live=yes]")).to_be_visible()
    await phone.fill("[name=note]", "pintu air dibuka")
    await hub.alerts.acknowledge(incident.id, "Bu Lurah", "wa")
    await expect(phone.locator("[data-part=answer]")).to_contain_text("Bu Lurah menanggapi")
    await expect(phone.locator("[name=note]")).to_have_value("pintu air dibuka")
    await phone.get_by_role("button", name="Selesai").click()
    await expect(phone.locator("[data-part=answer]")).to_contain_text("pintu air dibuka")


async def test_the_second_to_press_reads_who_was_first(screens):
    hub, app, phone, _ = screens
    _, incident = await water_rises(hub)
    await phone.goto(f"{app.url}/incidents/{incident.id}")
    form = await phone.locator("form[action$=acknowledge]").element_handle()
    await hub.alerts.acknowledge(incident.id, "Bu Lurah", "wa")
    # The button as it stood a moment ago, before the page learnt.
    await form.evaluate("form => { document.body.append(form); form.submit(); }")
    await expect(phone.locator(".note[role=status]")).to_contain_text("sudah ditanggapi Bu Lurah")


async def test_no_page_of_incidents_is_wider_than_a_phone(screens):
    hub, app, phone, _ = screens
    _, incident = await water_rises(hub, text="Siaga" * 60)
    for path in ("/", "/incidents", f"/incidents/{incident.id}", "/duty"):
        await phone.goto(app.url + path)
        assert await phone.evaluate(WIDTH) <= 0, path
