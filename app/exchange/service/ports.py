"""What the use cases of the exchange are given, and what they give back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Direct, Sessions
from app.exchange.register import CaseRegisterPort, RegisterPort
from app.exchange.rules.answers import Answer
from app.exchange.rules.gates import DeviceStanding
from app.exchange.service.surroundings import Surroundings
from app.keys import Keys


class DeviceStandingOf(Protocol):
    """Says where the calling device stands; ``devices.service`` provides it.

    The exchange stands below the devices and cannot ask them by itself; it reads their statement
    beside its own facts, for each round trip costs a check 2 %. Where nobody provides it the
    standing is unknown, and every request is refused.
    """

    @property
    def known(self) -> sa.Select[*tuple[Any, ...]]:
        """One row at the most of the device ``device_id`` at the instant ``at``, both bound."""
        ...

    @property
    def held(self) -> sa.Select[*tuple[Any, ...]]:
        """The same, and the device stays as it is until the transaction ends."""
        ...

    def read(self, row: Sequence[Any], *, caller: Principal) -> DeviceStanding:
        """Return how the device of such a row stands towards ``caller``; all ``None`` is none."""
        ...


@dataclass(frozen=True)
class SeedBook:
    """The secret seeds of the draw that this process has read; see ``service.sampling``."""

    seeds: dict[date, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ExchangePorts:
    """Everything a request needs.

    Attributes:
        direct: the driver itself, for what every request does.
        cases: asks the registers of cases; ``None`` leaves every case unconfirmed.
        surroundings: what the process knows of relatives and districts.
        seeds: what the process knows of the draw's seeds.
        audit_wait_seconds: no leaf by then, and nothing is asked or released.
        answer_wait_seconds: a bound over all registers together; each has its own below it.
        session_idle: how long a session may stay unused.
        exports_day_max: answers that one person may take out in 24 hours.
        clock: the current instant in UTC.
    """

    sessions: Sessions
    direct: Direct
    trail: AuditTrail
    registers: RegisterPort
    cases: CaseRegisterPort | None
    keys: Keys
    seeds: SeedBook
    surroundings: Surroundings
    device_standing: DeviceStandingOf | None
    audit_wait_seconds: float
    answer_wait_seconds: float
    session_idle: timedelta
    exports_day_max: int
    clock: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class CheckAnswer:
    """A released answer. ``answer_leaf_index`` is the leaf that let it out."""

    check_id: UUID
    basis: str
    rule_set: str
    stop_ground: str
    received_at: datetime
    decision_leaf_index: int
    answer_leaf_index: int
    answer: Answer = field(repr=False)
