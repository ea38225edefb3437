"""Signed slips and card terminals in a real browser: what is not in, and a day to be closed."""

import httpx

from sim.district import KEEPER, OFFICIAL
from tests import factories_fines as make
from tests.e2e.test_control_pages import desk, sign_in


async def sold(parts, url):
    """Take a payment whose signed slip nobody has photographed."""
    async with httpx.AsyncClient(base_url=url) as client:
        officer = await make.officer(parts.sessions, client)
        record_id = await make.with_receipt(parts.sessions, parts.keys, officer)
        await make.paid(officer, record_id)


async def test_a_second_person_closes_a_payment_and_answers_for_its_terminal(settings, tmp_path):
    async with desk(settings, people=(OFFICIAL, KEEPER)) as (parts, page):
        await make.district_with_catalogue(parts.sessions)
        await sold(parts, parts.settings.public_url)
        await sign_in(page, OFFICIAL)
        await page.click("nav.rooms >> text=Подписанные чеки")
        await page.screenshot(path=tmp_path / "slips.png", full_page=True)
        await page.click("button:has-text('Подписанный чек в деле')")
        closed = await page.inner_text("main")
        await page.click("nav.rooms >> text=Карточные терминалы")
        await page.fill("#why-1", "Чековая лента порвана")
        await page.screenshot(path=tmp_path / "terminals.png", full_page=True)
        await page.click("button:has-text('Разрешить сдачу')")
        answered = await page.inner_text("main")

    assert "Все подписанные чеки в деле" in closed
    assert make.TERMINAL_NUMBER in answered
