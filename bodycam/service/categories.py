"""A recording's category, which decides its term: lengthened by one, shortened by two people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

import rfc8785
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust
from bodycam.errors.custody import (
    AnotherPersonNeeded,
    ChangeApplied,
    ChangeNotFound,
    ChangeNotNeeded,
    DestructionBegun,
    TwoSignaturesNeeded,
)
from bodycam.models import CategoryChangeRow, RecordingRow
from bodycam.repository import custody as repository
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.retention import (
    RETENTION_RULES,
    Category,
    longest,
    may_sign,
    rule_on,
    shortens,
    standing_of,
)
from bodycam.service.custody import kept_of, own_row, take_back

WAITING_SHOWN_MAX: Final = 200


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A change of category that two people must sign: these very bytes."""

    change_id: UUID
    applied: bool
    document: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ToSign:
    """A shorter term that waits for the caller's signature, as he reads it before he signs."""

    change_id: UUID
    recording_id: UUID
    started_at: datetime
    ended_at: datetime
    from_category: Category
    to_category: Category
    grounds: str = field(repr=False)
    proposer: str = field(repr=False)
    proposed_at: datetime
    kept_until: date | None  # the last day by the shorter term
    document: str = field(repr=False)  # the very bytes that he signs: canonical JSON


async def list_to_sign(
    session: AsyncSession, *, caller: Principal, now: datetime, recording_id: UUID | None = None
) -> Sequence[ToSign]:
    """Return what waits for the caller's signature in his unit; of one recording where named."""
    found = await repository.changes_waiting_for(
        session,
        department_id=caller.department_id,
        person=caller.person,
        recording_id=recording_id,
        limit=WAITING_SHOWN_MAX,
    )
    names = await identity.names_of(session, {made.proposed_by for made, _ in found})
    return [
        await _to_sign(session, made, row, proposer=names.get(made.proposed_by, ""), now=now)
        for made, row in found
    ]


async def _to_sign(
    session: AsyncSession,
    made: CategoryChangeRow,
    row: RecordingRow,
    *,
    proposer: str,
    now: datetime,
) -> ToSign:
    kept = kept_of(
        row,
        holds=await repository.holds_of(session, recording_id=row.id),
        complained=await repository.complained_of(session, row=row),
    )
    return ToSign(
        change_id=made.id,
        recording_id=row.id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        from_category=made.from_category,
        to_category=made.to_category,
        grounds=made.grounds,
        proposer=proposer,
        proposed_at=made.proposed_at,
        kept_until=standing_of(replace(kept, category=made.to_category), now=now).kept_until,
        document=(made.document or b"").decode(),
    )


async def change_category(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    recording_id: UUID,
    category: Category,
    grounds: str,
    now: datetime,
) -> Proposal:
    """Give a recording another category: at once where the term grows, else propose it.

    ``document`` of what is returned is empty where it was done at once; else two people sign it.

    Raises:
        RecordingNotFound: there is none, or another unit's.
        ChangeNotNeeded: it has that category.
    """
    row = await own_row(session, caller, recording_id)
    if row.category is category:
        raise ChangeNotNeeded(f"recording {recording_id} is {category.value} already")
    rule = rule_on(law_date(now)) or RETENTION_RULES[0]
    shorter = shortens(row.category, category, rule=rule)
    made = CategoryChangeRow(
        id=uuid4(),
        recording_id=row.id,
        department_id=row.department_id,
        from_category=row.category,
        to_category=category,
        grounds=grounds,
        shortens=shorter,
        proposed_by=caller.person,
        proposed_at=now,
    )
    if shorter:
        made.document = _document(made, row)
    session.add(made)
    if not shorter:
        _apply(row, made, now)
    await session.flush()
    event = "bodycam.category_change_proposed" if shorter else "bodycam.category_changed"
    await _note_change(session, trail, made, event, caller, now)
    return _proposal(made)


async def lengthen(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    row: RecordingRow,
    categories: Iterable[Category],
    who: Principal,
    now: datetime,
) -> None:
    """Give a recording the longest of its category and ``categories``, on a device's word.

    Nothing happens where that is the one it has, or where it is being destroyed.
    """
    rule = rule_on(law_date(now)) or RETENTION_RULES[0]
    target = longest([row.category, *categories], rule=rule)
    if not shortens(target, row.category, rule=rule) or row.destruction_begun_at is not None:
        return
    before, row.category = row.category, target
    if row.status is RecordingStatus.EXPIRING:
        take_back(row)
    await trail.record(
        session,
        event="bodycam.category_changed",
        at=now,
        who=who,
        fields={
            "change_id": None,
            "recording_id": str(row.id),
            "from": before.value,
            "to": target.value,
            "shortens": False,
            "signatures": [],
        },
    )


