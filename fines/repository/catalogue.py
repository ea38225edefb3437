"""Statements about the catalogue and the monthly calculation index."""

from collections.abc import Iterable
from datetime import date
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.catalogue import Article, Jurisdiction, Mrp, Origin, Penalty, SubjectKind

_CATALOGUE_COLUMNS: Final = (
    "valid_to",
    "penalties",
    "mrp_count",
    "jurisdiction",
    "title_kk",
    "title_ru",
    "source",
    "verified",
    "mrp_of_others",
    "repeat_of",
    "repeat_window",
    "origin",
)


async def put_articles(session: AsyncSession, rows: Iterable[Article], *, origin: Origin) -> None:
    """Insert or update catalogue rows by article, part and first day.

    What a release ships never overwrites what was imported here.
    """
    values = [
        {
            "id": uuid4(),
            "article": one.article,
            "part": one.part,
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "penalties": sorted(penalty.value for penalty in one.penalties),
            "mrp_count": one.mrp_count,
            "jurisdiction": one.jurisdiction,
            "title_kk": one.title_kk,
            "title_ru": one.title_ru,
            "source": one.source,
            "verified": one.verified,
            "mrp_of_others": {kind.value: count for kind, count in one.mrp_of_others.items()},
            "repeat_of": sorted(one.repeat_of),
            "repeat_window": one.repeat_window,
            "origin": origin,
        }
        for one in rows
    ]
    if not values:
        return
    statement = insert(models.OffenceArticle)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["article", "part", "valid_from"],
            set_={name: statement.excluded[name] for name in _CATALOGUE_COLUMNS},
            where=_not_over_imports(models.OffenceArticle.origin, origin),
        ),
        values,
    )


def _not_over_imports(
    column: sa.orm.InstrumentedAttribute[Origin], origin: Origin
) -> sa.ColumnElement[bool] | None:
    return column == Origin.SHIPPED if origin is Origin.SHIPPED else None


async def put_mrp(session: AsyncSession, rows: Iterable[Mrp], *, origin: Origin) -> None:
    """Insert or update index values by their first day; as with articles."""
    statement = insert(models.MrpValue)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["valid_from"],
            set_={
                name: statement.excluded[name] for name in ("tenge", "source", "verified", "origin")
            },
            where=_not_over_imports(models.MrpValue.origin, origin),
        ),
        [
            {
                "valid_from": one.valid_from,
                "tenge": one.tenge,
                "source": one.source,
                "verified": one.verified,
                "origin": origin,
            }
            for one in rows
        ],
    )


async def articles(
    session: AsyncSession, *, article: str | None = None, part: str | None = None
) -> list[tuple[UUID, Article]]:
    """Return catalogue rows with their ids: all, those of an article, or of one part of it."""
    query = sa.select(models.OffenceArticle).order_by(
        models.OffenceArticle.article, models.OffenceArticle.part, models.OffenceArticle.valid_from
    )
    if article is not None:
        query = query.where(models.OffenceArticle.article == article)
    if part is not None:
        query = query.where(models.OffenceArticle.part == part)
    return [(row.id, _article(row)) for row in await session.scalars(query)]


def _article(row: models.OffenceArticle) -> Article:
    return Article(
        article=row.article,
        part=row.part,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        penalties=frozenset(Penalty(one) for one in row.penalties),
        mrp_count=row.mrp_count,
        jurisdiction=Jurisdiction(row.jurisdiction),
        title_kk=row.title_kk,
        title_ru=row.title_ru,
        source=row.source,
        verified=row.verified,
        mrp_of_others={SubjectKind(kind): count for kind, count in row.mrp_of_others.items()},
        repeat_of=frozenset(row.repeat_of),
        repeat_window=row.repeat_window,
    )


async def article_by_id(session: AsyncSession, article_id: UUID) -> Article:
    """Return the row a record was drawn up by."""
    return _article(await session.get_one(models.OffenceArticle, article_id))


async def articles_in_use(session: AsyncSession) -> dict[object, date]:
    """Return the rows that records rest on, with the last day one of them happened."""
    last = sa.func.max(sa.func.timezone("Asia/Almaty", models.OffenceRecord.occurred_at))
    found = await session.execute(
        sa.select(
            models.OffenceArticle.article,
            models.OffenceArticle.part,
            models.OffenceArticle.valid_from,
            last,
        )
        .join(models.OffenceRecord, models.OffenceRecord.article_id == models.OffenceArticle.id)
        .group_by(models.OffenceArticle.id)
    )
    return {(article, part, first): used.date() for article, part, first, used in found}


async def all_mrp_values(session: AsyncSession) -> list[Mrp]:
    """Return every value of the index, oldest first."""
    return sorted(await mrp_values(session, until=date.max), key=lambda one: one.valid_from)


async def mrp_values(session: AsyncSession, *, until: date) -> list[Mrp]:
    """Return the index values that begin on or before ``until``."""
    query = sa.select(models.MrpValue).where(models.MrpValue.valid_from <= until)
    return [
        Mrp(valid_from=row.valid_from, tenge=row.tenge, source=row.source, verified=row.verified)
        for row in await session.scalars(query)
    ]
