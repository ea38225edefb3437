"""Ordinary proceedings in a real browser: handed on, decided, appealed, upheld, enforced."""

from datetime import UTC, datetime, timedelta

import httpx

from app.clock import law_date
from fines.service import end_terms
from sim.district import OFFICIAL
from tests import factories_fines as make
from tests import factories_money
from tests.e2e.test_control_pages import desk, sign_in


async def sent_to_ordinary(parts, url):
    """Draw up a record that goes by ordinary proceedings."""
    async with httpx.AsyncClient(base_url=url) as client:
        officer = await make.officer(parts.sessions, client)
        record = await make.drawn_up(parts.sessions, parts.keys, officer)
        done = await officer.post(f"/api/offence-records/{record['offence_record_id']}/ordinary")
        assert done.status_code == 204, done.text


async def pressed(page, button):
    """Press a button of the only case, and return what the page says then."""
    await page.click(f"button:has-text('{button}')")
    await page.wait_for_load_state()
    return await page.inner_text("main")


async def test_a_case_goes_its_whole_course_by_the_page(settings):
    today = law_date(datetime.now(UTC))
    async with desk(settings, people=(OFFICIAL,)) as (parts, page):
        await make.district_with_catalogue(parts.sessions)
        await sent_to_ordinary(parts, parts.settings.public_url)
        await sign_in(page, OFFICIAL)
        await page.goto("/console/proceedings")
        await page.fill("#number-1", "12/77")
        handed = await pressed(page, "Передано")
        await page.fill("#decision-1", "264750000009999")
        await page.fill("#decided-1", today.isoformat())
        await page.fill("#fine-1", "43250")
        await page.fill("#force-1", today.isoformat())
        decided = await pressed(page, "Внести постановление")
        appealed = await pressed(page, "Подана жалоба на постановление")
        await page.fill("#stands-1", today.isoformat())
        upheld = await pressed(page, "Постановление оставлено в силе")
        await end_terms(factories_money.desk_of(parts), datetime.now(UTC) + timedelta(days=100))
        await page.reload()
        due = await page.inner_text("main")
        await page.fill("#over-1", "12/99")
        over = await pressed(page, "Передано на исполнение")

    assert "Внести постановление" in handed
    assert "Постановление 264750000009999" in decided
    assert "Подана жалоба" in appealed
    assert "в силе с" in upheld
    assert "Передано на исполнение" in due
    assert "264750000009999" not in over
