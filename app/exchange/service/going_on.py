"""A request that waited goes on: verified at last, confirmed, justified, or dead.

Nothing is allowed first and checked later: whatever it waited for, every gate is asked anew over
facts as they are now, and the register of cases too.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.clock import law_date
from app.db import driver_of, transaction
from app.errors import DomainError
from app.exchange.errors import RequestNotFound, RequestNotWaiting
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import requests, sweeps
from app.exchange.rules.flags import Flag
from app.exchange.rules.gates import Gate, Outcome, SecondPerson, decide
from app.exchange.rules.requests import RequestStatus, next_status
from app.exchange.rules.waiting import is_dead, next_attempt_at
from app.exchange.service.asking import Asking, Said, key_of, stored_asking
from app.exchange.service.deciding import Decided, decide_again
from app.exchange.service.gathering import gather
from app.exchange.service.make_request import RequestOutcome, confirmed_case, settled
from app.exchange.service.ports import ExchangePorts
from app.exchange.service.sampling import seed_of
from app.identity import service as identity

_ATTEMPTS_AT_ONCE: Final = 50  # of one run of the job: the next comes within seconds
_CLAIM: Final = timedelta(minutes=2)  # far over what one attempt takes; then it is free again
_GIVEN_UP_AFTER: Final = timedelta(minutes=5)  # far over what a request takes past its gates
_ROWS_AT_ONCE: Final = 200

log = structlog.get_logger(__name__)


async def justify(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID, text: str
) -> RequestOutcome:
    """Give the extended justification of the caller's own drawn request, which then goes on.

    It is the very same request: its number, and with it the draw, stay as they are.

    Raises:
        RequestNotFound: absent or another person's; the attempt is recorded.
        RequestNotWaiting: it does not wait for a justification, or no longer.
        GateRefused, AuditSilent, AnswerWithheld: see ``make_request``. ``SampleRefused`` where
            the text is no justification: the request waits on.
    """
    row = await own_request(ports, caller=caller, request_id=request_id)
    asking = _resumed(ports, row, caller, justification=text)
    said = _said(row)
    said = replace(said, case=await confirmed_case(ports, asking, said))
    decided = await _decide_waiting(ports, asking, said, expected=RequestStatus.NEEDS_JUSTIFICATION)
    return await settled(ports, decided)


async def own_request(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID
) -> RegisterRequestRow:
    """Return the caller's own request; an attempt on another's is recorded and finds nothing.

    Raises:
        RequestNotFound: absent or another person's.
    """
    async with transaction(ports.sessions) as session:
        row = await requests.of_person(session, request_id=request_id, person_id=caller.person)
        if row is None:
            await ports.trail.record(
                session,
                event="exchange.view_refused",
                at=ports.clock(),
                who=caller,
                fields={"check_id": str(request_id)},
            )
    if row is None:
        raise RequestNotFound(request_id)
    return row


def _resumed(
    ports: ExchangePorts,
    row: RegisterRequestRow,
    caller: Principal,
    *,
    justification: str | None = None,
) -> Asking:
    if row.wrapped_key is None:
        raise RequestNotWaiting(row.id, status=row.status.value)
    asking = stored_asking(
        row,
        ports.keys,
        role=caller.role,
        session_id=caller.session_id,
        session=caller.session_id is not None or caller.system_id is not None,
        justification=justification,
    )
    # The device is that of this call, the post that of the request: a tablet taken away meanwhile
    # is another's, and a post that has ended refuses.
    here = replace(asking.caller, device_id=caller.device_id, device_kind=caller.device_kind)
    return replace(asking, caller=here)


def _said(row: RegisterRequestRow) -> Said:
    confirmed = row.second_person_id is not None
    return Said(second=SecondPerson.CONFIRMED if confirmed else SecondPerson.NOT_YET)


async def _decide_waiting(
    ports: ExchangePorts, asking: Asking, said: Said, *, expected: RequestStatus
) -> Decided:
    """Decide a request that waits anew; of two at once, one does.

    Raises:
        RequestNotWaiting: it waits for something else by now, or is dead.
    """
    seed = await seed_of(ports, day=law_date(asking.received_at))
    async with transaction(ports.sessions) as session:
        now = ports.clock()
        row = await requests.locked(session, asking.request_id)
        dead = is_dead(row.status, received_at=row.received_at, now=now)
        if row.status is not expected or dead:
            raise RequestNotWaiting(row.id, status="expired" if dead else row.status.value)
        key = key_of(row, ports.keys)
        return await decide_again(session, ports, row, asking, said, key=key, seed=seed, now=now)


async def verify_waiting(ports: ExchangePorts) -> int:
    """Ask the registers of cases again for requests whose time has come; return how many.

    Safe to repeat and to run twice at once: an attempt is claimed in a transaction of its own,
    and a process killed in the middle gives it back.
    """
    for count in range(_ATTEMPTS_AT_ONCE):
        now = ports.clock()
        async with transaction(ports.sessions) as session:
            request_id = await requests.claim_attempt(session, now=now, until=now + _CLAIM)
        if request_id is None:
            return count
        try:
            await _verify(ports, request_id)
        except DomainError as refusal:  # recorded where it was refused; the next may go on
            log.info("exchange.request_settled", request=str(request_id), code=refusal.code)
    return _ATTEMPTS_AT_ONCE


async def _verify(ports: ExchangePorts, request_id: UUID) -> None:
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        row = await requests.by_id(session, request_id)
        if row is None or row.status is not RequestStatus.PENDING_VERIFICATION:
            return
        posts = await identity.posts_by_id(session, [row.post_id])
        role = posts[row.post_id].role if row.post_id in posts else None
        # A court's person has no session with us: gate USER asks whether he may still act.
        lives = role is Role.COURT or await identity.session_lives(
            await driver_of(session),
            person_id=row.person_id,
            post_id=row.post_id,
            session_id=None,
            idle=ports.session_idle,
            now=now,
        )
        asking = stored_asking(row, ports.keys, role=role, session_id=None, session=lives)
        said = _said(row)
        if not lives and await _waits_for_its_person(session, ports, asking, said, now):
            # Without a living person behind it nobody is asked; the next attempt looks again.
            row.next_attempt_at = next_attempt_at(
                attempts=row.attempts, received_at=row.received_at, now=now
            )
            return
    said = replace(said, case=await confirmed_case(ports, asking, said))
    decided = await _decide_waiting(
        ports, asking, said, expected=RequestStatus.PENDING_VERIFICATION
    )
    await settled(ports, decided)


async def _waits_for_its_person(
    session: AsyncSession, ports: ExchangePorts, asking: Asking, said: Said, now: datetime
) -> bool:
    """Return whether nothing but the ended session keeps the request from being verified."""
    signed_in = replace(asking, session=True)
    gathered = await gather(await driver_of(session), ports, signed_in, said, drawn=False, now=now)
    verdict = decide(gathered.facts, rules=asking.rules)
    return verdict.gate is Gate.RECON or verdict.outcome is not Outcome.REFUSED


async def end_overdue(ports: ExchangePorts) -> int:
    """Let requests die that waited a day, and give up those whose process was killed.

    A drawn request that was never justified is among the dead, and stays marked as drawn for
    departmental control. Safe to repeat.
    """
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        dead = await requests.dead(session, now=now, limit=_ROWS_AT_ONCE)
        for row in dead:
            await _end(session, ports, row, RequestStatus.EXPIRED, "exchange.request_expired", now)
        before = now - _GIVEN_UP_AFTER
        lost = await sweeps.unfinished(session, before=before, limit=_ROWS_AT_ONCE)
        for row in lost:
            await _end(
                session, ports, row, RequestStatus.WITHHELD, "exchange.request_given_up", now
            )
        await session.flush()
        await sweeps.note_finished(session, before=before)
    return len(dead) + len(lost)


async def _end(
    session: AsyncSession,
    ports: ExchangePorts,
    row: RegisterRequestRow,
    target: RequestStatus,
    event: str,
    now: datetime,
) -> None:
    was = row.status
    row.status = next_status(was, target)
    row.next_attempt_at, row.dies_at = None, None
    if target is RequestStatus.EXPIRED and row.extended_asked and row.extended_sealed is None:
        row.flags = [*row.flags, Flag.ABANDONED.value]
    await ports.trail.record(
        session,
        event=event,
        at=now,
        who=None,
        fields={
            "check_id": str(row.id),
            "of_person": str(row.person_id),
            "was": was.value,
            "drawn": row.extended_asked,
            "flags": list(row.flags),
            "attempts": row.attempts,
        },
    )
