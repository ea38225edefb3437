"""Monthly control in a real browser: from signing in to the signed review and the log."""

import asyncio
import contextlib
import socket

import pytest
import uvicorn
from playwright.async_api import async_playwright

from app.audit.verify import verify_proof
from app.exchange.rules.basis_rules import Basis
from app.exchange.rules.requests import RequestStatus
from app.main import create_app, sequencing
from app.parts import open_parts
from sim.district import OFFICIAL, SECOND_OFFICER
from sim.ncalayer import SimNcaLayer
from sim.player import find_browser
from tests.factories_control import SUBJECT, Month, minutes
from tests.factories_identity import authority, trust_the_authority

_WAIT_MS = 20_000


@contextlib.asynccontextmanager
async def served(application, bound):
    config = uvicorn.Config(application, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def desk(settings, *, people):
    """Yield the month to plant in, and the page of a browser before the running server."""
    trust_the_authority(settings)
    with socket.socket() as bound, SimNcaLayer(authority(), port=0, people=people) as signer:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        own = settings.model_copy(update={"ncalayer_url": signer.url, "public_url": url})
        async with open_parts(own) as parts, sequencing(parts), async_playwright() as playwright:
            parts.answers.look_seconds = 20.0  # as for every test that is not about it
            browser = await playwright.chromium.launch(
                executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
            )
            async with served(create_app(parts), bound), browser:
                context = await browser.new_context(
                    base_url=url, locale="ru-RU", viewport={"width": 1440, "height": 900}
                )
                page = await context.new_page()
                page.set_default_timeout(_WAIT_MS)
                yield parts, page


async def sign_in(page, staff):
    await page.goto("/sign-in")
    await page.fill("input[name=iin]", staff.iin)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/")


async def plant(month):
    await month.usual()
    for place in range(6):
        await month.request(SECOND_OFFICER.key, minutes(place))
    await month.request(flags=["self", "night"], said="Проверял свои документы перед отпуском")
    await month.request(
        at=minutes(3), basis=Basis.INTERNATIONAL_ORDER, order_number="12/445",
        order_body="Генеральная прокуратура", cover_letter_number="7-1-203",
    )  # fmt: skip
    await month.request(at=minutes(5), status=RequestStatus.EXPIRED, extended_asked=True, hit=None)
    await month.close()


async def mark_one(page):
    """Look at the request about the officer himself, unmask and mark it; return what was seen."""
    await page.select_option("#flag", "self")
    await page.click("form.filters button")
    await page.click("table.requests th a")
    before = await page.inner_text("main")
    await page.click("text=Показать, о ком он")
    unmasked, address = await page.inner_text("main"), page.url
    await page.check("#mark-violation")
    await page.click("main form button.primary")
    refused = await page.inner_text("#text-error")
    await page.fill("#text", "Проверял себя")
    await page.click("main form button.primary")
    return before, unmasked, address, refused


async def mark_the_rest_and_sign(page):
    await page.select_option("#show", "own_mark")
    await page.click("form.filters button")
    for box in await page.locator("input[type=checkbox]").all():
        await box.check()
    await page.click("text=Выбранные в порядке")
    await page.click("#sign")
    await page.wait_for_selector(".badge-answered")
    return await page.inner_text("h1")


@pytest.mark.browser
async def test_an_official_looks_marks_and_signs_in_chromium(settings, tmp_path):
    async with desk(settings, people=(OFFICIAL,)) as (parts, page):
        await plant(await Month.create(parts))
        await sign_in(page, OFFICIAL)
        await page.click("main a[href='/console/control']")
        await page.click("table.list th a")
        await page.screenshot(path=tmp_path / "report.png", full_page=True)
        locked = await page.locator("#sign").is_disabled()
        before, unmasked, address, refused = await mark_one(page)
        await page.screenshot(path=tmp_path / "request.png", full_page=True)
        await page.click(".trail a >> nth=1")
        signed = await mark_the_rest_and_sign(page)
        await page.screenshot(path=tmp_path / "signed.png", full_page=True)

    assert locked
    assert SUBJECT not in before
    assert SUBJECT in unmasked
    assert SUBJECT not in address
    assert refused == "Напишите, что уточнить или что нарушено."
    assert "Подписан" in signed


@pytest.mark.browser
async def test_a_click_before_the_module_has_come_is_not_lost(settings):
    go = asyncio.Event()

    async def late(route):
        await go.wait()
        await route.continue_()

    async with desk(settings, people=(OFFICIAL,)) as (parts, page):
        await Month.create(parts)
        await page.route("**/static/signing.js*", late)
        await page.goto("/sign-in", wait_until="commit")
        await page.fill("input[name=iin]", OFFICIAL.iin)
        waiting = await page.locator("button[type=submit]").is_disabled()
        click = asyncio.create_task(page.click("button[type=submit]"))
        await asyncio.sleep(0.2)
        go.set()
        await click
        await page.wait_for_url("**/")

    assert waiting


@pytest.mark.browser
async def test_an_entry_and_its_proof_downloaded_in_chromium_hold_without_us(settings, tmp_path):
    async with desk(settings, people=(OFFICIAL,)) as (parts, page):
        await plant(await Month.create(parts))
        await sign_in(page, OFFICIAL)
        await page.goto("/console/control")
        await page.click("table.list th a")
        await page.click("section.whole a >> nth=0")
        await page.screenshot(path=tmp_path / "log.png", full_page=True)
        for words, name in (("Скачать запись", "leaf.json"), ("Скачать доказательство", "proof")):
            async with page.expect_download() as downloading:
                await page.click(f"text={words}")
            await (await downloading.value).save_as(tmp_path / name)
        key = (await page.inner_text(".steps code >> nth=0")).strip()

    checkpoint = verify_proof(
        leaf=(tmp_path / "leaf.json").read_bytes(),
        proof=(tmp_path / "proof").read_text(),
        verifier_key=key,
    )
    assert checkpoint.origin == "saqshy.kz/log"
