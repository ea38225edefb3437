"""A person signs a document: check it is his own certificate, and keep the evidence."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal
from app.identity import repository
from app.identity.models import SignatureRow
from app.identity.rules.certificates import Purpose, Trust
from app.identity.rules.signature import Evidence, check_account, verify_signature


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

    The calling slice keeps the content and records its own event with the id; on a refusal it
    records that in a transaction of its own.

    Raises:
        SignatureRefused: by its subclass, the step at which the signature fails.
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
    return await keep(
        session,
        person_id=signer.person.id,
        purpose=Purpose.DOCUMENT,
        evidence=evidence,
        content=None,
        now=now,
    )


async def keep(
    session: AsyncSession,
    *,
    person_id: UUID,
    purpose: Purpose,
    evidence: Evidence,
    content: bytes | None,
    now: datetime,
) -> UUID:
    """Store a signature that holds; return its id."""
    row = SignatureRow(
        id=uuid4(),
        person_id=person_id,
        purpose=purpose,
        content_sha256=evidence.content_sha256,
        content=content,
        cms=evidence.cms,
        certificate_serial=evidence.certificate_serial,
        signed_at=now,
        signing_time=evidence.signing_time,
    )
    session.add(row)
    await session.flush()
    return row.id
