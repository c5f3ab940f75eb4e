"""The PTZ panel in a real browser: a held button turns, letting go stops, and two people at one camera know it."""

import asyncio
import shutil

import pytest
from playwright.async_api import async_playwright, expect
from web_client import PASSWORD
from web_dome import put_dome
from web_hub import running

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def screens(tmp_path):
    """Give a dome, and two people at its page: one at a phone, one at a desk; complaints fail the test."""
    async with running(tmp_path) as (hub, _, app), async_playwright() as driver:
        dome = await put_dome(hub)
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        complaints, pages = [], []
        for name, size, role in (("budi", PHONE, "operator"), ("sari", DESK, "supervisor")):
            await app.accounts.add(name, PASSWORD, role=role)
            page = await (await chromium.new_context(viewport=size, has_touch=name == "budi")).new_page()
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(app.url)
            await page.fill("#name", name)
            await page.fill("#password", PASSWORD)
            await page.press("#password", "Enter")
            await expect(page.locator("body[data-live=yes]")).to_be_visible()
            await page.goto(f"{app.url}/cameras/ptz")
            pages.append(page)
        yield dome, *pages
        await chromium.close()
        assert complaints == []


async def until_told(dome, what, count=1):
    async with asyncio.timeout(20):
        while [one[0] for one in dome.told].count(what) < count:
            await asyncio.sleep(0.02)


async def test_a_held_button_turns_again_and_again_and_letting_go_stops(screens):
    dome, phone, _ = screens
    button = phone.get_by_role("button", name="Ke kiri")
    box = await button.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 44
    await button.dispatch_event("pointerdown", {"isPrimary": True, "button": 0, "pointerType": "touch"})
    await until_told(dome, "move", 2)
    await phone.evaluate("window.dispatchEvent(new PointerEvent('pointerup'))")
    await until_told(dome, "stop")
    await phone.wait_for_timeout(1500)
    moves = [one for one in dome.told if one[0] == "move"]
    assert moves[0][1:4] == (-1.0, 0.0, 0.0) and dome.told[-1] == ("stop",)
    await expect(phone.locator("[data-held]")).to_contain_text("Anda memegang kamera")
    assert await phone.evaluate(WIDTH) <= 0


async def test_the_keyboards_arrows_turn_while_they_are_down(screens):
    dome, _, desk = screens
    await desk.get_by_role("button", name="Berhenti").focus()
    await desk.keyboard.down("ArrowUp")
    await until_told(dome, "move")
    await desk.keyboard.up("ArrowUp")
    await until_told(dome, "stop")
    assert next(one for one in dome.told if one[0] == "move")[1:4] == (0.0, 1.0, 0.0)
    await desk.keyboard.press("+")
    await until_told(dome, "move", 2)
    await until_told(dome, "stop", 2)


async def test_a_preset_is_pressed_and_its_zone_appears(screens):
    dome, phone, _ = screens
    zone = phone.locator("polygon[data-at=pintu-air]")
    await expect(zone).to_have_attribute("hidden", "")
    await phone.get_by_role("button", name="pintu-air").click()
    await expect(phone.locator("[data-ptz-said]")).to_have_text("Kamera diarahkan ke pintu-air.")
    await expect(phone.locator("[data-stands]")).to_have_text("Kamera di pintu-air.", timeout=20_000)
    await expect(zone).not_to_have_attribute("hidden", "")
    await expect(phone.get_by_role("button", name="pintu-air")).to_have_attribute("aria-pressed", "true")
    assert dome.told == [("goto", "pintu-air")]


async def test_the_second_person_learns_who_holds_the_camera_and_takes_it_after_confirming(screens):
    dome, phone, desk = screens
    await phone.get_by_role("button", name="pintu-air").click()
    await expect(phone.locator("[data-held]")).to_contain_text("Anda memegang")
    await expect(desk.locator("[data-held]")).to_contain_text("Dipegang budi sampai", timeout=20_000)
    await expect(desk.get_by_role("button", name="Lepaskan")).to_be_hidden()
    await desk.get_by_role("button", name="jalan", exact=True).click()
    await expect(desk.locator("[data-ptz-said]")).to_contain_text("Dipegang budi")
    await desk.get_by_role("button", name="Batal").click()
    await expect(desk.get_by_role("button", name="Ambil alih")).to_be_hidden()
    await desk.get_by_role("button", name="jalan", exact=True).click()
    await desk.get_by_role("button", name="Ambil alih").click()
    await expect(desk.locator("[data-held]")).to_contain_text("Anda memegang")
    await expect(phone.locator("[data-held]")).to_contain_text("Dipegang sari sampai", timeout=20_000)
    assert [one[1] for one in dome.told] == ["pintu-air", "jalan"]
    await desk.get_by_role("button", name="Lepaskan").click()
    await expect(desk.locator("[data-held-row]")).to_be_hidden()


async def test_the_patrol_is_stopped_from_the_page_and_a_position_is_kept_as_a_preset(screens):
    dome, _, desk = screens
    await desk.get_by_role("button", name="Hentikan patroli").click()
    await expect(desk.locator("[data-patrol]")).to_have_text("Patroli dihentikan")
    await expect(desk.get_by_role("button", name="Jalankan patroli")).to_be_visible()
    await desk.get_by_text("Simpan posisi ini sebagai preset").click()
    await desk.get_by_label("Nama preset").fill("gerbang timur")
    await desk.get_by_role("button", name="Simpan", exact=True).click()
    await expect(desk.get_by_role("button", name="gerbang timur")).to_be_visible()
    assert dome.names[-1] == "gerbang timur"
