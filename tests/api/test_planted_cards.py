"""Card data planted wherever a terminal can write: in no table, log, trace, paper or answer."""

import re
import zlib
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines.wire import protocol
from fines.wire.protocol import Result
from tests import factories_fines as make
from tests.unit.fines.test_slip_targets import pdf_text

PAN = "4000000000001042"
CARD_DATA = {
    "number": PAN,
    "spaced": "4000 0000 0000 1042",
    "dashed": "4000-0000-0000-1042",
    "track 2": f"{PAN}=29091011",
    "track 1": f"%B{PAN}^N/U^2909",
    "within": f"AX{PAN}Z",
}
TEXTS = ("card_brand", "card_ref", "rrn", "approval_code", "entry_mode", "cardholder_check",
         "card_ref_kind", "aid", "card_masked", "terminal_number", "currency")  # fmt: skip
STRAYS = ("pan", "track1", "track2", "cvv", "cvc2", "pin", "pin_block", "cardholder_name")
PIN_BLOCK = "0412AC89ABCDEF67"
# What must be found nowhere: the number however it is written, the PIN block.
TRACES = re.compile(r"4000[ -]?0000[ -]?0000[ -]?1042|" + PIN_BLOCK)


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def post(officer, path, body, order_id=None):
    return await officer.client.post(
        path.format(order_id=order_id), json=body, headers=officer.terminal
    )


def planted(amount_tiyn):
    """Every place of an approval, with every kind of card data that somebody could put there."""
    good = make.approval(amount_tiyn).model_dump(mode="json")
    for field in TEXTS:
        for kind, text in CARD_DATA.items():
            yield f"{field}: {kind}", good | {field: text}
    for field in ("entry_mode", "cardholder_check", "card_ref_kind"):
        yield f"{field}: PIN block", good | {field: PIN_BLOCK}
    for field in STRAYS:
        yield f"stray {field}", good | {field: PIN_BLOCK if "pin" in field else PAN}
    yield "nested", good | {"aid": {"pan": PAN}}
    yield "a list", good | {"card_brand": [PAN]}


async def test_card_data_planted_anywhere_is_refused_and_left_nowhere(
    officer, record_id, sessions, caplog, capsys
):
    await make.begun(officer, record_id)
    order = await make.started(officer)

    answers = {
        what: await post(officer, protocol.PATH_APPROVAL, body, order.order_id)
        for what, body in planted(order.amount_tiyn)
    }
    hellos = [
        await post(officer, protocol.PATH_HELLO, {
            "agent_version": "1.0", "terminal_number": "52500042", "driver": "zvt", field: text,
        })
        for field in ("agent_version", "driver", "terminal_number")
        for text in CARD_DATA.values()
    ]  # fmt: skip
    shown = [
        await post(officer, protocol.PATH_CARD, {
            "card_brand": "VISA", "card_masked": "400000******1045", "card_ref": "",
            "card_ref_kind": "par", field: text,
        }, order.order_id)
        for field in ("card_brand", "card_masked", "card_ref", "card_ref_kind", "pan")
        for text in CARD_DATA.values()
    ]  # fmt: skip
    outcome = make.outcome(Result.COMPLETED).model_dump(mode="json")
    outcomes = [
        await post(officer, protocol.PATH_OUTCOME, outcome | {"approval": body}, order.order_id)
        for _, body in planted(order.amount_tiyn)
    ]

    assert len(answers) >= 30
    assert [what for what, one in answers.items() if one.status_code != 422] == []
    assert {one.status_code for one in (*hellos, *outcomes, *shown)} == {422}
    for answer in (*answers.values(), *hellos, *outcomes, *shown):
        assert not TRACES.search(answer.text)
    assert await tables_with_card_data(sessions) == []
    written = capsys.readouterr()
    assert not TRACES.search(caplog.text + written.out + written.err)


async def test_after_all_refusals_the_sale_goes_on_and_its_papers_are_clean(
    officer, record_id, sessions
):
    payment_id = await make.begun(officer, record_id)
    order = await make.started(officer)
    for _, body in planted(order.amount_tiyn):
        await post(officer, protocol.PATH_APPROVAL, body, order.order_id)

    good = make.approval(order.amount_tiyn).model_dump(mode="json")
    answer = await post(officer, protocol.PATH_APPROVAL, good, order.order_id)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))

    assert answer.json()["accepted"]
    for slip in slips:
        path = f"/api/payments/{payment_id}/slips/{slip.slip_id}.pdf"
        content = (await officer.get(path)).content
        assert "400000******1045" in pdf_text(content)
        assert not TRACES.search(pdf_text(content))
    assert await tables_with_card_data(sessions) == []


async def test_the_route_of_an_officer_takes_no_card_data(officer, record_id, sessions):
    key = {"Idempotency-Key": uuid4().hex}
    bodies = [{"offence_record_id": record_id, field: PAN} for field in STRAYS]

    answers = [await officer.post("/api/payments", one, headers=key) for one in bodies]

    assert {one.status_code for one in answers} == {422}
    assert not any(TRACES.search(one.text) for one in answers)
    assert await tables_with_card_data(sessions) == []


async def tables_with_card_data(sessions):
    async with transaction(sessions) as session:
        names = await session.scalars(
            sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        found = []
        for name in names:
            rows = await session.scalars(sa.text(f'SELECT t::text FROM "{name}" t'))
            found += [name for row in rows if TRACES.search(_opened(row))]
        return found


def _opened(row):
    """Return a row's text with its byte fields as text too, unpacked where they are packed."""
    text = row
    for packed in re.findall(r"\\\\x([0-9a-f]{32,})", row):
        raw = bytes.fromhex(packed[: len(packed) // 2 * 2])
        text += raw.decode("latin-1")
        for stream in re.findall(rb"stream\n(.*?)\nendstream", raw, re.DOTALL):
            try:
                text += zlib.decompress(stream).decode("latin-1")
            except zlib.error:
                continue
    return text
