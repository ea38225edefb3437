"""Statements of access. That of a person's standing runs in every request: built once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.access import Role
from app.db import Connection, Hoisted
from app.exchange.models import AccessGrantRow, AgreementRow, AgreementSignatureRow
from app.identity.service import POST_STANDING


class Standing(NamedTuple):
    """What one look at the tables says of a person in a post."""

    post_id: UUID
    role: Role
    post_in_force: bool
    post_began_at: datetime
    blocked: bool
    grant_post_id: UUID | None
    services: list[str] | None
    bases: list[str] | None
    deadline_at: datetime | None
    agreement_id: UUID | None
    signed_current: bool
    signed_any: bool


_AT: Final = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_PERSON: Final = sa.bindparam("person_id", type_=sa.Uuid())
_post: Final = POST_STANDING.cte("post")
_current: Final = (
    sa.select(AgreementRow.id)
    .where(AgreementRow.valid_from <= _AT)
    .order_by(AgreementRow.valid_from.desc(), AgreementRow.version.desc())
    .limit(1)
    .cte("current")
)
_grant: Final = (
    sa.select(AccessGrantRow)
    .where(
        AccessGrantRow.person_id == _PERSON,
        AccessGrantRow.valid_from <= _AT,
        sa.or_(AccessGrantRow.valid_to.is_(None), AccessGrantRow.valid_to > _AT),
    )
    .limit(1)
    .cte("rights")
)
_signed: Final = sa.select(AgreementSignatureRow.id).where(
    AgreementSignatureRow.person_id == _PERSON
)
STANDING: Final = (
    sa.select(
        _post.c.post_id,
        _post.c.role,
        _post.c.post_in_force,
        _post.c.post_began_at,
        _post.c.blocked,
        _grant.c.post_id.label("grant_post_id"),
        _grant.c.services,
        _grant.c.bases,
        _grant.c.deadline_at,
        _current.c.id.label("agreement_id"),
        sa.exists(_signed.where(AgreementSignatureRow.agreement_id == _current.c.id)).label(
            "signed_current"
        ),
        sa.exists(_signed).label("signed_any"),
    )
    .select_from(_post)
    .outerjoin(_grant, sa.true())
    .outerjoin(_current, sa.true())
)
_STANDING: Final = Hoisted(STANDING)


async def standing(
    connection: Connection, *, person_id: UUID, post_id: UUID, at: datetime, today: date
) -> Standing | None:
    """Return what decides a person's standing, or nothing if the post is not his."""
    values = {"person_id": person_id, "post_id": post_id, "at": at, "today": today}
    row = await _STANDING.row(connection, values)
    return None if row is None else standing_from(row)


def standing_from(row: Sequence[Any]) -> Standing | None:
    """Return what a row of ``STANDING`` says; nothing where the post is not his."""
    found = Standing._make(row)
    return None if found.post_id is None else found._replace(role=Role(found.role))
