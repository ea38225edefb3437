"""The offence record as a paper: drawn once, filed with its hash, given back as filed."""

import asyncio
import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, rendering, repository
from fines.errors import PaperAltered
from fines.rules.offence_record import OffenceStatus
from fines.service.desk import Desk, own_record
from fines.service.people import offender_of

_KIND = "record"
_PDF = "application/pdf"


async def record_document(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> bytes:
    """Return the record as PDF in both languages, the copy for the offender.

    Raises:
        OffenceRecordNotFound: there is none of the caller's.
        PaperAltered: what is stored no longer has its hash.
    """
    async with transaction(desk.sessions) as session:
        record = await own_record(session, caller=caller, offence_record_id=offence_record_id)
        filed = await repository.paper_of_record(session, record.id, kind=_KIND)
        if filed is not None:
            return _whole(filed)
        facts = await _facts(desk, session, record)
    content = await asyncio.to_thread(rendering.record_pdf, facts)
    async with transaction(desk.sessions) as session:
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        filed = await repository.paper_of_record(session, record.id, kind=_KIND)
        if filed is not None:
            return _whole(filed)
        session.add(
            models.Paper(
                id=uuid4(),
                offence_record_id=record.id,
                register_fine_id=None,
                kind=_KIND,
                media_type=_PDF,
                sha256=hashlib.sha256(content).digest(),
                content=content,
                created_at=now,
            )
        )
        return content


def _whole(paper: models.Paper) -> bytes:
    if hashlib.sha256(paper.content).digest() != paper.sha256:
        raise PaperAltered(f"paper {paper.id} has changed")
    return paper.content


async def _facts(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord
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
        warned=record.status is OffenceStatus.WARNED,
        fine_full_tiyn=record.fine_full_tiyn,
        mrp_count=record.mrp_count or 0,
        mrp_tenge=record.mrp_tenge or 0,
        verification_url=desk.paper_url(
            paper="record", object_id=record.id, amount_tiyn=record.fine_full_tiyn
        ),
    )
