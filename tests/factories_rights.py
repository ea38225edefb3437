"""Rights for tests: people who may use the exchange, put straight into the database."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa

from app.clock import law_date, utc_now
from app.db import transaction
from app.exchange.models import AccessGrantRow, AgreementRow, AgreementSignatureRow
from app.exchange.rules.access import GrantOrigin, rights_of_role
from app.exchange.rules.bases import rule_set_on
from app.identity.models import Person, Post, SignatureRow
from app.identity.rules.certificates import Purpose

LONG_AGO = timedelta(days=30)


async def grant_access(
    session, *, person_id, post_id, role, services=None, bases=None, sign=True, at=None, since=None
):
    """Give a person in a post rights, all that the role may have unless told, and the agreement."""
    at = at or utc_now()
    most = rights_of_role(role.value, rules=rule_set_on(law_date(at)))
    session.add(
        AccessGrantRow(
            id=uuid4(),
            person_id=person_id,
            post_id=post_id,
            request_id=None,
            origin=GrantOrigin.REQUEST,
            role=role,
            services=sorted(most.services if services is None else services),
            bases=sorted(most.bases if bases is None else bases),
            valid_from=since or at - LONG_AGO,
        )
    )
    await session.flush()
    if sign:
        await sign_agreement(session, person_id=person_id, at=at - LONG_AGO)


async def sign_agreement(session, *, person_id, at=None, version=None):
    """Let a person have signed a version of the agreement, the newest unless told."""
    at = at or utc_now()
    agreements = sa.select(AgreementRow).order_by(AgreementRow.version.desc())
    if version is not None:
        agreements = agreements.where(AgreementRow.version == version)
    agreement = (await session.scalars(agreements)).first()
    signature = SignatureRow(
        id=uuid4(),
        person_id=person_id,
        purpose=Purpose.DOCUMENT,
        content_sha256=hashlib.sha256(b"").digest(),
        content=None,
        cms=b"made by a test",
        certificate_serial="00",
        revocation_proof_id=None,
        signed_at=at,
        signing_time=at,
    )
    session.add(signature)
    await session.flush()
    session.add(
        AgreementSignatureRow(
            id=uuid4(),
            person_id=person_id,
            agreement_id=agreement.id,
            signature_id=signature.id,
            signed_at=at,
        )
    )
    await session.flush()


async def grant_to_all(sessions, *, iins=None):
    """Give everybody in post, or those named, all that his role may have."""
    async with transaction(sessions) as session:
        granted = sa.exists().where(AccessGrantRow.person_id == Post.person_id)
        posts = sa.select(Post).join(Person, Person.id == Post.person_id).where(~granted)
        if iins is not None:
            posts = posts.where(Person.iin.in_(iins))
        today = law_date(utc_now())
        for post in list(await session.scalars(posts)):
            if post.valid_from <= today and (post.valid_to is None or today <= post.valid_to):
                await grant_access(
                    session, person_id=post.person_id, post_id=post.id, role=post.role
                )
