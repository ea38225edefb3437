"""Signing in: a challenge, its signed answer, a session. Every answer is audited."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import SIGNING_IN, Principal, Role
from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.errors import DomainError
from app.identity import errors, repository
from app.identity.models import Challenge, SessionRow
from app.identity.register import RevocationPort
from app.identity.repository import StaffMember
from app.identity.rules.certificates import Purpose, Trust
from app.identity.rules.challenge import (
    NONCE_BYTES,
    Operation,
    challenge_content,
    check_challenge,
)
from app.identity.rules.names import full_name
from app.identity.rules.signature import Evidence, check_account, verify_signature
from app.identity.service.revocation import ask_about_chain
from app.identity.service.sessions import token_hash
from app.identity.service.signatures import keep

_TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SignInPolicy:
    """What a sign-in is checked against.

    Attributes:
        session_term: how long a session lives at most.
        trust: the roots a certificate must chain to.
        revocation: who is asked whether it was revoked.
    """

    session_term: timedelta
    trust: Trust
    revocation: RevocationPort


@dataclass(frozen=True, kw_only=True)
class NewChallenge:
    """A challenge to sign, detached."""

    challenge_id: UUID
    content: bytes
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A new session; the token exists here and with its holder only."""

    token: str = field(repr=False)
    expires_at: datetime
    role: Role
    name: str


async def new_challenge(
    sessions: Sessions,
    *,
    device: Principal | None,
    audience: str,
    term: timedelta,
    now: datetime,
) -> NewChallenge:
    """Store and return a challenge that only this device (or only no device) may answer once."""
    challenge_id, expires_at = uuid4(), now + term
    device_id = None if device is None else device.device_id
    content = challenge_content(
        challenge_id=challenge_id,
        operation=Operation.SIGN_IN,
        audience=audience,
        device_id=device_id,
        nonce=secrets.token_bytes(NONCE_BYTES),
        expires_at=expires_at,
    )
    async with transaction(sessions) as session:
        await repository.purge_challenges(session, now=now)
        session.add(
            Challenge(
                id=challenge_id,
                operation=Operation.SIGN_IN,
                device_id=device_id,
                content=content,
                expires_at=expires_at,
                used_at=None,
            )
        )
    return NewChallenge(challenge_id=challenge_id, content=content, expires_at=expires_at)


async def sign_in(
    sessions: Sessions,
    *,
    challenge_id: UUID,
    cms: bytes,
    device: Principal | None,
    policy: SignInPolicy,
    trail: AuditTrail,
    now: datetime,
) -> SignedIn:
    """Check the signed answer to a challenge and open a session.

    The challenge is used up by its first answer, good or bad.

    Raises:
        ChallengeNotFound, ChallengeUsed, ChallengeExpired, ChallengeOfAnotherDevice: no answer
            to this challenge is taken from here now.
        SignatureRefused: by its subclass, the step at which the signature fails.
        RevocationUnknown: nobody could say whether the certificate was revoked.
        NotOnStaff, NoPostInForce, SignsInNowhere, DeviceOfAnotherBody: the holder may not act here.
    """
    iin: str | None = None
    try:
        content = await _take(sessions, challenge_id=challenge_id, device=device, now=now)
        evidence = verify_signature(
            cms=cms, content=content, purpose=Purpose.SIGN_IN, trust=policy.trust, now=now
        )
        iin = evidence.holder.iin  # proven by now: the refusals below are about this person
        proof_id = await ask_about_chain(
            sessions, chain=evidence.chain, trust=policy.trust, port=policy.revocation, now=now
        )
        return await _open(
            sessions,
            evidence=evidence,
            proof_id=proof_id,
            content=content,
            device=device,
            policy=policy,
            trail=trail,
            now=now,
        )
    except DomainError as refusal:
        async with transaction(sessions) as session:
            await trail.record(
                session,
                event="identity.sign_in_refused",
                at=now,
                who=device,
                subject_iin=iin,
                fields={"code": refusal.code, "challenge": str(challenge_id)},
            )
        raise


async def _take(
    sessions: Sessions, *, challenge_id: UUID, device: Principal | None, now: datetime
) -> bytes:
    async with transaction(sessions) as session:
        challenge = await repository.challenge_for_update(session, challenge_id)
        if challenge is None:
            raise errors.ChallengeNotFound("no such challenge")
        check_challenge(
            operation=challenge.operation,
            expected=Operation.SIGN_IN,
            device_id=challenge.device_id,
            answered_on=None if device is None else device.device_id,
            expires_at=challenge.expires_at,
            used_at=challenge.used_at,
            now=now,
        )
        challenge.used_at = now
        return challenge.content


async def _open(
    sessions: Sessions,
    *,
    evidence: Evidence,
    proof_id: UUID,
    content: bytes,
    device: Principal | None,
    policy: SignInPolicy,
    trail: AuditTrail,
    now: datetime,
) -> SignedIn:
    token, session_id = secrets.token_urlsafe(_TOKEN_BYTES), uuid4()
    async with transaction(sessions) as session:
        member = await _admitted(session, iin=evidence.holder.iin, now=now)
        person = member.person
        check_account(evidence.holder, iin=person.iin, bin_=member.department.bin)
        if device is not None and device.department_id != member.department.id:
            raise errors.DeviceOfAnotherBody("the device is of another department")
        signature_id = await keep(
            session,
            proof_id=proof_id,
            person_id=person.id,
            purpose=Purpose.SIGN_IN,
            evidence=evidence,
            content=content,
            now=now,
        )
        opened = SessionRow(
            id=session_id,
            token_sha256=token_hash(token),
            person_id=person.id,
            post_id=member.post.id,
            device_id=None if device is None else device.device_id,
            signature_id=signature_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + policy.session_term,
            ended_at=None,
            ended_because=None,
        )
        session.add(opened)
        await trail.record(
            session,
            event="identity.signed_in",
            at=now,
            who=Principal(
                department_id=member.department.id,
                person_id=person.id,
                post_id=member.post.id,
                role=member.post.role,
                device_id=opened.device_id,
            ),
            fields={
                "session": str(session_id),
                "signature": str(signature_id),
                "certificate": evidence.certificate_serial,
            },
        )
    return SignedIn(
        token=token,
        expires_at=opened.expires_at,
        role=member.post.role,
        name=full_name(person.surname, person.given_name, person.patronymic),
    )


async def _admitted(session: AsyncSession, *, iin: str, now: datetime) -> StaffMember:
    person, members = await repository.members_by_iin(session, iin=iin, today=law_date(now))
    if person is None:
        raise errors.NotOnStaff("the holder of the certificate is not on the staff list")
    if not members:
        raise errors.NoPostInForce("the person holds no post today")
    if await repository.is_blocked(session, person_id=person.id):
        raise errors.PersonBlocked("the person is blocked")
    if members[0].post.role not in SIGNING_IN:
        raise errors.SignsInNowhere("courts call by their own system and do not sign in")
    return members[0]
