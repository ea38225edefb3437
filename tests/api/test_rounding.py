"""Where the rule says whole tenge, half of an odd fine is taken by a terminal without tiyn."""

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.rules.amounts import RoundingCode
from tests import factories_fines as make
from tests.api.test_whole_tenge import said_hello

RULES = "2015-01-01=exact_tiyn_payers_favour,2026-01-01=whole_tenge_payers_favour"
FIVE_MRP = {"article": "592", "part": "1"}  # 21 625 tenge, half of it 10 812.50


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"fine_rounding": RULES})


async def test_the_terminal_takes_half_of_an_odd_fine(officer, sessions, keys):
    record_id = await make.with_receipt(sessions, keys, officer, **FIVE_MRP)
    await said_hello(officer, "kaspi")

    done = await officer.post(
        "/api/payments",
        {"offence_record_id": record_id},
        headers={"Idempotency-Key": "rounded-1"},
    )

    assert done.status_code == 202, done.text
    assert done.json()["amount_tiyn"] == 1_081_200
    async with transaction(sessions) as session:
        payment = (await session.scalars(sa.select(models.Payment))).one()
    assert payment.rounding is RoundingCode.WHOLE_TENGE_PAYERS_FAVOUR
    assert payment.amount_tiyn + payment.discount_tiyn == payment.full_tiyn


async def test_a_record_keeps_the_rule_it_was_drawn_up_by(officer, sessions, keys):
    record = await make.drawn_up(sessions, keys, officer, **FIVE_MRP)

    assert (record["rounding"], record["fine_half_tiyn"]) == (
        "whole_tenge_payers_favour",
        1_081_200,
    )
