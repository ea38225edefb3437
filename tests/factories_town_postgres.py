"""The server of a simulated town as it is: the use cases of ``fines.service`` on PostgreSQL.

    with opened(database_url, keys, settings, seed=7) as store:
        town = PostgresTown(store, seed=7, payments=6, folder=folder)
        town.live()
        town.account()          # and the ledger, the acquirer's file and every constraint

Time, terminals, agents, lines and the acquirer are those of ``tests.factories_town``. Each call is
one step of virtual time, so no two transactions overlap. Ids follow from the seed as well: they go
over the cable, which doubles a byte of 10 hex, and so they move time and with it the weather.
"""

import asyncio
import contextlib
import io
import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
import sqlalchemy as sa
from PIL import Image

from app.access import DeviceKind, Principal
from app.audit.service import AuditTrail
from app.db import make_engine, make_sessions, transaction
from app.errors import DomainError
from fines import models, service
from fines.api import make_desk
from fines.repository import ledger
from fines.rules.offence_record import BEFORE_AGREEMENT, Language
from fines.rules.payment import OPEN_ORDERS, PaymentStatus
from fines.service.reconciling import import_settlement
from fines.wire.protocol import OrderKind, Reason
from fines.wire.slip import SlipKind
from sim.district import LATITUDE, LONGITUDE, OFFICER, PLACE, SECOND_OFFICER
from tests import factories_fines as make
from tests.factories_town import Town
from tests.factories_town_server import SALE_TIMEOUT, Refused

STAFF = (OFFICER, SECOND_OFFICER)
_ENDED = {
    PaymentStatus.FILED, PaymentStatus.SETTLED, PaymentStatus.DECLINED, PaymentStatus.REVERSED,
}  # fmt: skip


def terminal_number(place):
    """Return the number of the terminal that stands at a post of the town."""
    return f"{5250 + place:04d}{1000 + place:04d}"


@dataclass(frozen=True)
class SlipSeen:
    """A slip as its row is."""

    slip_id: UUID
    kind: SlipKind
    copy_number: int
    duplicate: int


@dataclass
class Seen:
    """A payment as its rows were after the last step."""

    payment_id: UUID
    record: str
    terminal: str
    amount_tiyn: int = 0
    status: PaymentStatus = PaymentStatus.CREATED
    reason: Reason = Reason.NONE
    confirmed: bool = False
    approval: object = None  # the row: it has the RRN and the trace number
    slips: list[SlipSeen] = field(default_factory=list)
    printed: set[UUID] = field(default_factory=set)


class Store:
    """A database with the district in it, reached from code that knows no event loop."""

    def __init__(self, database_url, keys, settings):
        self._runner = asyncio.Runner()
        self._engine = make_engine(database_url, pool_size=2)
        self.sessions = make_sessions(self._engine)
        self.keys = keys
        self.desk = replace(
            make_desk(
                sessions=self.sessions,
                trail=AuditTrail(subject_key=keys.subject),
                keys=keys,
                settings=settings,
            ),
            sale_timeout=SALE_TIMEOUT,
            read_card=False,
        )
        self.officers = self.run(self._furnished())

    def run(self, act):
        """Do ``act`` to its end."""
        return self._runner.run(act)

    def close(self):
        self.run(self._engine.dispose())
        self._runner.close()

    async def _furnished(self):
        await make.district_with_catalogue(self.sessions)
        return {
            terminal_number(place): await make.officer(
                self.sessions, None, staff, terminal_number=terminal_number(place)
            )
            for place, staff in enumerate(STAFF)
        }


