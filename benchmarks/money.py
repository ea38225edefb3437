"""The books and the reconciliation of a day of 10,000 payments, beside a short and a long past.

The same day is measured twice in the same run: with ten thousand rows behind it and with a
million (``SAQSHY_BENCH_MONEY_ROWS`` for another number). Cost per row must not grow with what
lies behind: at most 1.3 times.
"""

import asyncio
import contextlib
import os
import statistics
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app import keys as app_keys
from app.calendar.service import load_calendar
from app.clock import utc_now
from app.db import transaction
from app.parts import Parts, open_parts
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from app.settings import Settings
from benchmarks.figures import Figure
from benchmarks.money_rows import put_day, put_sent, rows_of, settle_day, working_days
from benchmarks.places import FOLDER, emptied
from fines import models
from fines.api import make_desk
from fines.rules.payment import PaymentStatus
from fines.rules.reconciliation_words import Verdict
from fines.service.bookkeeping import book_approval, book_confirmation
from fines.service.desk import Desk
from fines.service.reconciling import import_settlement
from fines.wire import settlement
from fines.wire.protocol import OwnerVerdict

_A_DAY: Final = 10_000
_ROUNDS: Final = 3
_PAYMENTS: Final = 300
_USER_TICKS: Final = 11  # of the fields after the name in /proc/PID/stat
_DEPARTMENT, _POST = UUID(int=1), UUID(int=2)


def measure() -> list[Figure]:
    """Reconcile days of 10,000 rows and book payments, with little and with much behind them."""
    folder = emptied(FOLDER / "money")
    postgres = EmbeddedPostgres(folder / "db")
    postgres.start()
    try:
        url = postgres.url("postgres")
        migrate.upgrade(database_url=url)
        app_keys.make_missing(folder / "keys")
        return asyncio.run(_measured(url, folder))
    finally:
        postgres.stop()


async def _measured(url: str, folder: Path) -> list[Figure]:
    settings = Settings(
        database_url=url,
        var_dir=folder / "var",
        keys_dir=folder / "keys",
        metrics_port=0,
        statement_timeout_seconds=600,
    )
    past = int(os.environ.get("SAQSHY_BENCH_MONEY_ROWS", "1000000"))
    days = iter(working_days(date(2026, 1, 12), 2 * _ROUNDS + 5))  # a year that is entered
    async with open_parts(settings) as parts:
        async with transaction(parts.sessions) as session:
            await load_calendar(session)
        desk = make_desk(
            sessions=parts.sessions, trail=parts.trail, keys=parts.keys, settings=settings
        )
        await _reconciled(parts, desk, next(days))  # the short past: 10,000 rows
        await _calmed(parts)
        await _reconciled(parts, desk, next(days))  # warm
        short = [await _reconciled(parts, desk, next(days)) for _ in range(_ROUNDS)]
        short_booked = await _booked(parts, desk)
        await _fill(parts, past)
        await _reconciled(parts, desk, next(days))
        long = [await _reconciled(parts, desk, next(days)) for _ in range(_ROUNDS)]
        long_booked = await _booked(parts, desk)
    return _figures(short, long, short_booked, long_booked, past)


@dataclass(frozen=True)
class _Took:
    """Seconds by the clock, and seconds of processor of this process and of PostgreSQL's."""

    wall: float
    processor: float


async def _processor(parts: Parts) -> float:
    """Return the seconds of processor that this process and PostgreSQL's connections have used."""
    async with parts.direct.connection() as connection:
        pids = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
    ticks = sum(_ticks(row[0]) for row in pids)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[_USER_TICKS]) + int(fields[_USER_TICKS + 1])
    return 0


