"""The signed second slip: its photograph closes a payment, or a second person's word.

The officer's own word closes nothing: without a photograph somebody else of his unit looks at the
paper in the file (decision 0048).
"""

import asyncio
import hashlib
import io
from datetime import datetime
from typing import Final
from uuid import UUID

from PIL import Image, UnidentifiedImageError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, repository
from fines.errors import ImageNotValid, PaymentNotFound
from fines.rules.payment import PaymentStatus, next_payment_status, refuse_own_filing
from fines.service.bookkeeping import settle_if_booked
from fines.service.debts import debt_of, number_of
from fines.service.desk import Desk, own_payment
from fines.service.filing import new_paper

SIGNED_SLIP_BYTES_MAX: Final = 4 << 20  # a telephone's photograph of a slip, sent as JPEG
_PIXELS_MAX: Final = 50_000_000
_MEDIA_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png"}
_SHOWN_MAX: Final = 200
_CLOSED: Final = frozenset({PaymentStatus.FILED, PaymentStatus.SETTLED})


async def take_signed_slip(
    desk: Desk, *, caller: Principal, payment_id: UUID, image: bytes, now: datetime
) -> dict[str, object]:
    """File the photograph of the signed second slip, which closes the payment.

    The same photograph again changes nothing.

    Raises:
        ImageNotValid: it is no whole JPEG or PNG picture.
        PaymentNotFound: there is no such payment of the caller's.
        TransitionRefused: the slips are not printed, or the payment is closed already.
    """
    fields: dict[str, object] = {"payment_id": str(payment_id)}
    async with desk.refusals_audited(
        event="fines.signed_slip_refused", who=caller, at=now, fields=fields
    ):
        media_type = await asyncio.to_thread(_media_type_of, image)
        digest = hashlib.sha256(image).digest()
        async with transaction(desk.sessions) as session:
            payment = await own_payment(session, caller=caller, payment_id=payment_id, lock=True)
            if payment.signed_paper_id is not None:
                filed = await session.get_one(models.Paper, payment.signed_paper_id)
                if filed.sha256 == digest:
                    return _filing(payment)
            _move(payment, PaymentStatus.SIGNED)
            paper = new_paper(
                desk,
                await debt_of(session, payment),
                kind="signed_slip",
                media_type=media_type,
                content=image,
                now=now,
            )
            session.add(paper)
            await session.flush()
            payment.signed_paper_id, payment.signed_at = paper.id, now
            await desk.trail.record(
                session,
                event="fines.slip_signed",
                at=now,
                who=caller,
                fields={**fields, "sha256": digest.hex(), "size_bytes": len(image)},
            )
            await _close(desk, session, payment, caller=caller, by="photograph", now=now)
            return _filing(payment)


async def confirm_filing(
    desk: Desk, *, caller: Principal, payment_id: UUID, now: datetime
) -> dict[str, object]:
    """Say as a second person that the signed second slip lies in the file: the payment closes.

    Of a payment that is closed already nothing changes, whoever or whatever closed it.

    Raises:
        PaymentNotFound: the caller's unit has no such payment.
        FilingNotByYou: the caller took the payment.
        TransitionRefused: the slips are not printed.
    """
    fields: dict[str, object] = {"payment_id": str(payment_id)}
    async with (
        desk.refusals_audited(event="fines.filing_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        payment = await repository.payment(session, payment_id, lock=True)
        if payment is None or payment.department_id != caller.department_id:
            raise PaymentNotFound(f"no payment {payment_id}")
        officer = (await posts_by_id(session, [payment.post_id]))[payment.post_id]
        refuse_own_filing(person_id=caller.person, officer_person_id=officer.person_id)
        if payment.status not in _CLOSED:
            _move(payment, PaymentStatus.SIGNED)
            payment.signed_at = now
            payment.filing_confirmed_by_post_id = caller.post_id
            await _close(desk, session, payment, caller=caller, by="second_person", now=now)
        return _filing(payment)


async def list_unfiled(desk: Desk, *, caller: Principal, now: datetime) -> list[dict[str, object]]:
    """Return the unit's kept payments whose signed slip is not in, the oldest first.

    They name no person. That somebody looked is recorded.
    """
    async with transaction(desk.sessions) as session:
        rows = await repository.unfiled_payments(
            session, department_id=caller.department_id, limit=_SHOWN_MAX
        )
        cards = await posts_by_id(session, [one.post_id for one in rows]) if rows else {}
        views: list[dict[str, object]] = [
            {
                "payment_id": one.id,
                "number": await number_of(session, await debt_of(session, one)),
                "confirmed_at": one.confirmed_at,
                "amount_tiyn": one.amount_tiyn,
                "terminal_number": one.terminal_number_expected,
                "officer": cards[one.post_id].badge,
                "printed": one.status is PaymentStatus.SLIPS_PRINTED,
                "confirmable": one.status is PaymentStatus.SLIPS_PRINTED
                and cards[one.post_id].person_id != caller.person,
            }
            for one in rows
        ]
        await desk.trail.record(
            session,
            event="fines.unfiled_slips_seen",
            at=now,
            who=caller,
            fields={"payment_ids": [str(one.id) for one in rows]},
        )
        return views


def _move(payment: models.Payment, target: PaymentStatus) -> None:
    payment.status = next_payment_status(current=payment.status, target=target)


async def _close(
    desk: Desk,
    session: AsyncSession,
    payment: models.Payment,
    *,
    caller: Principal,
    by: str,
    now: datetime,
) -> None:
    await session.flush()  # signed first: the database knows no shorter way
    _move(payment, PaymentStatus.FILED)
    payment.filed_at = now
    await desk.trail.record(
        session,
        event="fines.slip_filed",
        at=now,
        who=caller,
        fields={"payment_id": str(payment.id), "by": by},
    )
    await settle_if_booked(session, payment)


def _filing(payment: models.Payment) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "status": payment.status.value,
        "signed_at": payment.signed_at,
        "filed_at": payment.filed_at,
    }


def _media_type_of(image: bytes) -> str:
    try:
        with Image.open(io.BytesIO(image), formats=tuple(_MEDIA_TYPES)) as picture:
            if picture.width * picture.height > _PIXELS_MAX:
                raise ImageNotValid("the picture is too large")
            media_type = _MEDIA_TYPES[picture.format or ""]
            picture.load()  # a cut file fails here
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Warning,
        Image.DecompressionBombError,
    ) as error:
        raise ImageNotValid("the picture cannot be read") from error
    return media_type