@contextlib.contextmanager
def opened(database_url, keys, settings, *, seed):
    """Yield the store of one simulated day; until it closes each new id follows from ``seed``."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(uuid, "os", SimpleNamespace(urandom=random.Random(seed).randbytes))
        store = Store(database_url, keys, settings)
        try:
            yield store
        finally:
            store.close()


class PostgresServer:
    """What ``TownServer`` is to a town, over the real use cases."""

    def __init__(self, store, *, now, wake):
        self._store, self._now, self._wake = store, now, wake
        self.payments: dict[UUID, Seen] = {}
        self._records: dict[str, tuple[UUID, str]] = {}
        self._targets: dict[str, service.Target] = {}
        self._known_orders: set[UUID] = set()
        self._open_kinds: list[OrderKind] = []

    # ------------------------------------------------------------------ the officer

    def pay(self, *, record, terminal, key, **_played):
        return self._step(self._pay(record, terminal, key))

    async def _pay(self, record, terminal, key):
        caller = self._officer(terminal)
        if key not in self._targets:
            self._targets[key] = await self._target(record, terminal, caller)
        begun = await service.pay_by_card(
            self._store.desk,
            caller=caller,
            target=self._targets[key],
            idempotency_key=key,
            now=self._now(),
        )
        payment_id = begun["payment_id"]
        return self.payments.setdefault(payment_id, Seen(payment_id, record, terminal))

    async def _target(self, record, terminal, caller):
        """Return the record as something to pay; whoever comes first draws it up."""
        desk, now = self._store.desk, self._now()
        check_id = await make.check(
            self._store.sessions,
            self._store.keys,
            self._store.officers[terminal],
            ago=datetime.now(UTC) - now,
        )
        if record not in self._records:
            drawn_up = await service.draw_up(
                desk,
                caller=caller,
                offence=service.NewOffence(
                    check_id=check_id,
                    occurred_at=now - timedelta(minutes=1),
                    place=PLACE,
                    latitude=LATITUDE,
                    longitude=LONGITUDE,
                    language=Language.KK,
                    essence="тоқтау ережесін бұзды",
                    rights_explained=True,
                    **make.PLAIN,
                ),
                now=now,
            )
            self._records[record] = record_id = drawn_up["offence_record_id"]
            for act in BEFORE_AGREEMENT:
                await service.record_act(
                    desk, caller=caller, offence_record_id=record_id, act=act, now=now
                )
            await service.agree_reduced(
                desk, caller=caller, offence_record_id=record_id, now=now, **make.AGREED
            )
        return service.Target(offence_record_id=self._records[record], check_id=check_id)

    def file(self, payment):
        """The signed slip is photographed and filed."""
        self._step(self._file(payment))

    async def _file(self, payment):
        told = {
            "caller": self._officer(payment.terminal),
            "payment_id": payment.payment_id,
            "now": self._now(),
        }
        await service.take_signed_slip(self._store.desk, image=_photograph(), **told)

    # ------------------------------------------------------------------ the agent

    def next_order(self, terminal):
        caller = self._terminal(terminal)
        return self._store.run(service.next_order(self._store.desk, caller=caller, now=self._now()))

    def started(self, order_id, _report):
        return self._report(service.take_started, order_id)

    def approval(self, order_id, approval):
        return self._report(service.take_approval, order_id, approval=approval)

    def outcome(self, order_id, outcome):
        return self._report(service.take_outcome, order_id, outcome=outcome)

    def printed(self, order_id, printed):
        return self._report(service.take_printed, order_id, printed=printed)

    def _report(self, take, order_id, **report):
        return self._step(self._taken(take, order_id, report))

    async def _taken(self, take, order_id, report):
        async with transaction(self._store.sessions) as session:
            order = await session.get_one(models.TerminalOrder, order_id)
        caller = Principal(
            department_id=self._any_officer.department_id,
            device_id=order.device_id,
            device_kind=DeviceKind.TERMINAL,
        )
        return await take(
            self._store.desk, caller=caller, order_id=order_id, now=self._now(), **report
        )

    def expire(self):
        """What the worker does from time to time; without a sale there is nothing to do."""
        if OrderKind.SALE in self._open_kinds:
            self._step(service.expire_orders(self._store.desk, self._now()))

    # ------------------------------------------------------------------ inside

    def _step(self, act):
        try:
            return self._store.run(self._seen_after(act))
        except DomainError as refusal:
            raise Refused(refusal.code.removeprefix("fines.")) from None

    async def _seen_after(self, act):
        try:
            return await act
        finally:
            await self._look()

    async def _look(self):
        async with transaction(self._store.sessions) as session:
            rows = (await session.scalars(sa.select(models.Payment))).all()
            slips = (await session.scalars(sa.select(models.SlipRow))).all()
            orders = (
                await session.scalars(
                    sa.select(models.TerminalOrder)
                    .where(models.TerminalOrder.status.in_(OPEN_ORDERS))
                    .order_by(models.TerminalOrder.created_at, models.TerminalOrder.not_before)
                )
            ).all()
        # Of one instant PostgreSQL gives rows as they lie: no order that a day could repeat.
        orders = sorted(
            orders,
            key=lambda one: (
                one.created_at, one.not_before, self._number_of(one.device_id), one.kind.value,
            ),
        )  # fmt: skip
        slips = sorted(slips, key=lambda one: (one.kind.value, one.copy_number, one.duplicate))
        for row in rows:
            seen = self.payments.get(row.id)
            if seen is not None:
                seen.status, seen.reason, seen.amount_tiyn = row.status, row.reason, row.amount_tiyn
                seen.confirmed = row.confirmed_at is not None
                seen.approval = row if row.rrn is not None else None
        for slip in slips:
            seen = self.payments[slip.payment_id]
            known = SlipSeen(slip.id, slip.kind, slip.copy_number, slip.duplicate)
            if known not in seen.slips:
                seen.slips.append(known)
            if slip.printed_at is not None:
                seen.printed.add(slip.id)
        self._open_kinds = [one.kind for one in orders]
        for one in orders:
            if one.id not in self._known_orders:
                self._known_orders.add(one.id)
                later = (one.not_before - self._now()).total_seconds()
                self._wake(self._number_of(one.device_id), max(later, 0.0))

    def _number_of(self, device_id):
        officers = self._store.officers.items()
        return next(number for number, one in officers if one.terminal_id == device_id)

    @property
    def _any_officer(self):
        return next(iter(self._store.officers.values()))

    def _officer(self, terminal):
        one = self._store.officers[terminal]
        return Principal(
            department_id=one.department_id,
            person_id=one.person_id,
            post_id=one.post_id,
            device_id=one.tablet_id,
            device_kind=DeviceKind.TABLET,
        )

    def _terminal(self, terminal):
        one = self._store.officers[terminal]
        return Principal(
            department_id=one.department_id,
            device_id=one.terminal_id,
            device_kind=DeviceKind.TERMINAL,
        )

    @property
    def is_idle(self):
        """Whether nothing is wanted of anybody and every payment has its end."""
        return not self._open_kinds and all(one.status in _ENDED for one in self.payments.values())


class PostgresTown(Town):
    """A town whose server is the real one; its books are closed by the acquirer's own file."""

    def __init__(self, store, **more):
        self._store = store
        super().__init__(**more)

    def _open_server(self, posts):
        assert posts <= len(STAFF)
        return PostgresServer(self._store, now=self.world.now, wake=self._wake)

    def settle(self):
        """Take the acquirer's file; return what it found and what every account holds."""
        at = self.world.now() + timedelta(hours=12)
        done = self._store.run(
            import_settlement(self._store.desk, content=self.day_file, caller=None, now=at)
        )
        return done, self._store.run(self._balances())

    async def _balances(self):
        async with transaction(self._store.sessions) as session:
            return await ledger.balances(session)

    def history(self):
        """Return how each payment ended, what was counted, and how long the day was."""
        ends = sorted(
            (one.record, one.terminal, one.status.value, one.reason.value, one.amount_tiyn)
            for one in self.server.payments.values()
        )
        return ends, self.counts, round(self.world.seconds, 6)


def _photograph():
    picture = io.BytesIO()
    Image.new("L", (8, 8), 255).save(picture, "PNG")
    return picture.getvalue()
