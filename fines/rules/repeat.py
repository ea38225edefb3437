"""Repeats: the same act again is a qualified part; a recent penalty is an aggravation.

Two windows, offence code articles 57, 61 and the traffic articles themselves: a qualified part
counts a year from the day the penalty was imposed (article 608 from the day its term expired);
general aggravation counts a year from the end of its execution.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from fines.rules.catalogue import Article, RepeatWindow


class PriorSource(enum.Enum):
    """Where we know of an earlier penalty from."""

    OWN = "own"
    REGISTER = "register"


@dataclass(frozen=True, kw_only=True)
class Prior:
    """An earlier penalty. ``executed_on`` is ``None`` while it is not executed.

    ``term_ends_on`` is the last day of a penalty that has a term, as arrest and loss of the
    licence have.
    """

    article: str
    part: str
    imposed_on: date
    executed_on: date | None
    source: PriorSource
    number: str
    term_ends_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """The qualified part that applies, and the earlier penalty it rests on."""

    article: Article
    prior: Prior


def repeat_of(
    *, part: str, rows: Iterable[Article], priors: Sequence[Prior], day: date
) -> Repeat | None:
    """Return the qualified part that an act of ``part`` on ``day`` is, if it is a repeat.

    ``rows`` are those of the article in force that day. Only an earlier penalty for the same part,
    or for the qualified part itself, makes the act a repeat: the narrow reading, in favour of the
    person, where the article lists several parts.
    """
    for row in rows:
        if part not in row.repeat_of or row.repeat_window is None:
            continue
        for prior in priors:
            same = prior.article == row.article and prior.part in {part, row.part}
            if same and _within(row.repeat_window, prior, day):
                return Repeat(article=row, prior=prior)
    return None


def rests_on(row: Article, *, priors: Sequence[Prior], day: date) -> Prior | None:
    """Return the earlier penalty that a qualified part chosen by the officer rests on."""
    if row.repeat_window is None:
        return None
    parts = row.repeat_of | {row.part}
    for prior in priors:
        same = prior.article == row.article and prior.part in parts
        if same and _within(row.repeat_window, prior, day):
            return prior
    return None


def aggravating_prior(*, article: str, priors: Sequence[Prior], day: date) -> Prior | None:
    """Return an earlier penalty of the same article that aggravates (articles 57(1), 61).

    The person counts as punished until a year after the end of execution.
    """
    for prior in priors:
        if prior.article != article or prior.imposed_on > day:
            continue
        if prior.executed_on is None or day <= year_after(prior.executed_on):
            return prior
    return None


def year_after(day: date) -> date:
    """Return the last day of the year that begins with ``day``: the same date a year on."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


def parse_citation(text: str) -> tuple[str, str] | None:
    """Return article and part of ``592(2)``, or ``None`` where a register writes otherwise."""
    article, bracket, rest = text.strip().partition("(")
    if not article or (bracket and not rest.endswith(")")):
        return None
    return article.strip(), rest.removesuffix(")").strip()


def _within(window: RepeatWindow, prior: Prior, day: date) -> bool:
    match window:
        case RepeatWindow.IMPOSED:
            begin = prior.imposed_on
        case RepeatWindow.TERM_EXPIRED:
            # While its term still runs the year has not begun, and the act is a repeat already.
            begin = prior.term_ends_on or prior.executed_on or day
    return prior.imposed_on <= day <= year_after(begin)
