"""A superior corrects a subordinate's record in a real browser: by an entry, never by an edit."""

import httpx

from sim.district import OFFICIAL
from tests import factories_fines as make
from tests.e2e.test_control_pages import desk, sign_in


async def test_a_superior_finds_a_record_and_corrects_it(settings, tmp_path):
    async with desk(settings, people=(OFFICIAL,)) as (parts, page):
        await make.district_with_catalogue(parts.sessions)
        async with httpx.AsyncClient(base_url=parts.settings.public_url) as client:
            officer = await make.officer(parts.sessions, client)
            record = await make.drawn_up(parts.sessions, parts.keys, officer)
        await sign_in(page, OFFICIAL)
        await page.goto("/console/records")
        await page.screenshot(path=tmp_path / "records.png", full_page=True)
        await page.fill("#number", record["number"])
        await page.click("button:has-text('Искать')")
        await page.wait_for_load_state()
        await page.click(f"a:has-text('{record['number']}')")
        await page.wait_for_load_state()
        await page.fill("#text", "Дом 41, а не 14.")
        await page.click("button:has-text('Внести исправление')")
        await page.wait_for_load_state()
        after = await page.inner_text("main")
        await page.screenshot(path=tmp_path / "record.png", full_page=True)

    assert "Исправление" in after
    assert "Дом 41, а не 14." in after
    assert record["essence"] in after
