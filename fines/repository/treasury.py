"""Statements about the treasury's statements."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation_words import Source
from fines.wire.treasury import TreasuryLine


async def known_statement(session: AsyncSession, sha256: bytes) -> models.TreasuryStatement | None:
    """Return the statement that was imported with this hash."""
    return await session.scalar(
        sa.select(models.TreasuryStatement).where(models.TreasuryStatement.sha256 == sha256)
    )


async def put_lines(
    session: AsyncSession, *, statement_id: UUID, lines: Sequence[TreasuryLine]
) -> list[int]:
    """Store the lines of a statement; return their ids in the same order."""
    ids = []
    for number, one in enumerate(lines, start=2):  # the heading is line 1
        row = models.TreasuryLineRow(
            statement_id=statement_id,
            line_number=number,
            kind=one.kind,
            order_number=one.order_number,
            merchant_number=one.merchant_number,
            budget_code=one.budget_code,
            purpose_code=one.purpose_code,
            settlement_date=one.settlement_date,
            received_on=one.received_on,
            amount_tiyn=one.amount_tiyn,
        )
        session.add(row)
        await session.flush()
        ids.append(row.id)
    return ids


async def batch_item(session: AsyncSession, subject: str) -> models.ReconciliationItem | None:
    """Return what the acquirer told of one settlement date and merchant, locked."""
    return await session.scalar(
        sa.select(models.ReconciliationItem)
        .where(
            models.ReconciliationItem.source == Source.TREASURY,
            models.ReconciliationItem.subject == subject,
        )
        .with_for_update()
    )
