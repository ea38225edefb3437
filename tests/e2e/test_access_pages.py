"""The pages of access in a real browser: ask, decide, agree, be blocked, each with a signature."""

import contextlib

import pytest

from sim.district import INVESTIGATOR, OFFICIAL, OPERATOR
from sim.player import ChromiumPlayer, open_player

PATH = "/console/access"


@contextlib.contextmanager
def browsing(street, browser, staff, tmp_path):
    """Yield a function that opens a page as ``staff``, and takes its picture if it is named."""
    base_url = street.stage.base_url
    with browser.new_context(locale="ru-RU", viewport={"width": 1280, "height": 860}) as context:
        player = ChromiumPlayer(context.new_page(), base_url)
        player.sign_in(staff.iin)

        def at(path, name=None):
            if name is None:
                player.page.goto(base_url + path)
            else:
                player.look(path, picture=tmp_path / f"{name}.png")
            return player.page

        yield at


def signed(page, button):
    """Press the button of a form and wait for the page that follows the signature."""
    with page.expect_navigation(timeout=60_000):
        page.locator(f"form[data-act] button{button}").click()


@pytest.mark.browser
def test_access_is_asked_granted_agreed_and_blocked_by_hand(street, tmp_path):
    with (
        open_player(street.stage.base_url, sign=str) as player,
        browsing(street, player.page.context.browser, INVESTIGATOR, tmp_path) as own,
    ):
        browser = player.page.context.browser
        page = own(PATH, "own")
        assert page.locator(".badge").count() == 0
        page.locator("input[name=services]").first.check()
        page.locator("input[name=bases]").first.check()
        page.locator("#contacts").fill("+7 727 000 00 00")
        page.locator("#workplace").fill("WS-0410")
        signed(page, ".primary")
        assert page.locator(".badge-requested").count() >= 1

        with browsing(street, browser, OPERATOR, tmp_path) as operator:
            page = operator(f"{PATH}/queue", "queue")
            page.get_by_role("link", name=INVESTIGATOR.surname).first.click()
            page.wait_for_load_state()
            page.screenshot(path=tmp_path / "request.png", full_page=True)
            page.locator("button[value=refuse]").click()
            page.locator("[data-refusal~='exchange.access_refusal_not_motivated']").wait_for()
            signed(page, "[value=grant]")
            assert page.locator(".badge-granted").count() == 1

        page = own("/")  # led to the agreement
        assert page.url.endswith(f"{PATH}/agreement")
        page.screenshot(path=tmp_path / "agreement.png", full_page=True)
        signed(page, ".primary")
        assert page.url == f"{street.stage.base_url}/"
        page = own(PATH, "active")
        assert page.locator(".badge-active").count() == 1

        with browsing(street, browser, OFFICIAL, tmp_path) as official:
            page = official(f"{PATH}/people", "people")
            page.get_by_role("link", name=INVESTIGATOR.surname).first.click()
            page.wait_for_load_state()
            page.locator("#text").fill("Ключ передан другому лицу")
            page.screenshot(path=tmp_path / "block.png", full_page=True)
            signed(page, ".primary")
            assert page.locator(".badge-blocked").count() == 1
            page.screenshot(path=tmp_path / "blocked.png", full_page=True)

        page = own(PATH)
        assert "/sign-in" in page.url
