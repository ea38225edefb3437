"""The offence catalogue and the monthly calculation index (MRP): dated rows, read from files.

Offence code (KoAP) articles 44, 57, 590-613, 810.
"""

import csv
import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from fines.errors import (
    AmountNotSingle,
    ArticleNotInForce,
    CatalogueNotValid,
    MrpNotKnown,
    SubjectNotInSanction,
)

_PERSON_MRP_MAX = 200  # article 44(2): a natural person


class Penalty(enum.Enum):
    """A kind of penalty that a sanction can hold (article 41)."""

    WARNING = "warning"
    FINE = "fine"
    LICENCE_LOSS = "licence_loss"
    ARREST = "arrest"
    CONFISCATION = "confiscation"
    PUBLIC_WORKS = "public_works"


class SubjectKind(enum.Enum):
    """Whom a sanction names beside natural persons (article 44(2))."""

    OFFICIAL = "official"
    SMALL_BUSINESS = "small"
    MEDIUM_BUSINESS = "medium"
    LARGE_BUSINESS = "large"


_MRP_MAX: Mapping[SubjectKind, int] = MappingProxyType(
    {
        SubjectKind.OFFICIAL: 750,
        SubjectKind.SMALL_BUSINESS: 750,
        SubjectKind.MEDIUM_BUSINESS: 1000,
        SubjectKind.LARGE_BUSINESS: 2000,
    }
)


class RepeatWindow(enum.Enum):
    """From when the year runs in which the same act again is the qualified part."""

    IMPOSED = "imposed"  # after the penalty was imposed
    TERM_EXPIRED = "term_expired"  # after the term of the penalty expired (article 608)


class Origin(enum.Enum):
    """Who entered a dated row. A release never overwrites what was imported here."""

    SHIPPED = "shipped"
    IMPORTED = "imported"


class Jurisdiction(enum.Enum):
    """Who decides the case in ordinary proceedings."""

    POLICE = "police"
    COURT = "court"


class ReducedReason(enum.Enum):
    """Why reduced proceedings apply or not (article 810)."""

    ELIGIBLE = "eligible"
    NO_FINE_IN_SANCTION = "no_fine_in_sanction"  # 810(1): the penalty must be an MRP fine
    OTHER_PENALTY_IN_SANCTION = "other_penalty_in_sanction"  # 810(2)1
    IMMUNITY = "immunity"  # 810(2)3
    WARNING_NOT_ADMITTED = "warning_not_admitted"  # 807, 810(1): a warning, but he does not admit