async def read_proposal(session: AsyncSession, *, caller: Principal, change_id: UUID) -> Proposal:
    """Return the bytes that the two sign.

    Raises:
        ChangeNotFound: there is none, or another unit's.
    """
    made = await repository.change(session, change_id=change_id, department_id=caller.department_id)
    if made is None:
        raise ChangeNotFound(f"no change {change_id}")
    return _proposal(made)


async def sign_change(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    caller: Principal,
    change_id: UUID,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
    now: datetime,
) -> bool:
    """Sign a change that shortens; return whether it is done: both have signed.

    The one who proposed it signs first, another person second.

    Raises:
        ChangeNotFound: there is none, or another unit's.
        ChangeApplied: it needs no signature any more, or the category is another by now.
        AnotherPersonNeeded: the first signature is not the proposer's, or the second is.
        SignatureRefused, RevocationUnknown: the signature is not good. Nothing changed.
    """
    await identity.ask_about_signer(sessions, cms=cms, trust=trust, port=revocation, now=now)
    async with transaction(sessions) as session:
        made = await repository.change(
            session, change_id=change_id, department_id=caller.department_id, lock=True
        )
        if made is None or made.document is None:
            raise ChangeNotFound(f"no change {change_id} to sign")
        row = await own_row(session, caller, made.recording_id)
        if made.applied_at is not None or row.category is not made.from_category:
            raise ChangeApplied(f"change {change_id} is over")
        first = made.first_signature_id is None
        if not may_sign(person=caller.person, proposed_by=made.proposed_by, first_signed=not first):
            raise AnotherPersonNeeded(f"change {change_id} is signed by its proposer, then another")
        signature_id = await identity.sign_document(
            session, caller=caller, content=made.document, cms=cms, now=now, roots=trust
        )
        if first:
            made.first_signature_id = signature_id
        else:
            made.second_by, made.second_signature_id = caller.person, signature_id
            _apply(row, made, now)
        await session.flush()
        event = "bodycam.category_change_signed" if first else "bodycam.category_changed"
        await _note_change(session, trail, made, event, caller, now)
    return not first


def _proposal(made: CategoryChangeRow) -> Proposal:
    return Proposal(
        change_id=made.id, applied=made.applied_at is not None, document=made.document or b""
    )


def _apply(row: RecordingRow, made: CategoryChangeRow, now: datetime) -> None:
    signed = made.first_signature_id is not None and made.second_signature_id is not None
    if made.shortens and not signed:
        raise TwoSignaturesNeeded(f"change {made.id} needs two signatures")
    if row.destruction_begun_at is not None:
        raise DestructionBegun(f"recording {row.id} is being destroyed")
    row.category, made.applied_at = made.to_category, now
    if not made.shortens and row.status is RecordingStatus.EXPIRING:
        take_back(row)


def _document(made: CategoryChangeRow, row: RecordingRow) -> bytes:
    return rfc8785.dumps(
        {
            "v": 1,
            "what": "shorten the term of a recording",
            "change_id": str(made.id),
            "recording_id": str(made.recording_id),
            "manifest_sha256": row.manifest_sha256.hex(),
            "from": made.from_category.value,
            "to": made.to_category.value,
            "grounds": made.grounds,
            "proposed_by": str(made.proposed_by),
            "proposed_at": made.proposed_at.isoformat(),
        }
    )


async def _note_change(
    session: AsyncSession,
    trail: AuditTrail,
    made: CategoryChangeRow,
    event: str,
    caller: Principal,
    now: datetime,
) -> None:
    signatures = (made.first_signature_id, made.second_signature_id)
    await trail.record(
        session,
        event=event,
        at=now,
        who=caller,
        fields={
            "change_id": str(made.id),
            "recording_id": str(made.recording_id),
            "from": made.from_category.value,
            "to": made.to_category.value,
            "shortens": made.shortens,
            "signatures": [str(one) for one in signatures if one is not None],
        },
    )
