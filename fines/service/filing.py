"""Papers at rest: sealed under the key of the record or fine that they belong to.

A paper shows what its holder may see: name, personal number, photograph of a signature. Beside it
lie only what lists need; the hash is of the paper itself, so that it can be compared for ever.
"""

import base64
import hashlib
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from fines import models, storage
from fines.errors import PaperAltered
from fines.errors.proceedings import RecordDamaged
from fines.service.debts import Debt, debt_of
from fines.service.desk import Desk
from fines.service.people import key_of
from fines.wire.slip import Slip

_SEALED = "sealed"


def new_paper(
    desk: Desk, debt: Debt, *, kind: str, media_type: str, content: bytes, now: datetime
) -> models.Paper:
    """Return a paper filed to a debt; the caller adds it."""
    paper_id = uuid4()
    key = key_of(desk, debt.row)
    return models.Paper(
        id=paper_id,
        **debt.columns,
        kind=kind,
        media_type=media_type,
        sha256=hashlib.sha256(content).digest(),
        content=key.seal_bytes(storage.Content.PAPER, content, of=paper_id),
        created_at=now,
    )


async def whole_paper(desk: Desk, session: AsyncSession, paper: models.Paper) -> bytes:
    """Return a paper as it was filed.

    Raises:
        PaperAltered: it does not open, or no longer has its hash.
    """
    row: models.OffenceRecord | models.RegisterFine
    if paper.register_fine_id is not None:
        row = await session.get_one(models.RegisterFine, paper.register_fine_id)
    else:
        row = await session.get_one(models.OffenceRecord, paper.offence_record_id)
    try:
        content = key_of(desk, row).unseal_bytes(storage.Content.PAPER, paper.content, of=paper.id)
    except RecordDamaged as error:
        raise PaperAltered(f"paper {paper.id} has changed") from error
    if hashlib.sha256(content).digest() != paper.sha256:
        raise PaperAltered(f"paper {paper.id} has changed")
    return content


async def slip_key(desk: Desk, session: AsyncSession, payment: models.Payment) -> storage.RecordKey:
    """Return the key of what a payment pays: it seals the payment's slips."""
    return key_of(desk, (await debt_of(session, payment)).row)


def sealed_slip(key: storage.RecordKey, slip: Slip) -> dict[str, object]:
    """Return a slip's lines as they are stored."""
    plaintext = slip.model_dump_json().encode()
    sealed = key.seal_bytes(storage.Content.SLIP, plaintext, of=slip.slip_id)
    return {_SEALED: base64.b64encode(sealed).decode()}


def slip_hash(slip: Slip) -> bytes:
    """Return the SHA-256 of a slip's lines in their one JSON form."""
    return hashlib.sha256(slip.model_dump_json().encode()).digest()


def whole_slip(key: storage.RecordKey, row: models.SlipRow) -> Slip:
    """Return a kept slip.

    Raises:
        PaperAltered: it does not open, or its lines no longer have their hash.
    """
    try:
        sealed = base64.b64decode(str(row.content.get(_SEALED, "")), validate=True)
        slip = Slip.model_validate_json(key.unseal_bytes(storage.Content.SLIP, sealed, of=row.id))
    except (RecordDamaged, ValueError) as error:
        raise PaperAltered(f"slip {row.id} has changed") from error
    if slip_hash(slip) != row.content_sha256:
        raise PaperAltered(f"slip {row.id} has changed")
    return slip
