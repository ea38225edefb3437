"""What the routes and jobs of the exchange are given."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from app.audit.service import AuditTrail
from app.clock import utc_now
from app.db import Direct, Sessions
from app.exchange.register import CaseRegisterPort, RegisterPort
from app.exchange.service import DeviceStandingOf, ExchangePorts, SeedBook, Surroundings
from app.keys import Keys
from app.settings import Settings

_SPARE_SECONDS = 0.5  # over one register's limit: the registers are asked at the same time


def make_ports(  # noqa: PLR0913 - what a process puts together, each named
    *,
    sessions: Sessions,
    direct: Direct,
    trail: AuditTrail,
    keys: Keys,
    settings: Settings,
    registers: RegisterPort,
    cases: CaseRegisterPort | None,
    seeds: SeedBook,
    surroundings: Surroundings,
    device_standing: DeviceStandingOf | None,
    clock: Callable[[], datetime] = utc_now,
) -> ExchangePorts:
    """Return the ports of one process, with the limits of its settings."""
    return ExchangePorts(
        sessions=sessions,
        direct=direct,
        trail=trail,
        registers=registers,
        cases=cases,
        keys=keys,
        seeds=seeds,
        surroundings=surroundings,
        device_standing=device_standing,
        audit_wait_seconds=settings.audit_wait_seconds,
        answer_wait_seconds=settings.register_timeout_seconds + _SPARE_SECONDS,
        session_idle=timedelta(minutes=settings.session_idle_minutes_max),
        exports_day_max=settings.exports_day_max,
        clock=clock,
    )


async def _ports(request: Request) -> ExchangePorts:
    # One dependency and not one for each part: FastAPI would take 0.02 ms of a check for each.
    state = request.app.state
    return make_ports(
        sessions=state.sessions,
        direct=state.direct,
        trail=state.trail,
        keys=state.keys,
        settings=state.settings,
        registers=state.registers,
        cases=getattr(state, "case_registers", None),
        seeds=state.seeds,
        surroundings=state.surroundings,
        # Absent where nobody has set it: the standing of every device is unknown, and refused.
        device_standing=getattr(state, "device_standing", None),
    )


Ports = Annotated[ExchangePorts, Depends(_ports)]
