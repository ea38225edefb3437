"""Earlier penalties of a person: our own records, and what the register named in the check."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from fines import models, repository
from fines.rules.offence_record import OffenceStatus
from fines.rules.proceedings import HAS_TERM, DecidedPenalty
from fines.rules.repeat import Prior, PriorSource, parse_citation
from fines.service.desk import Desk
from fines.service.facts import CheckedPerson
from fines.service.people import index_of

_RECORDS_MAX = 500


async def priors_of(desk: Desk, session: AsyncSession, person: CheckedPerson) -> list[Prior]:
    """Return the earlier penalties of a person, newest first.

    Imposed is: a receipt paid in its seven days (article 811(2)), a warning, a decision in force
    whatever its penalty. An arrest and a loss of the licence are executed when their term ends.
    A record still open imposes nothing. What the register names is not executed yet.
    """
    rows = await repository.records_of_person(
        session, offender_index=index_of(desk, person.iin), limit=_RECORDS_MAX
    )
    own: list[Prior] = []
    numbers: set[str] = set()
    for record, case, paid_at in rows:
        numbers.add(record.number)
        if case is not None and case.decision_number is not None:
            numbers.add(case.decision_number)
        prior = _of_record(record, case, None if paid_at is None else law_date(paid_at))
        if prior is not None:
            own.append(prior)
    found = [*own, *_of_register(person, numbers)]
    return sorted(found, key=lambda one: one.imposed_on, reverse=True)


def _of_record(
    record: models.OffenceRecord, course: models.OrdinaryCase | None, paid_on: date | None
) -> Prior | None:
    match record.status:
        case OffenceStatus.WARNED:
            warned_on = law_date(record.drawn_up_at)
            return _prior(record, imposed_on=warned_on, executed_on=warned_on)
        case OffenceStatus.PAID_HALF if record.receipt_issued_at is not None:
            issued_on = law_date(record.receipt_issued_at)
            return _prior(record, imposed_on=issued_on, executed_on=paid_on)
        case OffenceStatus.ORDINARY | OffenceStatus.ENFORCEMENT | OffenceStatus.PAID_FULL:
            return _of_decision(record, course, paid_on)
        case _:
            return None


def _of_decision(
    record: models.OffenceRecord, course: models.OrdinaryCase | None, paid_on: date | None
) -> Prior | None:
    if course is None or course.decided_on is None or course.in_force_on is None:
        return None
    if course.suspended or course.cancelled:
        return None
    ends = course.term_ends_on
    executed: date | None
    match course.penalty:
        case DecidedPenalty.NONE:
            return None
        case DecidedPenalty.WARNING:
            executed = course.in_force_on
        case one if one in HAS_TERM and not course.fine_tiyn:
            executed = ends
        case DecidedPenalty.LICENCE_LOSS:  # beside a fine: executed with the later of the two
            executed = None if paid_on is None or ends is None else max(paid_on, ends)
        case _:
            if not course.fine_tiyn:
                return None  # from before penalties were entered: what was imposed is not known
            executed = paid_on
    return _prior(record, imposed_on=course.decided_on, executed_on=executed, term_ends_on=ends)


def _prior(
    record: models.OffenceRecord,
    *,
    imposed_on: date,
    executed_on: date | None,
    term_ends_on: date | None = None,
) -> Prior:
    return Prior(
        article=record.article,
        part=record.part,
        imposed_on=imposed_on,
        executed_on=executed_on,
        source=PriorSource.OWN,
        number=record.number,
        term_ends_on=term_ends_on,
    )


def _of_register(person: CheckedPerson, known: set[str]) -> list[Prior]:
    found = []
    for fine in person.fines or ():
        cited = parse_citation(fine.article)
        if cited is None or fine.decision_number in known:
            continue
        found.append(
            Prior(
                article=cited[0],
                part=cited[1],
                imposed_on=fine.decided_on,
                executed_on=None,
                source=PriorSource.REGISTER,
                number=fine.decision_number,
            )
        )
    return found
