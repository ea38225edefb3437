"""Asking for access: the form of appendix 5, written here and signed by its applicant."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.clock import law_date
from app.db import Sessions, transaction
from app.exchange.errors import access as errors
from app.exchange.models import AccessRequestRow
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import AccessStage, check_drawn, check_form, rights_of_role
from app.exchange.rules.access_papers import AccessForm, Applicant, form_paper, sha256_of
from app.exchange.rules.bases import rule_set_on
from app.exchange.service.access.ports import AccessPorts, post_of, signed, signed_act
from app.identity import service as identity
from app.identity.service import PostCard

_RETURNED_TEXT: Final = "fields missing or not right: "


async def write_form(sessions: Sessions, *, caller: Principal, form: AccessForm) -> bytes:
    """Return the request for access as its applicant is to sign it."""
    async with transaction(sessions) as session:
        card = await _card(session, caller)
    return form_paper(form, applicant=_applicant(card))


async def file_request(
    ports: AccessPorts, *, caller: Principal, form: AccessForm, cms: bytes, now: datetime
) -> UUID:
    """File a signed request; the 24 hours run from now. Return its id.

    An incomplete form is kept as returned: its clock never runs.

    Raises:
        AccessFormIncomplete: fields are empty or do not fit; kept as returned.
        AccessFormNotYours: it was written too long ago.
        AccessAlreadyRequested: a former request is undecided.
        SignatureRefused, RevocationUnknown: by its subclass, why. Nothing was filed.
    """
    request_id = uuid4()
    incomplete: errors.AccessFormIncomplete | None = None
    async with signed_act(
        ports,
        caller=caller,
        cms=cms,
        now=now,
        refused="exchange.access_request_refused",
        fields={"request": str(request_id)},
    ) as session:
        check_drawn(form.drawn_at, now=now)
        card = await _card(session, caller)
        paper = form_paper(form, applicant=_applicant(card))
        signature_id = await signed(session, ports, caller=caller, paper=paper, cms=cms, now=now)
        try:
            await _check(session, form, card, now)
        except errors.AccessFormIncomplete as found:
            incomplete = found
        row = _row(request_id, form, card, paper, signature_id, now, incomplete)
        await _keep(session, ports, row, caller, now)
    if incomplete is not None:
        raise incomplete
    return request_id


async def officials_of(sessions: Sessions, *, caller: Principal, now: datetime) -> list[PostCard]:
    """Return the responsible officials whom the caller may name."""
    async with transaction(sessions) as session:
        return await _officials(session, await _card(session, caller), now)


async def _officials(session: AsyncSession, card: PostCard, now: datetime) -> list[PostCard]:
    unit = await identity.staff_of_department(session, department_id=card.department_id, now=now)
    above = await identity.superiors_of(session, person_id=card.person_id, at=now)
    posts = await identity.posts_of_people(session, person_ids=above, now=now)
    found = {one.person_id: one for one in (*posts.values(), *unit)}
    return [
        one
        for one in found.values()
        if one.role is Role.RESPONSIBLE_OFFICIAL and one.person_id != card.person_id
    ]


async def _check(session: AsyncSession, form: AccessForm, card: PostCard, now: datetime) -> None:
    officials = {one.person_id for one in await _officials(session, card, now)}
    most = rights_of_role(card.role.value, rules=rule_set_on(law_date(now)))
    fields: list[tuple[str, object]] = [("role", form.role)]
    if most.services:  # a role of the service's own staff asks no register
        fields += [("services", form.services), ("bases", form.bases)]
    fields += [
        ("responsible_id", form.responsible_id),
        ("contacts", form.contacts),
        ("workplace", form.workplace),
    ]
    check_form(
        fields,
        role_of_post=form.role == card.role.value,
        official_is_his=form.responsible_id in officials,
    )


async def _card(session: AsyncSession, caller: Principal) -> PostCard:
    post_id = post_of(caller)
    return (await identity.posts_by_id(session, [post_id]))[post_id]


def _applicant(card: PostCard) -> Applicant:
    return Applicant(
        iin=card.iin,
        full_name=card.full_name,
        department_bin=card.department_bin,
        department=card.department_name_ru,
        title=card.title,
        post_id=card.post_id,
    )


def _row(
    request_id: UUID,
    form: AccessForm,
    card: PostCard,
    paper: bytes,
    signature_id: UUID,
    now: datetime,
    incomplete: errors.AccessFormIncomplete | None,
) -> AccessRequestRow:
    missing = [] if incomplete is None else list(incomplete.fields["missing"])  # type: ignore[call-overload]  # names, put there by the rule
    named = form.responsible_id if "responsible_id" not in missing else None
    return AccessRequestRow(
        id=request_id,
        stage=AccessStage.REQUESTED if incomplete is None else AccessStage.RETURNED,
        person_id=card.person_id,
        post_id=card.post_id,
        department_id=card.department_id,
        role=card.role,
        services=sorted(form.services),
        bases=sorted(form.bases),
        responsible_id=named,
        document=paper,
        document_sha256=sha256_of(paper),
        signature_id=signature_id,
        filed_at=now,
        received_at=now if incomplete is None else None,
        returned_text=None if incomplete is None else _RETURNED_TEXT + ", ".join(missing),
    )


async def _keep(
    session: AsyncSession,
    ports: AccessPorts,
    row: AccessRequestRow,
    caller: Principal,
    now: datetime,
) -> None:
    try:
        await repository.put_request(session, row)
    except IntegrityError as error:
        raise errors.AccessAlreadyRequested("a former request is undecided") from error
    returned = row.stage is AccessStage.RETURNED
    await ports.trail.record(
        session,
        event="exchange.access_form_returned" if returned else "exchange.access_requested",
        at=now,
        who=caller,
        fields={
            "request": str(row.id),
            "form_sha256": row.document_sha256,
            "signature": str(row.signature_id),
            "role": row.role.value,
            "services": row.services,
            "bases": row.bases,
        },
    )
