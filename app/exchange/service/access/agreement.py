"""The user agreement: read, signed at first entry, and signed anew when a new version comes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, driver_of, transaction
from app.exchange.errors import access as errors
from app.exchange.models import AgreementRow, AgreementSignatureRow
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import AgreementStanding
from app.exchange.rules.access_papers import agreement_paper, sha256_of
from app.exchange.service.access.ports import AccessPorts, post_of, signed, signed_act
from app.exchange.service.access.standing import standing_of


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The version in force and how the reader stands to it; ``signed_at`` is of this version."""

    version: int
    text_kk: str
    text_ru: str
    text_en: str
    sha256: str
    paper: bytes
    standing: AgreementStanding
    signed_at: datetime | None


async def read_agreement(sessions: Sessions, *, caller: Principal, now: datetime) -> Agreement:
    """Return the agreement in force.

    Raises:
        NoAgreement: none is.
    """
    async with transaction(sessions) as session:
        row = await _current(session, now)
        standing = await standing_of(
            await driver_of(session), person_id=caller.person, post_id=post_of(caller), at=now
        )
        signature = await repository.agreement_signature(
            session, person_id=caller.person, agreement_id=row.id
        )
    return Agreement(
        version=row.version,
        text_kk=row.text_kk,
        text_ru=row.text_ru,
        text_en=row.text_en,
        sha256=row.sha256,
        paper=_paper(row),
        standing=standing.agreement,
        signed_at=None if signature is None else signature.signed_at,
    )


async def sign_agreement(
    ports: AccessPorts, *, caller: Principal, version: int, cms: bytes, now: datetime
) -> datetime:
    """Sign the version in force; return when it was signed, the first time if twice.

    Raises:
        AgreementNotCurrent: another version is in force.
        SignatureRefused, RevocationUnknown: why the signature is none. Nothing changed.
    """
    async with signed_act(
        ports,
        caller=caller,
        cms=cms,
        now=now,
        refused="exchange.agreement_not_signed",
        fields={"version": version},
    ) as session:
        row = await _current(session, now)
        if row.version != version:
            raise errors.AgreementNotCurrent("another version is in force", version=row.version)
        await repository.lock_agreement_of(session, person_id=caller.person)
        before = await repository.agreement_signature(
            session, person_id=caller.person, agreement_id=row.id
        )
        signature_id = await signed(
            session, ports, caller=caller, paper=_paper(row), cms=cms, now=now
        )
        if before is not None:
            return before.signed_at
        await repository.put_agreement_signature(
            session,
            AgreementSignatureRow(
                id=uuid4(),
                person_id=caller.person,
                agreement_id=row.id,
                signature_id=signature_id,
                signed_at=now,
            ),
        )
        await _tell_signed(session, ports.trail, caller, row, signature_id, now)
    return now


async def _tell_signed(
    session: AsyncSession,
    trail: AuditTrail,
    caller: Principal,
    row: AgreementRow,
    signature_id: UUID,
    now: datetime,
) -> None:
    await trail.record(
        session,
        event="exchange.agreement_signed",
        at=now,
        who=caller,
        fields={
            "version": row.version,
            "sha256": row.sha256,
            "signature": str(signature_id),
        },
    )


async def publish_agreement(
    session: AsyncSession,
    *,
    text_kk: str,
    text_ru: str,
    text_en: str,
    valid_from: datetime,
    trail: AuditTrail,
    now: datetime,
) -> int:
    """Add a version, in force from ``valid_from``; everybody signs anew. Return its number."""
    version = await repository.last_agreement_version(session) + 1
    paper = agreement_paper(version=version, text_kk=text_kk, text_ru=text_ru, text_en=text_en)
    row = AgreementRow(
        id=uuid4(),
        version=version,
        text_kk=text_kk,
        text_ru=text_ru,
        text_en=text_en,
        sha256=sha256_of(paper),
        valid_from=max(valid_from, now),  # nobody is bound backwards in time
    )
    await repository.put_agreement(session, row)
    await trail.record(
        session,
        event="exchange.agreement_published",
        at=now,
        who=None,
        fields={
            "version": version,
            "sha256": row.sha256,
            "valid_from": row.valid_from.isoformat(),
        },
    )
    return version


async def _current(session: AsyncSession, now: datetime) -> AgreementRow:
    row = await repository.current_agreement(session, now=now)
    if row is None:
        raise errors.NoAgreement("no user agreement is in force")
    return row


def _paper(row: AgreementRow) -> bytes:
    return agreement_paper(
        version=row.version, text_kk=row.text_kk, text_ru=row.text_ru, text_en=row.text_en
    )
