"""A shorter term in a real browser: one person proposes and signs, another reads and signs."""

import json

import httpx
import pytest

from sim.district import KEEPER, OFFICIAL
from tests import factories_bodycam as bodycam
from tests.e2e.test_control_pages import desk, sign_in


async def propose(page, category, grounds):
    await page.select_option("#to-category", category)
    await page.fill("#grounds", grounds)
    await page.click("form[action$='/category'] button")


async def sign(page):
    """Sign what waits; return when the page has come anew without it."""
    await page.click("button[data-document]")
    await page.wait_for_selector("button[data-document]", state="detached")


@pytest.mark.browser
async def test_two_people_shorten_a_term_in_chromium(settings, tmp_path):
    async with desk(settings, people=(OFFICIAL, KEEPER)) as (parts, page):
        yard = await bodycam.yard(parts.sessions, tmp_path)
        recorded = yard.record()
        async with httpx.AsyncClient(base_url=str(parts.settings.public_url)) as dock:
            (await bodycam.dock_whole(dock, recorded, yard.dock)).raise_for_status()
        await sign_in(page, KEEPER)
        await page.goto(f"/console/custody/recordings/{recorded.recording_id}")
        await propose(page, "crime", "Дело возбуждено")
        await propose(page, "other", "Дело прекращено")
        await sign(page)
        first = await page.inner_text("main")
        await page.context.clear_cookies()

        await sign_in(page, OFFICIAL)
        await page.goto("/console/custody")
        await page.screenshot(path=tmp_path / "terms.png", full_page=True)
        await page.click("section[aria-labelledby=to-sign] a")
        document = json.loads(await page.inner_text("[data-signed]"))
        await page.screenshot(path=tmp_path / "to-sign.png", full_page=True)
        await sign(page)
        second = await page.inner_text("main")
        await page.screenshot(path=tmp_path / "signed.png", full_page=True)

    assert "нужна подпись другого человека" in first
    assert (document["from"], document["to"]) == ("crime", "other")
    assert document["grounds"] == "Дело прекращено"
    assert "выполнено" in second
