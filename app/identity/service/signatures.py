"""A person signs a document: check it is his own certificate, and keep the evidence."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal
from app.identity import repository
from app.identity.models import SignatureRow
from app.identity.rules.certificates import Purpose, Trust
from app.identity.rules.signature import Evidence, check_account, verify_signature
from app.identity.service.revocation import proof_of


async def sign_document(
    session: AsyncSession,
    *,
    caller: Principal,
    content: bytes,
    cms: bytes,
    now: datetime,
    roots: Trust,
) -> UUID:
    """Check a detached signature of the caller over ``content``, keep it, return its id.

    ``ask_about_signer`` must have been called before the transaction: the proof that the
    certificate was not revoked is looked for here, never asked for.

    The calling slice keeps the content and records its own event with the id; on a refusal it
    records that in a transaction of its own.

    Raises:
        SignatureRefused: by its subclass, the step at which the signature fails.
        RevocationUnknown: there is no fresh proof that the certificate was not revoked.
        NotSignedIn: the caller is no person in a post.
    """
    if caller.post_id is None:
        raise NotSignedIn("this act needs a person")
    evidence = verify_signature(
        cms=cms, content=content, purpose=Purpose.DOCUMENT, trust=roots, now=now
    )
    members = await repository.members_by_post(session, [caller.post_id])
    if not members:
        raise NotSignedIn("the post is unknown")
    signer = members[0]
    check_account(evidence.holder, iin=signer.person.iin, bin_=signer.department.bin)
    proof_id = await proof_of(session, chain=evidence.chain, now=now)
    return await keep(
        session,
        proof_id=proof_id,
        person_id=signer.person.id,
        purpose=Purpose.DOCUMENT,
        evidence=evidence,
        content=None,
        now=now,
    )


async def keep(
    session: AsyncSession,
    *,
    proof_id: UUID,
    person_id: UUID,
    purpose: Purpose,
    evidence: Evidence,
    content: bytes | None,
    now: datetime,
) -> UUID:
    """Store a signature that holds, with the proof about its certificate; return its id."""
    row = SignatureRow(
        id=uuid4(),
        person_id=person_id,
        purpose=purpose,
        content_sha256=evidence.content_sha256,
        content=content,
        cms=evidence.cms,
        certificate_serial=evidence.certificate_serial,
        revocation_proof_id=proof_id,
        signed_at=now,
        signing_time=evidence.signing_time,
    )
    session.add(row)
    await session.flush()
    return row.id
