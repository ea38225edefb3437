"""Loading and reading the offence catalogue and the index."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from fines import repository
from fines.rules import catalogue

_FOLDER = Path(__file__).parent.parent / "catalogue"


def shipped_articles() -> tuple[catalogue.Article, ...]:
    """Return the catalogue that this release ships."""
    with (_FOLDER / "articles.csv").open(encoding="utf-8", newline="") as lines:
        return catalogue.parse_articles(lines)


def shipped_mrp() -> tuple[catalogue.Mrp, ...]:
    """Return the index values that this release ships."""
    with (_FOLDER / "mrp.csv").open(encoding="utf-8", newline="") as lines:
        return catalogue.parse_mrp(lines)


async def load_catalogue(session: AsyncSession, now: datetime) -> int:
    """Bring the tables to what this release ships; repeatable. Return the rows in force now.

    Records keep the sums they were drawn up with: a corrected row changes none of them.

    Raises:
        CatalogueNotValid: a file is not well formed; nothing was loaded.
    """
    articles = shipped_articles()
    await repository.put_articles(session, articles, origin=catalogue.Origin.SHIPPED)
    await repository.put_mrp(session, shipped_mrp(), origin=catalogue.Origin.SHIPPED)
    return sum(one.in_force(law_date(now)) for one in articles)


async def articles_in_force(session: AsyncSession, *, now: datetime) -> list[dict[str, object]]:
    """Return the catalogue of the day, for the tablet's list, with the sums it leads to."""
    day = law_date(now)
    mrp = catalogue.mrp_in_force(await repository.mrp_values(session, until=day), day=day)
    return [
        {
            "article": row.article,
            "part": row.part,
            "title_kk": row.title_kk,
            "title_ru": row.title_ru,
            "mrp_count": row.mrp_count,
            "mrp_of_others": {kind.value: count for kind, count in row.mrp_of_others.items()},
            "mrp_tenge": mrp.tenge,
            "warning_allowed": row.warning_allowed,
            "reduced_reason": catalogue.reduced_eligibility(row).value,
            "jurisdiction": row.jurisdiction.value,
            "verified": row.verified and mrp.verified,
        }
        for _, row in await repository.articles(session)
        if row.in_force(day)
    ]