@dataclass(frozen=True, kw_only=True)
class Article:
    """One row: a sanction and the days it is in force.

    ``valid_to`` is the last day, or ``None``. ``mrp_count`` is the natural person's, ``None``
    where the sanction has no fine for one. ``repeat_of`` are the parts of the same article whose
    repeat this part is, counted by ``repeat_window``. ``verified`` is ``False`` until somebody
    has read the act itself.
    """

    article: str
    part: str
    valid_from: date
    valid_to: date | None
    penalties: frozenset[Penalty]
    mrp_count: int | None
    jurisdiction: Jurisdiction
    title_kk: str
    title_ru: str
    source: str
    verified: bool
    mrp_of_others: Mapping[SubjectKind, int] = field(default_factory=dict)
    repeat_of: frozenset[str] = frozenset()
    repeat_window: RepeatWindow | None = None

    def in_force(self, day: date) -> bool:
        """Return whether the row is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def warning_allowed(self) -> bool:
        """Whether the sanction holds a warning."""
        return Penalty.WARNING in self.penalties

    @property
    def citation(self) -> str:
        """The article as it is written on papers: ``592(2)``."""
        return f"{self.article}({self.part})" if self.part else self.article


@dataclass(frozen=True, kw_only=True)
class Mrp:
    """The index from a day on, in whole tenge."""

    valid_from: date
    tenge: int
    source: str
    verified: bool


def article_in_force(rows: Iterable[Article], *, article: str, part: str, day: date) -> Article:
    """Return the row of ``article`` and ``part`` on ``day``: the day of the offence.

    Raises:
        ArticleNotInForce: there is none.
    """
    for row in rows:
        if row.article == article and row.part == part and row.in_force(day):
            return row
    raise ArticleNotInForce("no such article on that day", article=article, part=part)


def mrp_in_force(values: Iterable[Mrp], *, day: date) -> Mrp:
    """Return the index on ``day``: the day the case is started (article 44(1)).

    The budget law of each year sets it, so last year's value never runs on into the next.

    Raises:
        MrpNotKnown: none is entered for that year by that day.
    """
    earlier = [one for one in values if one.valid_from <= day and one.valid_from.year == day.year]
    if not earlier:
        raise MrpNotKnown(f"no index is entered for {day}")
    return max(earlier, key=lambda one: one.valid_from)


def mrp_count_of(row: Article, *, acted_as: SubjectKind | None = None) -> int:
    """Return the number of MRP in the sanction, for a natural person or as what he acted.

    Raises:
        AmountNotSingle: the sanction holds no fine for a natural person.
        SubjectNotInSanction: it names no fine of its own for ``acted_as``.
    """
    count = row.mrp_count if acted_as is None else row.mrp_of_others.get(acted_as)
    if count is not None:
        return count
    named = sorted(kind.value for kind in row.mrp_of_others)
    if acted_as is not None:
        raise SubjectNotInSanction(
            f"the sanction of {row.citation} does not name {acted_as.value}", named=named
        )
    raise AmountNotSingle(
        f"the sanction of {row.citation} holds no fine for a natural person", named=named
    )


def reduced_eligibility(row: Article, *, offender_has_immunity: bool = False) -> ReducedReason:
    """Return ``ELIGIBLE``, or the first reason of article 810 against it."""
    if row.penalties - {Penalty.FINE, Penalty.WARNING}:
        return ReducedReason.OTHER_PENALTY_IN_SANCTION
    if Penalty.FINE not in row.penalties:
        return ReducedReason.NO_FINE_IN_SANCTION
    if offender_has_immunity:
        return ReducedReason.IMMUNITY
    return ReducedReason.ELIGIBLE


def parse_articles(lines: Iterable[str]) -> tuple[Article, ...]:
    """Return the rows of ``articles.csv``.

    Raises:
        CatalogueNotValid: a line has another form, or two rows of one part overlap in time.
    """
    rows: list[Article] = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            rows.append(_article(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CatalogueNotValid(f"articles.csv: line {number} is not well formed") from error
    refuse_overlaps(rows)
    return tuple(rows)


def _article(row: dict[str, str]) -> Article:
    count = int(row["mrp"]) if row["mrp"] else None
    others = {kind: int(text) for kind in SubjectKind if (text := row[f"mrp_{kind.value}"])}
    if count is not None and not 1 <= count <= _PERSON_MRP_MAX:
        raise ValueError("mrp")
    if any(not 1 <= value <= _MRP_MAX[kind] for kind, value in others.items()):
        raise ValueError("mrp of others")
    penalties = frozenset(Penalty(one) for one in row["penalties"].split())
    if not penalties or ((count or others) and Penalty.FINE not in penalties):
        raise ValueError("penalties")
    repeat_of = frozenset(row["repeat_of"].split())
    window = RepeatWindow(row["repeat_window"]) if row["repeat_window"] else None
    if bool(repeat_of) != (window is not None) or row["part"] in repeat_of:
        raise ValueError("repeat")
    one = Article(
        article=row["article"],
        part=row["part"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        penalties=penalties,
        mrp_count=count,
        jurisdiction=Jurisdiction(row["jurisdiction"]),
        title_kk=row["title_kk"],
        title_ru=row["title_ru"],
        source=row["source"],
        verified={"yes": True, "no": False}[row["verified"]],
        mrp_of_others=others,
        repeat_of=repeat_of,
        repeat_window=window,
    )
    # What the file says of reduced proceedings is what article 810 says of its sanction.
    if row["reduced"] != reduced_eligibility(one).value:
        raise ValueError("reduced")
    return one


def refuse_overlaps(rows: Sequence[Article]) -> None:
    """Pass if no two rows of one part are in force on one day.

    Raises:
        CatalogueNotValid: two are.
    """
    ordered = sorted(rows, key=lambda one: (one.article, one.part, one.valid_from))
    for one, following in itertools.pairwise(ordered):
        same = (one.article, one.part) == (following.article, following.part)
        if same and one.in_force(following.valid_from):
            raise CatalogueNotValid(f"articles.csv: rows of {one.citation} overlap")


def parse_mrp(lines: Iterable[str]) -> tuple[Mrp, ...]:
    """Return the rows of ``mrp.csv``.

    Raises:
        CatalogueNotValid: a line has another form, or a day stands twice.
    """
    rows: dict[date, Mrp] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            one = Mrp(
                valid_from=date.fromisoformat(row["valid_from"]),
                tenge=int(row["tenge"]),
                source=row["source"],
                verified={"yes": True, "no": False}[row["verified"]],
            )
        except (KeyError, ValueError) as error:
            raise CatalogueNotValid(f"mrp.csv: line {number} is not well formed") from error
        if one.tenge <= 0 or one.valid_from in rows:
            raise CatalogueNotValid(f"mrp.csv: line {number} repeats a day or has no value")
        rows[one.valid_from] = one
    return tuple(rows.values())
