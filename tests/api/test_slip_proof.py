"""What chip and terminal proved: carried by an approval, kept with the payment, on the slips."""

import hashlib

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.rules.slips import plain_lines
from fines.wire import protocol
from fines.wire.protocol import Reason, Result
from tests import factories_fines as make

PROOF = protocol.CardProof(
    terminal_serial="SN-042",
    batch_number=7,
    application_label="VISA DEBIT",
    tvr="0080008000",
    tsi="E800",
    cryptogram="9C2F5A0B7D1E4366",
)


def said(slip):
    return " ".join(" ".join(plain_lines(slip)).split())


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def test_the_proof_of_chip_and_terminal_is_kept_and_printed(officer, record_id, sessions):
    await make.begun(officer, record_id)
    _, answer = await make.approved(officer, proof=PROOF)

    async with transaction(sessions) as session:
        row = (await session.scalars(sa.select(models.Payment))).one()
    assert (row.terminal_serial, row.batch_number, row.application_label, row.tvr, row.tsi,
            row.cryptogram) == tuple(PROOF.model_dump().values())  # fmt: skip
    for slip in answer.slips:
        text = said(slip)
        assert "SN-042" in text
        assert "000007" in text
        assert "VISA DEBIT TVR 0080008000 TSI E800 AC 9C2F5A0B7D1E4366" in text


async def test_an_older_agents_approval_has_a_serial_from_the_inventory_and_no_empty_lines(
    officer, record_id, sessions
):
    await make.begun(officer, record_id)
    order = await make.started(officer)
    body = make.approval(order.amount_tiyn, terminal_number=officer.terminal_number)
    old = body.model_dump(mode="json", exclude={"proof"})
    path = protocol.PATH_APPROVAL.format(order_id=order.order_id)

    first, second = [
        (await officer.client.post(path, json=old, headers=officer.terminal)).json()
        for _ in range(2)
    ]
    async with transaction(sessions) as session:
        device = (await session.scalars(sa.text("SELECT serial_number FROM devices WHERE "
                                                "terminal_number IS NOT NULL"))).one()  # fmt: skip
        kept = (await session.scalars(sa.select(models.TerminalReport.body_sha256))).all()

    text = said(protocol.ApprovalAnswer.model_validate(first).slips[0])
    assert first == second
    assert f"Серийный № {device}" in text
    assert "TVR" not in text
    # As the server of that agent's day reckoned it: a repeat across the upgrade is no other report.
    whole = body.model_dump_json(exclude={"proof"}).encode()
    assert hashlib.sha256(whole).digest() in kept


async def test_a_card_number_in_the_proof_is_refused_whole(officer, record_id):
    await make.begun(officer, record_id)
    order = await make.started(officer)
    planted = PROOF.model_copy(update={"cryptogram": "4000000000001042"})
    message = make.approval(
        order.amount_tiyn, terminal_number=officer.terminal_number, proof=planted
    )

    answer = await officer.agent_post(protocol.PATH_APPROVAL, message, order.order_id)

    assert (answer.status_code, answer.json()["code"]) == (422, "fines.card_number_refused")


async def test_a_declined_slip_names_the_terminal_and_the_hosts_code(officer, record_id):
    await make.begun(officer, record_id)
    order = await make.started(officer)

    (slip,) = await make.ended(
        officer, order, make.outcome(Result.DECLINED, Reason.THIRD_PARTY_CARD, host_code="57")
    )

    text = said(slip)
    assert f"Терминал {officer.terminal_number}" in text
    assert "Жауап/Ответ 57" in text
