"""Papers as files: slips and receipts on demand, and the check of a paper."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, rendering, repository
from fines.errors import ReceiptNotIssued, SlipNotFound
from fines.repository.refunds import paid_out
from fines.rules.refunds import refund_extent
from fines.rules.verification import paper_code_fits
from fines.service.debts import Debt, debt_of
from fines.service.desk import Desk, own_payment, own_record
from fines.service.filing import new_paper, slip_key, whole_paper, whole_slip
from fines.service.people import offender_of

PDF: Final = "application/pdf"


def warm_up_papers(folder: Path) -> None:
    """Prepare the fonts in ``folder``: two seconds once, not while a driver waits for a paper."""
    rendering.warm_up(folder)


async def slip_document(
    desk: Desk, *, caller: Principal, payment_id: UUID, slip_id: UUID, now: datetime
) -> bytes:
    """Return a slip as PDF: drawn once, filed with its hash, given back as filed.

    Raises:
        PaymentNotFound, SlipNotFound: there is none of the caller's.
        PaperAltered: what is stored no longer has its hash.
    """
    async with transaction(desk.sessions) as session:
        payment = await own_payment(session, caller=caller, payment_id=payment_id)
    return await filed_slip(desk, payment=payment, slip_id=slip_id, now=now)


async def filed_slip(desk: Desk, *, payment: models.Payment, slip_id: UUID, now: datetime) -> bytes:
    """Return a slip of a payment as PDF: drawn and filed to what was paid, the first time.

    Raises:
        SlipNotFound: the payment has none such.
        PaperAltered: what is stored no longer has its hash.
    """
    async with transaction(desk.sessions) as session:
        row = await _slip_row(session, payment, slip_id)
        if row.paper_id is not None:
            filed = await session.get_one(models.Paper, row.paper_id)
            return await whole_paper(desk, session, filed)
        slip = whole_slip(await slip_key(desk, session, payment), row)
    content = await asyncio.to_thread(rendering.slip_pdf, slip)
    async with transaction(desk.sessions) as session:
        row = await _slip_row(session, payment, slip_id, lock=True)
        if row.paper_id is None:
            paper = new_paper(
                desk,
                await debt_of(session, payment),
                kind="slip",
                media_type=PDF,
                content=content,
                now=now,
            )
            session.add(paper)
            await session.flush()
            row.paper_id = paper.id
        return content


async def slip_picture(desk: Desk, *, caller: Principal, payment_id: UUID, slip_id: UUID) -> bytes:
    """Return a slip as a PNG of the paper.

    Raises:
        PaymentNotFound, SlipNotFound: there is none of the caller's.
        PaperAltered: its lines no longer have their hash.
    """
    async with transaction(desk.sessions) as session:
        payment = await own_payment(session, caller=caller, payment_id=payment_id)
        row = await _slip_row(session, payment, slip_id)
        slip = whole_slip(await slip_key(desk, session, payment), row)
    return await asyncio.to_thread(rendering.slip_png, slip)


async def receipt_document(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> bytes:
    """Return the receipt as PDF: drawn once, filed with its hash, given back as filed.

    Raises:
        OffenceRecordNotFound, ReceiptNotIssued: there is none of the caller's.
        PaperAltered: what is stored no longer has its hash.
    """
    async with transaction(desk.sessions) as session:
        record = await own_record(session, caller=caller, offence_record_id=offence_record_id)
        filed = await repository.receipt_paper(session, record.id)
        if filed is not None:
            return await whole_paper(desk, session, filed)
        facts = await _receipt_facts(desk, session, record)
    content = await asyncio.to_thread(rendering.receipt_pdf, facts)
    async with transaction(desk.sessions) as session:
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        if await repository.receipt_paper(session, record.id) is None:
            session.add(
                new_paper(
                    desk,
                    Debt(record=record),
                    kind="receipt",
                    media_type=PDF,
                    content=content,
                    now=now,
                )
            )
        return content


async def _receipt_facts(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord
) -> rendering.ReceiptFacts:
    if (
        record.receipt_number is None
        or record.receipt_issued_at is None
        or record.discount_last_day is None
    ):
        raise ReceiptNotIssued(f"record {record.id} has no receipt")
    article = await repository.article_by_id(session, record.article_id)
    offender = offender_of(desk, record)
    card = (await posts_by_id(session, [record.post_id]))[record.post_id]
    return rendering.ReceiptFacts(
        receipt_number=record.receipt_number,
        record_number=record.number,
        department_kk=card.department_name_kk,
        department_ru=card.department_name_ru,
        department_bin=card.department_bin,
        issued_at=record.receipt_issued_at,
        violator_name=offender.full_name,
        violator_iin=offender.iin,
        citation=article.citation,
        title_kk=article.title_kk,
        title_ru=article.title_ru,
        occurred_at=record.occurred_at,
        place=record.place,
        mrp_count=record.mrp_count or 0,
        mrp_tenge=record.mrp_tenge or 0,
        fine_full_tiyn=record.fine_full_tiyn,
        fine_half_tiyn=record.fine_half_tiyn,
        discount_last_day=record.discount_last_day,
        acts={one.act: one.at for one in await repository.acts(session, record.id)},
        officer_badge=card.badge,
        budget_code=desk.budget_code,
        purpose_code=desk.purpose_code,
        verification_url=desk.paper_url(
            paper="receipt", object_id=record.id, amount_tiyn=record.fine_half_tiyn
        ),
    )


async def verify_paper(desk: Desk, *, paper: str, object_id: UUID, code: str) -> dict[str, object]:
    """Say whether a paper's code is ours, and if so what the paper is good for now.

    What was given back is told with it. The answer holds nothing of the person. Wrong codes and
    unknown papers answer alike.
    """
    async with transaction(desk.sessions) as session:
        if paper == "payment":
            payment = await repository.payment(session, object_id)
            if payment is None or not _fits(desk, paper, object_id, payment.amount_tiyn, code):
                return {"known": False}
            refunded, refunded_at = await paid_out(session, payment_id=payment.id)
            return {
                "known": True,
                "paper": paper,
                "amount_tiyn": payment.amount_tiyn,
                "paid": payment.confirmed_at is not None,
                "paid_at": payment.confirmed_at,
                "refund": refund_extent(
                    paid_tiyn=payment.amount_tiyn, refunded_tiyn=refunded
                ).value,
                "refunded_tiyn": refunded,
                "refunded_at": refunded_at,
            }
        record = await repository.offence_record(session, object_id)
        if record is None:
            return {"known": False}
        about = _about(record, paper)
        if about is None or not _fits(desk, paper, object_id, about[0], code):
            return {"known": False}
        refunded, _ = await paid_out(session, offence_record_id=record.id)
        return {
            "known": True,
            "paper": paper,
            "amount_tiyn": about[0],
            "status": record.status.value,
            "refunded_tiyn": refunded,
        } | about[1]


def _about(record: models.OffenceRecord, paper: str) -> tuple[int, dict[str, object]] | None:
    """Return the sum on the paper of a record, and what it is known by; ``None``: no such paper."""
    if paper == "record":
        return record.fine_full_tiyn, {"record_number": record.number}
    if record.receipt_number is None:
        return None
    return record.fine_half_tiyn, {
        "receipt_number": record.receipt_number,
        "discount_until": record.discount_until,
    }


def _fits(desk: Desk, paper: str, object_id: UUID, amount_tiyn: int, code: str) -> bool:
    return paper_code_fits(
        key=desk.paper_key,
        paper=paper,
        object_id=object_id,
        amount_tiyn=amount_tiyn,
        code=code,
    )


async def _slip_row(
    session: AsyncSession, payment: models.Payment, slip_id: UUID, *, lock: bool = False
) -> models.SlipRow:
    row = await repository.slip(session, payment_id=payment.id, slip_id=slip_id, lock=lock)
    if row is None:
        raise SlipNotFound(f"payment {payment.id} has no slip {slip_id}")
    return row
