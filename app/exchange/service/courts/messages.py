"""Taking a court's message: which system brought it, who signed it, and that it is new.

Everything here comes before the gates. What is refused is recorded with its code; what is taken
has its signature kept as evidence and can never be taken again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role, SystemNotKnown
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.errors import DomainError
from app.exchange.errors import (
    CourtMessageNotValid,
    CourtMessageReplayed,
    NoPersonBehind,
    UserRefused,
)
from app.exchange.repository import courts as repository
from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.courts import CourtAct, canonical, check_message
from app.exchange.rules.texts import TEXTS
from app.exchange.schemas.courts import CourtMessage
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Purpose, Trust
from app.identity.rules.signature import Evidence, verify_signature

M = TypeVar("M", bound=CourtMessage)


@dataclass(frozen=True, kw_only=True)
class CourtPorts:
    """What taking a message needs.

    Attributes:
        audience: how messages must name this server.
        trust: the roots a person's certificate must chain to.
        revocation: who is asked whether it was revoked.
    """

    sessions: Sessions
    trail: AuditTrail
    trust: Trust
    revocation: RevocationPort
    audience: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A message that was taken: the person behind it, and what proves that.

    Attributes:
        caller: the person of the court, with the system that brought his message. His rights
            are his own; the system has none.
    """

    caller: Principal
    message_id: UUID
    signature_id: UUID
    court: str
    full_name: str = field(repr=False)


async def take_message(
    ports: CourtPorts,
    *,
    system: Principal,
    raw: Mapping[str, object],
    cms: bytes,
    form: type[M],
    now: datetime,
) -> tuple[Taken, M]:
    """Take a message of ``form`` that ``system`` brought, signed by a person of a court.

    A message is used up when it is taken, whatever becomes of it then.

    Raises:
        CourtMessageNotValid, CourtMessageNotForUs, CourtMessageStale, CourtMessageReplayed: by
            what it says.
        NoPersonBehind: no signature, or its holder is no registered person of a court today.
        UserRefused: he is blocked.
        SignatureRefused, RevocationUnknown: the signature proves nothing, or nobody could say
            whether the certificate was revoked.
        SystemNotKnown: the system was withdrawn meanwhile.
    """
    holder_iin: str | None = None
    try:
        content = canonical(raw)
        message = _read(content, form)
        check_message(
            audience=message.audience,
            our_audience=ports.audience,
            system_id=message.system_id,
            our_system_id=system.system,
            sent_at=message.sent_at,
            now=now,
        )
        if not cms:
            raise no_person()
        evidence = verify_signature(
            cms=cms, content=content, purpose=Purpose.DOCUMENT, trust=ports.trust, now=now
        )
        holder_iin = evidence.holder.iin  # proven by now: the refusals below are about this person
        await identity.ask_about_signer(
            ports.sessions, cms=cms, trust=ports.trust, port=ports.revocation, now=now
        )
        async with transaction(ports.sessions) as session:
            taken = await _take(
                session, ports, system=system, message=message, content=content,
                evidence=evidence, now=now,
            )  # fmt: skip
    except DomainError as refusal:
        async with transaction(ports.sessions) as session:
            await ports.trail.record(
                session,
                event="exchange.court_message_refused",
                at=now,
                who=system,
                subject_iin=holder_iin,
                fields={
                    "system": str(system.system),
                    "form": form.__name__,
                    "code": refusal.code,
                },
            )
        raise
    return taken, message


def no_person() -> NoPersonBehind:
    """Return the refusal of a call with no person behind it, with the texts of the Rules."""
    text, said = _texts(RefusalCode.NO_PERSON)
    return NoPersonBehind(text, **said)


def _texts(code: RefusalCode) -> tuple[str, dict[str, object]]:
    text = TEXTS[code]
    told = {"kk": text.kk, "ru": text.ru, "en": text.en}
    return text.en, {"refusal": code.value, "item": text.item, "texts": told}


def _read(content: bytes, form: type[M]) -> M:
    try:
        return form.model_validate_json(content)  # the very bytes that were signed
    except ValidationError:
        # The cause is cut off: it repeats the input, which names persons.
        raise CourtMessageNotValid("the message has another form") from None


async def _take(
    session: AsyncSession,
    ports: CourtPorts,
    *,
    system: Principal,
    message: CourtMessage,
    content: bytes,
    evidence: Evidence,
    now: datetime,
) -> Taken:
    if not await repository.is_admitted(session, system.system):
        raise SystemNotKnown("the system was withdrawn")
    card = await identity.post_of_iin(session, iin=evidence.holder.iin, now=now)
    if card is None or card.role is not Role.COURT:
        raise no_person()
    if await identity.standing_block(session, person_id=card.person_id) is not None:
        text, said = _texts(RefusalCode.USER_BLOCKED)
        raise UserRefused(text, **said)
    caller = Principal(
        department_id=card.department_id,
        person_id=card.person_id,
        post_id=card.post_id,
        role=card.role,
        system_id=system.system,
    )
    signature_id = await identity.sign_document(
        session, caller=caller, content=content, cms=evidence.cms, now=now, roots=ports.trust
    )
    taken = await repository.take(
        session,
        {
            "message_id": message.message_id,
            "system_id": system.system,
            "person_id": card.person_id,
            "signature_id": signature_id,
            "act": CourtAct(message.act),
            "content_sha256": evidence.content_sha256,
            "sent_at": message.sent_at,
            "received_at": now,
        },
    )
    if not taken:
        raise CourtMessageReplayed(message.message_id)
    await ports.trail.record(
        session,
        event="exchange.court_message_taken",
        at=now,
        who=caller,
        fields={
            "system": str(system.system),
            "act": message.act,
            "message": str(message.message_id),
            "signature": str(signature_id),
        },
    )
    return Taken(
        caller=caller,
        message_id=message.message_id,
        signature_id=signature_id,
        court=card.department_name_ru,
        full_name=card.full_name,
    )
