"""Slips and papers hold names and numbers: none of it lies in clear, and no byte can change."""

import io

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from fines import models
from tests import factories_fines as make


@pytest.fixture
async def filed(officer, sessions, keys):
    """Return a payment with its receipt, record, slips and signed slip all filed."""
    record_id = await make.with_receipt(sessions, keys, officer)
    payment_id, slips = await make.paid(officer, record_id)
    picture = io.BytesIO()
    Image.new("L", (8, 8), 255).save(picture, "PNG")
    done = [
        await officer.get(f"/api/offence-records/{record_id}/receipt.pdf"),
        await officer.get(f"/api/payments/{payment_id}/slips/{slips[1].slip_id}.pdf"),
        await officer.post(f"/api/payments/{payment_id}/signed-slip", content=picture.getvalue()),
    ]
    assert [one.status_code for one in done] == [200, 200, 200]
    return payment_id, slips[1].slip_id, picture.getvalue()


async def stored(sessions):
    async with transaction(sessions) as session:
        papers = (await session.scalars(sa.select(models.Paper))).all()
        slips = (await session.scalars(sa.select(models.SlipRow))).all()
    return papers, slips


async def test_nothing_of_the_person_or_the_paper_lies_in_clear(filed, sessions):
    papers, slips = await stored(sessions)

    assert {one.kind for one in papers} == {"receipt", "slip", "signed_slip"}
    for one in papers:
        assert filed[2] not in one.content
        assert b"%PDF" not in one.content
    for one in slips:
        assert set(one.content) == {"sealed"}
        assert make.DRIVER.iin not in str(one.content)
        assert make.DRIVER.surname not in str(one.content)


async def test_one_changed_byte_of_a_filed_paper_is_told(filed, sessions, officer):
    payment_id, slip_id, _ = filed
    async with transaction(sessions) as session:
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            sa.text(
                "UPDATE papers SET content = set_byte(content, 60, 255 - get_byte(content, 60))"
            )
        )

    answer = await officer.get(f"/api/payments/{payment_id}/slips/{slip_id}.pdf")

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.paper_altered")


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("change", ["UPDATE papers SET kind = 'x'", "DELETE FROM papers"])
async def test_a_filed_paper_is_never_changed_or_taken_away(sessions, change):
    with pytest.raises(DBAPIError, match=r"change"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(change))
