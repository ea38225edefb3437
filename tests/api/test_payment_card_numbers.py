"""No card number enters a table, a log or an answer, wherever it is planted."""

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines.wire import protocol
from tests import factories_fines as make
from tests.api.test_payments import view


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


PAN = "4000000000001042"


@pytest.mark.parametrize(
    "field", ["card_brand", "card_ref", "entry_mode", "cardholder_check", "aid"]
)
async def test_a_card_number_planted_in_a_report_is_kept_nowhere(
    officer, record_id, sessions, field, caplog, capsys
):
    payment_id = await make.begun(officer, record_id)
    order = await make.started(officer)
    message = make.approval(order.amount_tiyn).model_copy(update={field: PAN})

    answer = await officer.agent_post(protocol.PATH_APPROVAL, message, order.order_id)

    assert answer.status_code == 422
    assert PAN not in answer.text
    assert (await view(officer, payment_id))["status"] == "sent"
    assert await rows_with(sessions, PAN) == []
    written = capsys.readouterr()
    assert PAN not in caplog.text + written.out + written.err


async def test_a_field_for_card_numbers_does_not_exist(officer, record_id):
    await make.begun(officer, record_id)
    order = await make.started(officer)
    body = make.approval(order.amount_tiyn).model_dump(mode="json") | {"pan": PAN}

    answer = await officer.client.post(
        protocol.PATH_APPROVAL.format(order_id=order.order_id),
        json=body,
        headers=officer.terminal,
    )

    assert answer.status_code == 422
    assert PAN not in answer.text


async def rows_with(sessions, text):
    async with transaction(sessions) as session:
        tables = await session.scalars(
            sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        found = []
        for table in tables:
            query = sa.text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :text')
            if await session.scalar(query, {"text": f"%{text}%"}):
                found.append(table)
        return found