async def _reconciled(parts: Parts, desk: Desk, day: date) -> _Took:
    """Return what a day's file takes, from bytes to committed."""
    async with parts.direct.connection() as connection:
        numbers = await put_day(
            connection, day=day, count=_A_DAY, department_id=_DEPARTMENT, post_id=_POST
        )
        settled_on = day + timedelta(days=1)
        rows = await rows_of(connection, numbers=numbers, settlement_date=settled_on)
        await connection.execute("ANALYZE payments, reconciliation_items")
    content = settlement.write(rows)
    now = datetime.combine(settled_on, datetime.min.time(), utc_now().tzinfo)
    used, began = await _processor(parts), time.perf_counter()
    done = await import_settlement(desk, content=content, caller=None, now=now)
    wall = time.perf_counter() - began
    took = _Took(wall, await _processor(parts) - used)
    if done.verdicts.get(Verdict.MATCHED) != _A_DAY:
        raise RuntimeError(f"an honest day must match whole: {done.verdicts}")
    return took


async def _booked(parts: Parts, desk: Desk) -> float:
    """Return the median milliseconds to book one payment: approved, then confirmed."""
    async with parts.direct.connection() as connection:
        numbers = await put_sent(
            connection, count=_PAYMENTS, department_id=_DEPARTMENT, post_id=_POST
        )
    took = []
    for number in numbers:
        began = time.perf_counter()
        async with transaction(desk.sessions) as session:
            payment = await _payment(session, number)
            payment.status = PaymentStatus.APPROVED
            payment.approved_at = now = utc_now()
            payment.rrn, payment.approval_code = uuid4().hex[:12], "A1B2C3"
            payment.owner_verdict = OwnerVerdict.MATCH
            await book_approval(session, payment, now=now)
        async with transaction(desk.sessions) as session:
            payment = await _payment(session, number)
            payment.confirmed_at = now
            await book_confirmation(session, payment, now=now)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


async def _payment(session: AsyncSession, number: int) -> models.Payment:
    found = await session.scalar(
        sa.select(models.Payment).where(models.Payment.number == number).with_for_update()
    )
    if found is None:
        raise RuntimeError(f"payment {number} was put here a moment ago")
    return found


async def _fill(parts: Parts, past: int) -> None:
    days = working_days(date(2017, 1, 9), past // _A_DAY)
    async with parts.direct.connection() as connection:
        for day in days:
            numbers = await put_day(
                connection, day=day, count=_A_DAY, department_id=_DEPARTMENT, post_id=_POST
            )
            await settle_day(connection, numbers=numbers, settlement_date=day + timedelta(days=1))
    await _calmed(parts)


async def _calmed(parts: Parts) -> None:
    """Leave the database as a quiet night would: a measure begins after it, short past or long."""
    async with parts.direct.connection() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
        await connection.execute("RESET statement_timeout")


def _figures(
    short: list[_Took], long: list[_Took], short_booked: float, long_booked: float, past: int
) -> list[Figure]:
    behind = f"{past:,} rows behind"
    return [
        Figure(
            name="money.reconcile_10000_rows",
            value=statistics.median(one.wall for one in long),
            unit="s",
            target="under 5 s",
            note=f"a settlement file of 10,000 rows from bytes to committed, {behind}: parsed, "
            "stored, paired, booked, settled, audited",
        ),
        Figure(
            name="money.reconcile_row",
            value=statistics.median(one.wall for one in long) / _A_DAY * 1e6,
            unit="µs",
            peer="with 10,000 rows behind",
            peer_value=statistics.median(one.wall for one in short) / _A_DAY * 1e6,
            target="at most 1.3 times",
            note=f"per row of a day of 10,000, {behind}",
        ),
        Figure(
            name="money.reconcile_row_cpu",
            value=statistics.median(one.processor for one in long) / _A_DAY * 1e6,
            unit="µs",
            peer="with 10,000 rows behind",
            peer_value=statistics.median(one.processor for one in short) / _A_DAY * 1e6,
            target="at most 1.3 times",
            note="the same in processor time of server and database, which others disturb less",
        ),
        Figure(
            name="money.book_payment",
            value=long_booked,
            unit="ms",
            peer="with 40,000 rows behind",
            peer_value=short_booked,
            target="at most 1.3 times",
            note=f"approval and confirmation of one payment in two transactions, {behind}",
        ),
    ]
