"""The page of the unit's card terminals: a day closed, a hand-in answered for, by role."""

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.rules.reconciliation_words import CaseKind
from fines.wire import protocol
from sim.district import CLERK, DUTY, KEEPER, OFFICIAL
from tests import factories_fines as make
from tests.api.test_terminal_totals import TOTALS
from tests.factories_pages import BROWSER, OWN_PAGE, look

TITLES = {"kk": "Карта терминалдары", "ru": "Карточные терминалы", "en": "Card terminals"}
SUMS = {"kk": "32\N{NO-BREAK SPACE}437", "ru": "32\N{NO-BREAK SPACE}437", "en": "32,437"}
HERE = "/console/terminals"


async def enter(sessions, client, staff):
    one = await make.officer(sessions, client, staff, terminal_number=None)
    client.headers.update(BROWSER | OWN_PAGE | one.headers)
    return one


@pytest.mark.parametrize("language", TITLES)
@pytest.mark.parametrize("staff", [KEEPER, CLERK])
async def test_a_day_is_closed_by_the_form_and_what_was_counted_is_shown(
    sessions, client, officer, staff, language
):
    await enter(sessions, client, staff)
    client.headers["Accept-Language"] = language
    before = await look(client, HERE)
    form = before.one("form", method="post", action=f"{HERE}/{officer.terminal_id}/totals")

    done = await client.post(form["action"])
    ordered = await look(client, HERE)
    order = await officer.agent_next()
    await officer.agent_post(protocol.PATH_TOTALS, TOTALS, order.order_id)
    after = await look(client, HERE)

    assert TITLES[language] in before.text
    assert (done.status_code, form["action"] in ordered.text) == (303, False)
    assert SUMS[language] in after.text
    assert form["action"] in after.text
    assert "hand-in-override" not in after.text


async def test_the_official_answers_for_a_terminal_and_a_case_is_opened(sessions, client, officer):
    await enter(sessions, client, OFFICIAL)
    page = await look(client, HERE)
    path = f"{HERE}/{officer.terminal_id}/hand-in-override"
    form = page.one("form", method="post", action=path)

    short = await client.post(form["action"], data={"text": "-"})
    done = await client.post(form["action"], data={"text": "The roll was torn."})

    async with transaction(sessions) as session:
        cases = (await session.scalars(sa.select(models.ReconciliationCase))).all()
    assert (short.status_code, done.status_code) == (422, 303)
    assert [(one.kind, one.opened_because) for one in cases] == [
        (CaseKind.HAND_IN, "The roll was torn.")
    ]
    assert f"{officer.terminal_id}/totals" not in page.text


@pytest.mark.usefixtures("officer")
async def test_others_are_not_shown_it(sessions, client):
    await enter(sessions, client, DUTY)

    await look(client, HERE, status=403)
