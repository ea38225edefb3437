"""The offence record as a paper: drawn once for each entry of a signature, filed, given back."""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, rendering, repository
from fines.rules.offence_record import OffenceStatus
from fines.service.debts import Debt
from fines.service.desk import Desk, own_record
from fines.service.entries import RECORD_PAPER, SignatureEntry, signatures
from fines.service.filing import new_paper, whole_paper
from fines.service.people import offender_of

_PDF = "application/pdf"


async def record_document(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> bytes:
    """Return the record as PDF in both languages, the copy for the offender.

    It prints what was last entered about the signature; the papers before it stay filed.

    Raises:
        OffenceRecordNotFound: there is none of the caller's.
        PaperAltered: what is stored no longer has its hash.
    """
    async with transaction(desk.sessions) as session:
        record = await own_record(session, caller=caller, offence_record_id=offence_record_id)
        entered = await signatures(desk, session, record)
        kind = f"{RECORD_PAPER}-{len(entered)}" if entered else RECORD_PAPER
        filed = await repository.paper_of_record(session, record.id, kind=kind)
        if filed is not None:
            return await whole_paper(desk, session, filed)
        facts = await _facts(desk, session, record, entered[-1] if entered else None)
    content = await asyncio.to_thread(rendering.record_pdf, facts)
    async with transaction(desk.sessions) as session:
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        filed = await repository.paper_of_record(session, record.id, kind=kind)
        if filed is not None:
            return await whole_paper(desk, session, filed)
        session.add(
            new_paper(
                desk,
                Debt(record=record),
                kind=kind,
                media_type=_PDF,
                content=content,
                now=now,
            )
        )
        return content


async def _facts(
    desk: Desk,
    session: AsyncSession,
    record: models.OffenceRecord,
    signature: SignatureEntry | None,
) -> rendering.RecordFacts:
    article = await repository.article_by_id(session, record.article_id)
    card = (await posts_by_id(session, [record.post_id]))[record.post_id]
    offender = offender_of(desk, record)
    return rendering.RecordFacts(
        number=record.number,
        department_kk=card.department_name_kk,
        department_ru=card.department_name_ru,
        drawn_up_at=record.drawn_up_at,
        place=record.place,
        officer_title=card.title,
        officer_name=card.full_name,
        officer_badge=card.badge,
        offender_name=offender.full_name,
        offender_iin=offender.iin,
        papers=offender.papers,
        vehicle=offender.vehicle,
        citation=article.citation,
        title_kk=article.title_kk,
        title_ru=article.title_ru,
        occurred_at=record.occurred_at,
        essence=offender.essence,
        details=offender.details,
        language=record.language.value,
        signature={} if signature is None else signature.body,
        signature_at=None if signature is None else signature.at,
        warned=record.status is OffenceStatus.WARNED,
        fine_full_tiyn=record.fine_full_tiyn,
        mrp_count=record.mrp_count or 0,
        mrp_tenge=record.mrp_tenge or 0,
        verification_url=desk.paper_url(
            paper="record", object_id=record.id, amount_tiyn=record.fine_full_tiyn
        ),
    )
