"""Dated law from a file: checked, shown as a difference, applied on demand, kept by releases."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from app.calendar.errors import CalendarNotValid
from app.calendar.service import load_calendar, special_days
from app.db import transaction
from fines import repository
from fines.errors import CatalogueNotValid
from fines.models import OffenceArticle
from fines.service import load_catalogue
from fines.service.catalogue_import import apply_difference, read_difference, unverified
from tests import factories_fines as make
from tests.api.test_offence_records import events

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ARTICLES = "fines/catalogue/articles.csv"
MRP = "valid_from,tenge,source,verified\n"
DAYS = "day,kind,name_kk,name_ru,source,verified\n"


@pytest.fixture
async def entered(sessions):
    await make.district_with_catalogue(sessions)


def shipped(**changes):
    """Return the shipped row of 592(2), changed, as a file; ``also`` is a second row."""
    with open(ARTICLES, encoding="utf-8", newline="") as file:  # noqa: PTH123 - a test's own read
        rows = list(csv.DictReader(file))
    row = next(one for one in rows if (one["article"], one["part"]) == ("592", "2"))
    also = changes.pop("also", None)
    written = io.StringIO()
    writer = csv.DictWriter(written, row, lineterminator="\n")
    writer.writeheader()
    writer.writerow(row | changes)
    if also is not None:
        writer.writerow(row | also)
    return written.getvalue()


async def shown(sessions, text):
    async with transaction(sessions) as session:
        return await read_difference(session, text=text)


async def applied(sessions, parts, text):
    async with transaction(sessions) as session:
        difference = await read_difference(session, text=text)
        await apply_difference(session, difference, trail=parts.trail, now=NOW)
    return difference


@pytest.mark.usefixtures("entered")
async def test_the_shipped_file_differs_in_nothing(sessions):
    with open(ARTICLES, encoding="utf-8") as file:  # noqa: PTH123, ASYNC230 - a small file
        text = file.read()

    found = await shown(sessions, text)

    assert (found.lines, found.same) == ([], 93)


@pytest.mark.usefixtures("entered")
async def test_a_sanction_of_next_year_is_shown_and_then_entered(sessions, parts):
    text = shipped(
        valid_to="2026-12-31", also={"valid_from": "2027-01-01", "mrp": "12", "verified": "no"}
    )

    found = await shown(sessions, text)

    assert list(found.lines) == [
        "+ 592(2) from 2027-01-01: fine, 12 MRP, to none [not verified]",
        "~ 592(2) from 2026-07-01: valid_to: none -> 2026-12-31",
    ]
    async with transaction(sessions) as session:
        assert len(await repository.articles(session, article="592", part="2")) == 1
    await applied(sessions, parts, text)
    async with transaction(sessions) as session:
        rows = await repository.articles(session, article="592", part="2")
        doubted = await unverified(session)
    assert [row.mrp_count for _, row in rows] == [10, 12]
    assert date(2027, 1, 1) in {one.valid_from for one in doubted["articles"]}
    assert "fines.catalogue_imported" in await events(sessions)
    assert (await shown(sessions, text)).lines == []


@pytest.mark.usefixtures("entered")
async def test_a_release_never_overwrites_what_was_imported(sessions, parts):
    await applied(sessions, parts, shipped(title_ru="Иное название"))
    await applied(sessions, parts, MRP + "2026-01-01,4400,Поправка,no\n")
    await applied(sessions, parts, DAYS + "2026-12-18,day_off,а,Выходной,Указ,no\n")

    async with transaction(sessions) as session:
        await load_catalogue(session, NOW)
        await load_calendar(session)
        titles = (await session.scalars(sa.select(OffenceArticle.title_ru))).all()
        values = await repository.all_mrp_values(session)
        days = {one.day for one in await special_days(session)}

    assert "Иное название" in titles
    assert next(one for one in values if one.valid_from == date(2026, 1, 1)).tenge == 4400
    assert date(2026, 12, 18) in days


@pytest.mark.usefixtures("entered")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a,b\n1,2\n", CatalogueNotValid),
        ("", CatalogueNotValid),
        (MRP + "2027-01-01,-1,x,no\n", CatalogueNotValid),
        (MRP + "2027-01-01,4500,x,maybe\n", CatalogueNotValid),
        (DAYS + "2027-01-01,feast,а,а,а,no\n", CalendarNotValid),
        (DAYS + "2027-01-04,working_day,а,а,а,no\n", CalendarNotValid),  # a Monday
    ],
)
async def test_a_file_not_well_formed_changes_nothing(sessions, text, error):
    with pytest.raises(error):
        await shown(sessions, text)


@pytest.mark.usefixtures("entered")
async def test_rows_that_would_overlap_with_those_entered_are_refused(sessions):
    with pytest.raises(CatalogueNotValid, match="overlap"):
        await shown(sessions, shipped(valid_from="2026-09-01"))


@pytest.mark.usefixtures("entered")
@pytest.mark.parametrize(
    "changed",
    [
        {"mrp": "12"},
        {"penalties": "fine arrest", "reduced": "other_penalty_in_sanction"},
        {"valid_to": "2026-07-02"},
    ],
)
async def test_what_a_record_rests_on_is_never_changed(sessions, keys, client, changed):
    officer = await make.officer(sessions, client)
    await make.drawn_up(sessions, keys, officer)

    with pytest.raises(CatalogueNotValid, match=r"592\(2\)"):
        await shown(sessions, shipped(**changed))
    assert (await shown(sessions, shipped(verified="no"))).lines
