"""Earlier penalties of a person: our own records, and what the register named in the check."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from fines import models, repository
from fines.rules.offence_record import OffenceStatus
from fines.rules.proceedings import CourseStage
from fines.rules.repeat import Prior, PriorSource, parse_citation
from fines.service.desk import Desk
from fines.service.facts import CheckedPerson
from fines.service.people import index_of

_RECORDS_MAX = 500


async def priors_of(desk: Desk, session: AsyncSession, person: CheckedPerson) -> list[Prior]:
    """Return the earlier penalties of a person, newest first.

    Imposed is: a receipt paid in its seven days (article 811(2)), a warning, a decision in force.
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
        prior = _of_record(record, case)
        if prior is not None:
            executed = law_date(paid_at) if paid_at is not None else prior.executed_on
            own.append(
                Prior(
                    article=prior.article,
                    part=prior.part,
                    imposed_on=prior.imposed_on,
                    executed_on=executed,
                    source=prior.source,
                    number=prior.number,
                )
            )
    found = [*own, *_of_register(person, numbers)]
    return sorted(found, key=lambda one: one.imposed_on, reverse=True)


def _of_record(record: models.OffenceRecord, course: models.OrdinaryCase | None) -> Prior | None:
    imposed = executed = None
    match record.status:
        case OffenceStatus.WARNED:
            imposed = executed = law_date(record.drawn_up_at)
        case OffenceStatus.PAID_HALF if record.receipt_issued_at is not None:
            imposed = law_date(record.receipt_issued_at)
        case OffenceStatus.ORDINARY | OffenceStatus.ENFORCEMENT | OffenceStatus.PAID_FULL:
            stands = course is not None and course.fine_tiyn and not course.suspended
            if course is not None and stands and course.in_force_on is not None:
                unpaid_end = record.status is not OffenceStatus.PAID_FULL
                if course.stage is CourseStage.CLOSED and unpaid_end:
                    return None  # cancelled on appeal
                imposed = course.decided_on
        case _:
            return None
    if imposed is None:
        return None
    return Prior(
        article=record.article,
        part=record.part,
        imposed_on=imposed,
        executed_on=executed,
        source=PriorSource.OWN,
        number=record.number,
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
