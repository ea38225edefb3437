"""Statements about cards by their keyed reference; their numbers are nowhere."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.wire.protocol import OwnerMethod, OwnerVerdict

_EARLIER_MAX = 200


async def earlier_with_card(
    session: AsyncSession, *, card_ref: str, card_ref_kind: str, payer_iin: str, but: UUID
) -> Sequence[tuple[bool, OwnerVerdict | None, OwnerMethod | None]]:
    """Return what issuers said of this card in earlier payments, and whether of the same payer."""
    found = await session.execute(
        sa.select(
            models.OffenceRecord.offender_iin == payer_iin,
            models.Payment.owner_verdict,
            models.Payment.owner_method,
        )
        .join(models.OffenceRecord, models.OffenceRecord.id == models.Payment.offence_record_id)
        .where(
            models.Payment.card_ref == card_ref,
            models.Payment.card_ref_kind == card_ref_kind,
            models.Payment.id != but,
            models.Payment.owner_verdict.in_((OwnerVerdict.MATCH, OwnerVerdict.NO_MATCH)),
        )
        .order_by(models.Payment.created_at.desc())
        .limit(_EARLIER_MAX)
    )
    return [(same, verdict, method) for same, verdict, method in found]
