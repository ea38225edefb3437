"""What the law makes of an act: the row that applies, whether it is a repeat, the penalty."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from fines import repository
from fines.errors import AdmissionNotStated, WarningNotAllowed, WarningRequired
from fines.errors.proceedings import RepeatFound, RepeatNotFound
from fines.rules import catalogue
from fines.rules.offence_record import PenaltyChosen
from fines.rules.repeat import Prior, aggravating_prior, repeat_of, rests_on
from fines.service.desk import Desk
from fines.service.facts import CheckedPerson
from fines.service.history import priors_of
from fines.service.offence import NewOffence

# A repeat, or light harm: the part stands without an earlier penalty too.
_REPEAT_OR_HARM: Final = frozenset({("610", "2")})


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The row of the catalogue, the penalty, and the earlier penalties they rest on.

    ``warned`` says that the warning is given on the spot, without a record (article 807).
    ``mrp_count`` is the fine, ``None`` where none is imposed.
    """

    article_id: UUID
    row: catalogue.Article
    warned: bool
    mrp_count: int | None
    reduced: catalogue.ReducedReason
    repeat: Prior | None
    aggravating: Prior | None


async def choose(
    desk: Desk, session: AsyncSession, *, offence: NewOffence, person: CheckedPerson
) -> Chosen:
    """Return what the law makes of the act.

    Raises:
        ArticleNotInForce: the catalogue has no such row on the day of the offence.
        RepeatFound: a plain part, and an earlier penalty makes it the qualified one.
        RepeatNotFound: a qualified part, and no earlier penalty is known or named.
        WarningRequired, WarningNotAllowed: article 43(2).
        AdmissionNotStated: article 807.
        AmountNotSingle, SubjectNotInSanction: the sanction has no fine for him.
    """
    day = law_date(offence.occurred_at)
    rows = await repository.articles(session, article=offence.article)
    in_force = [(row_id, row) for row_id, row in rows if row.in_force(day)]
    row = catalogue.article_in_force(
        (one for _, one in in_force), article=offence.article, part=offence.part, day=day
    )
    priors = await priors_of(desk, session, person)
    found = repeat_of(part=offence.part, rows=(one for _, one in in_force), priors=priors, day=day)
    if found is not None:
        raise RepeatFound(
            f"an earlier penalty makes it {found.article.citation}",
            part=found.article.part,
            earlier=found.prior.number,
            source=found.prior.source.value,
        )
    repeat = rests_on(row, priors=priors, day=day)
    if _is_repeat_alone(row) and repeat is None and not offence.earlier_decision:
        raise RepeatNotFound(f"{row.citation} needs an earlier penalty")
    aggravating = aggravating_prior(article=row.article, priors=priors, day=day)
    penalty = _penalty(offence, row, aggravated=aggravating is not None)
    return Chosen(
        article_id=next(row_id for row_id, one in in_force if one == row),
        row=row,
        warned=penalty is PenaltyChosen.WARNING and offence.admits is True,
        mrp_count=_mrp_count(offence, row, penalty),
        reduced=catalogue.ReducedReason.WARNING_NOT_ADMITTED
        if penalty is PenaltyChosen.WARNING and not offence.admits
        else catalogue.reduced_eligibility(
            row, offender_has_immunity=offence.offender_has_immunity
        ),
        repeat=repeat,
        aggravating=aggravating,
    )


def _is_repeat_alone(row: catalogue.Article) -> bool:
    return bool(row.repeat_of) and (row.article, row.part) not in _REPEAT_OR_HARM


def _penalty(offence: NewOffence, row: catalogue.Article, *, aggravated: bool) -> PenaltyChosen:
    """Return the penalty: a warning where the law demands it and the officer names none."""
    must_warn = row.warning_allowed and not aggravated and not offence.aggravating.strip()
    penalty = offence.penalty
    if penalty is None:
        penalty = PenaltyChosen.WARNING if must_warn else PenaltyChosen.FINE
    if penalty is PenaltyChosen.WARNING and not row.warning_allowed:
        raise WarningNotAllowed(f"the sanction of {row.citation} holds no warning")
    if penalty is PenaltyChosen.FINE and must_warn:
        raise WarningRequired(f"the sanction of {row.citation} holds a warning")
    if penalty is PenaltyChosen.WARNING and offence.admits is None:
        raise AdmissionNotStated("a warning needs to be told whether the person admits")
    return penalty


def _mrp_count(offence: NewOffence, row: catalogue.Article, penalty: PenaltyChosen) -> int | None:
    if penalty is PenaltyChosen.WARNING or catalogue.Penalty.FINE not in row.penalties:
        return None
    return catalogue.mrp_count_of(row, acted_as=offence.acted_as)
