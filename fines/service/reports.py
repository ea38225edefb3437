"""Reports of a terminal agent: taken once, answered the same for ever; no card numbers pass."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from fines import models, repository
from fines.errors import CardNumberRefused, OrderNotFound, ReportDiffers
from fines.wire.card_numbers import holds_card_number

_Answer = TypeVar("_Answer", bound=BaseModel)


async def locked_order(
    session: AsyncSession, *, caller: Principal, order_id: UUID
) -> tuple[models.TerminalOrder, models.Payment]:
    """Return an order of the calling terminal and its payment, locked.

    Raises:
        OrderNotFound: there is none, or it is for another terminal.
    """
    order = await repository.order(session, order_id)
    if order is None or order.device_id != caller.device or order.payment_id is None:
        raise OrderNotFound(f"no order {order_id}")
    payment = await repository.payment(session, order.payment_id, lock=True)
    if payment is None:
        raise OrderNotFound(f"no order {order_id}")
    await session.refresh(order)  # it may have changed while we waited for the lock
    return order, payment


async def answered_before(
    session: AsyncSession,
    *,
    order: models.TerminalOrder,
    name: str,
    body: bytes,
    kind: type[_Answer],
) -> _Answer | None:
    """Return the first answer to this very report, or ``None`` if it is new.

    Raises:
        ReportDiffers: the report was taken with another content.
    """
    known = await repository.report(session, order_id=order.id, name=name)
    if known is None:
        return None
    if known.body_sha256 != hashlib.sha256(body).digest():
        raise ReportDiffers(f"order {order.id}: {name} was reported otherwise")
    return kind.model_validate(known.answer)


def keep_answer(
    session: AsyncSession,
    *,
    order: models.TerminalOrder,
    name: str,
    body: bytes,
    answer: BaseModel,
    now: datetime,
) -> None:
    """Keep an answer, to be given again."""
    session.add(
        models.TerminalReport(
            order_id=order.id,
            report=name,
            body_sha256=hashlib.sha256(body).digest(),
            answer=answer.model_dump(mode="json"),
            at=now,
        )
    )


# Fifteen digits of its own: no sum of digits tells it from a card number.
_DIGITS_OF_ITS_OWN: Final = frozenset({"merchant_number"})


def refuse_card_numbers(message: BaseModel) -> None:
    """Pass if no text anywhere in a report could hold a whole card number.

    Raises:
        CardNumberRefused: ``where`` names the field, never its content.
    """
    for where, text in _texts(message.model_dump(), ""):
        if where not in _DIGITS_OF_ITS_OWN and holds_card_number(text):
            raise CardNumberRefused(f"{where} holds what looks like a card number", where=where)


def _texts(value: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield where or "key", str(name)
            yield from _texts(one, where or str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, where)
