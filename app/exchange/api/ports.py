"""What the routes and jobs of the exchange are given."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from app.audit.api import TrailOfApp
from app.audit.service import AuditTrail
from app.clock import utc_now
from app.db import Direct, DirectOfApp, Sessions, SessionsOfApp
from app.exchange.register import CaseRegisterPort, RegisterPort
from app.exchange.service import DeviceStandingOf, ExchangePorts, SeedBook, Surroundings
from app.keys import Keys
from app.ports import KeysOfApp, SettingsOfApp
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


async def _ports(
    request: Request,
    sessions: SessionsOfApp,
    direct: DirectOfApp,
    settings: SettingsOfApp,
    keys: KeysOfApp,
    trail: TrailOfApp,
) -> ExchangePorts:
    state = request.app.state
    registers: RegisterPort = state.registers
    # Absent where nobody has set it: the standing of every device is then unknown, and refused.
    standing: DeviceStandingOf | None = getattr(state, "device_standing", None)
    return make_ports(
        sessions=sessions,
        direct=direct,
        trail=trail,
        keys=keys,
        settings=settings,
        registers=registers,
        cases=getattr(state, "case_registers", None),
        seeds=state.seeds,
        surroundings=state.surroundings,
        device_standing=standing,
    )


Ports = Annotated[ExchangePorts, Depends(_ports)]
