"""Money for tests: days of paid fines, settlement files of them, finance clerks."""

from datetime import UTC, date, datetime

import sqlalchemy as sa

from app.db import transaction
from app.identity.models import Person, Post
from benchmarks.money_rows import put_day, rows_of
from fines import models
from fines.api import make_desk
from fines.service.reconciling import import_settlement
from fines.wire import settlement
from sim.district import OFFICER

DAY = date(2026, 11, 18)  # a Wednesday without holidays around it
SETTLED_ON = date(2026, 11, 19)
IN_TIME = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
AFTER_T2 = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def desk_of(parts):
    return make_desk(
        sessions=parts.sessions, trail=parts.trail, keys=parts.keys, settings=parts.settings
    )


async def paid_day(parts, *, count, day=DAY, settlement_date=SETTLED_ON):
    """Put a day of payments into the tables; return the honest acquirer's rows."""
    async with transaction(parts.sessions) as session:
        post = await session.scalar(
            sa.select(Post)
            .join(Person, Person.id == Post.person_id)
            .where(Person.iin == OFFICER.iin)
        )
    async with parts.direct.connection() as connection:
        numbers = await put_day(
            connection,
            day=day,
            count=count,
            department_id=post.department_id,
            post_id=post.id,
        )
        return await rows_of(connection, numbers=numbers, settlement_date=settlement_date)


async def import_rows(parts, rows, *, now=IN_TIME, caller=None):
    return await import_settlement(
        desk_of(parts), content=settlement.write(rows), caller=caller, now=now
    )


async def verdicts(sessions, **where):
    """Return how many items there are of each verdict."""
    item = models.ReconciliationItem
    query = sa.select(item.verdict, sa.func.count()).group_by(item.verdict)
    for name, value in ({"source": "acquirer"} | where).items():
        query = query.where(getattr(item, name) == value)
    async with transaction(sessions) as session:
        return dict((await session.execute(query)).all())
