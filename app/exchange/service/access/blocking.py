"""Blocking a user at once, and lifting the block again."""

from datetime import datetime
from uuid import UUID

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.errors import DomainError
from app.exchange.errors import access as errors
from app.exchange.rules.access import check_may_block, check_may_unblock
from app.exchange.rules.access_papers import unblock_paper
from app.exchange.service.access.ports import AccessPorts, record_refusal, signed, signed_act
from app.identity import service as identity
from app.identity.errors import NotBlocked
from app.identity.rules.blocking import BlockReason


async def block_user(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    caller: Principal,
    person_id: UUID,
    reason: BlockReason,
    text: str,
    now: datetime,
) -> int:
    """Block a person and end his sessions in one transaction; return how many lived.

    Once it has committed, every call with one of them is refused, and within a second whatever
    was still being sent to them is cut.

    Raises:
        BlocksNotHisOwn: it is nobody whom the caller may block.
        AlreadyBlocked: a block stands.
        RefusalNotMotivated: no text says why.
    """
    try:
        async with transaction(sessions) as session:
            subordinate = await identity.is_subordinate(
                session, person_id=person_id, superior_id=caller.person, at=now
            )
            check_may_block(
                role="" if caller.role is None else caller.role.value,
                himself=caller.person == person_id,
                subordinate=subordinate,
            )
            if await identity.last_post_of(session, person_id=person_id) is None:
                raise errors.BlocksNotHisOwn("no such person")
            if not text.strip():
                raise errors.RefusalNotMotivated("say why the person is blocked")
            block_id, ended = await identity.block_person(
                session, person_id=person_id, reason=reason, text=text, by=caller.person, now=now
            )
            await trail.record(
                session,
                event="exchange.user_blocked",
                at=now,
                who=caller,
                fields={
                    "of_person": str(person_id),
                    "block": str(block_id),
                    "reason": reason.value,
                    "sessions_ended": ended,
                },
            )
    except DomainError as refusal:
        await record_refusal(
            sessions,
            trail,
            caller=caller,
            event="exchange.block_refused",
            fields={"of_person": str(person_id)},
            code=refusal.code,
            now=now,
        )
        raise
    return ended


async def write_unblocking(sessions: Sessions, *, person_id: UUID, text: str) -> bytes:
    """Return the lifting of a person's block as an operator is to sign it.

    Raises:
        NotBlocked: none stands.
    """
    async with transaction(sessions) as session:
        block = await identity.standing_block(session, person_id=person_id)
    if block is None:
        raise NotBlocked("no block of the person stands")
    return unblock_paper(block_id=block.block_id, person_id=person_id, text=text)


async def unblock_user(
    ports: AccessPorts,
    *,
    caller: Principal,
    person_id: UUID,
    text: str,
    cms: bytes,
    now: datetime,
) -> None:
    """Lift a person's block against the signature of an operator who did not set it.

    Raises:
        NotBlocked: none stands.
        UnblocksNotHis: the caller set it, or it is his own.
        RefusalNotMotivated: no text says why.
        SignatureRefused, RevocationUnknown: why the signature is none. Nothing changed.
    """
    async with signed_act(
        ports,
        caller=caller,
        cms=cms,
        now=now,
        refused="exchange.unblock_refused",
        fields={"of_person": str(person_id)},
    ) as session:
        block = await identity.standing_block(session, person_id=person_id)
        if block is None:
            raise NotBlocked("no block of the person stands")
        check_may_unblock(
            role="" if caller.role is None else caller.role.value,
            himself=caller.person == person_id,
            blocked_by_caller=caller.person == block.blocked_by,
        )
        if not text.strip():
            raise errors.RefusalNotMotivated("say why the block is lifted")
        paper = unblock_paper(block_id=block.block_id, person_id=person_id, text=text)
        signature_id = await signed(session, ports, caller=caller, paper=paper, cms=cms, now=now)
        await identity.lift_block(
            session,
            person_id=person_id,
            text=text,
            by=caller.person,
            signature_id=signature_id,
            now=now,
        )
        await ports.trail.record(
            session,
            event="exchange.user_unblocked",
            at=now,
            who=caller,
            fields={
                "of_person": str(person_id),
                "block": str(block.block_id),
                "signature": str(signature_id),
            },
        )
