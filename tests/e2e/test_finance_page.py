"""The finance clerk's page in a real browser: a file taken, a difference explained, closed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.calendar.rules import nth_working_day_after
from app.calendar.service import working_calendar
from app.clock import law_date
from app.db import transaction
from fines.wire import settlement
from sim.district import CLERK, SECOND_CLERK
from tests import factories_fines
from tests import factories_money as make
from tests.e2e.test_control_pages import desk, sign_in
from tests.factories_identity import district


async def a_week_ago(parts):
    """Return a day whose T+2 is over, and its settlement date."""
    day = law_date(datetime.now(UTC)) - timedelta(days=12)
    async with transaction(parts.sessions) as session:
        return day, nth_working_day_after(day=day, n=1, days=await working_calendar(session))


async def planted(parts, folder):
    """Put a day of four payments; return it, a file that tells of three, and a torn one."""
    await district(parts.sessions)
    await factories_fines.catalogue(parts.sessions)
    day, settled_on = await a_week_ago(parts)
    rows = await make.paid_day(parts, count=4, day=day, settlement_date=settled_on)
    whole, torn = folder / "settlement.csv", folder / "torn.csv"
    wrong = replace(rows[1], amount_tiyn=rows[1].amount_tiyn + 100)
    whole.write_bytes(settlement.write([rows[0], wrong, rows[2]]))
    torn.write_bytes(whole.read_bytes()[:-9])
    return day.isoformat(), whole, torn


async def take(page, file, notice):
    """Take a file by the form, and return what the page says of it."""
    await page.set_input_files("#file", str(file))
    await page.click("text=Принять файл")
    return await page.inner_text(f"[role={notice}]")


async def headings(page):
    """Return the page's heading in Kazakh and in English, and leave it in Russian."""
    found = []
    for language in ("Қаз", "Eng", "Рус"):
        await page.click(f"text={language}")
        found.append(await page.inner_text("h1"))
    return found[:2]


async def test_a_clerk_takes_a_file_and_two_clerks_end_a_difference(settings, tmp_path):
    async with desk(settings, people=(CLERK, SECOND_CLERK)) as (parts, page):
        day, whole, torn = await planted(parts, tmp_path)
        await sign_in(page, CLERK)
        await page.click("nav.rooms >> text=Сверка")
        refused = await take(page, torn, "alert")
        taken = await take(page, whole, "status")
        await page.goto(f"/console/finance?day={day}")
        shown = await page.inner_text("main")
        table = await page.request.get(f"/console/finance/items.csv?first={day}&last={day}")
        lines = (await table.text()).split("\r\n")
        await page.locator("input[name=text]").first.fill("Эквайер исправит в понедельник")
        await page.locator("button:has-text('Объяснить')").first.click()
        own = await page.inner_text("main")
        named = await headings(page)
        await page.context.clear_cookies()
        await sign_in(page, SECOND_CLERK)
        await page.goto("/console/finance")
        await page.fill("input[id^=end-]", "Исправлено")
        await page.click("text=Закрыть дело")
        closed = await page.inner_text("main")

    assert "ничего не сохранено" in refused
    assert "Принято строк: 3" in taken
    for told in ("сошлось: 2", "сумма расходится: 1", "только у нас: 1"):
        assert told in shown
    assert len(lines) == len(["heading", *range(4), "after the last end of line"])
    assert "дело объяснено" in own
    assert "Закрыть дело" not in own
    assert named == ["Салыстырып тексеру", "Reconciliation"]
    assert "дело закрыто" in closed


async def asked(page, rrn, *, tenge, note):
    """Ask for a refund by the page, and return what the page says then."""
    await page.goto("/console/finance/refunds")
    await page.fill("#rrn", rrn)
    await page.click("text=Найти платёж")
    await page.fill("#tenge-1", tenge)
    await page.select_option("#reason-1", "amount_wrong")
    await page.fill("#note-1", note)
    await page.click("text=Запросить возврат")
    return await page.inner_text("main")


async def test_a_clerk_asks_for_a_refund_and_another_decides_by_the_page(settings):
    async with desk(settings, people=(CLERK, SECOND_CLERK)) as (parts, page):
        await district(parts.sessions)
        await factories_fines.catalogue(parts.sessions)
        day, settled_on = await a_week_ago(parts)
        rows = await make.paid_day(parts, count=2, day=day, settlement_date=settled_on)
        await sign_in(page, CLERK)
        await page.goto("/console/finance")
        await page.click("main >> text=Возвраты")
        own = await asked(page, rows[0].rrn, tenge="12,50", note="Сумма введена неверно")
        await asked(page, rows[1].rrn, tenge="7", note="Ошибка в части статьи")
        await page.fill("#rrn", "999999999999")
        await page.click("text=Найти платёж")
        nothing = await page.inner_text("main")
        named = await headings(page)
        await page.context.clear_cookies()
        await sign_in(page, SECOND_CLERK)
        await page.goto("/console/finance/refunds")
        await page.locator("input[id^=word-]").last.fill("Подтверждено")
        await page.locator("button:has-text('Одобрить')").last.click()
        await page.locator("button:has-text('Отказать')").click()
        decided = await page.inner_text("main")
        await page.click("text=Составить поручение эквайеру")
        told = await page.inner_text("main")
        address = await page.get_attribute("text=Поручение (CSV)", "href")
        sheet = await (await page.request.get(address)).text()

    assert "Решает другой сотрудник" in own
    assert "Одобрить" not in own
    assert "Ваше подразделение не принимало платежа с таким RRN." in nothing
    assert named == ["Қайтарулар", "Refunds"]
    for said in ("одобрен", "отказано", "Подтверждено"):
        assert said in decided
    assert "отправлен эквайеру" in told
    assert rows[0].rrn in sheet
    assert rows[1].rrn not in sheet
