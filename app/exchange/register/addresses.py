"""Which channel leads to which register: settings made into channels, once per process."""

import enum
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from pydantic import HttpUrl

from app.exchange.register.channel import Channel, JsonChannel, Line, LineTerms
from app.exchange.rules.breaker import BreakerTerms
from app.exchange.wire.cases import CaseRegister
from app.exchange.wire.notices import NoticeRegister
from app.exchange.wire.registers import RegisterName
from app.settings import RegisterAddress, RegisterProtocol, Settings

Name = TypeVar("Name", bound=enum.Enum)
BusChannel = Callable[[Line, RegisterAddress], Channel]

_KNOWN: Final = frozenset(
    str(one.value) for kind in (RegisterName, CaseRegister, NoticeRegister) for one in kind
)


class RegisterNotKnown(ValueError):
    """The settings give an address to a register that does not exist: the start is refused."""


def channels_of(
    names: Iterable[Name],
    *,
    settings: Settings,
    common: HttpUrl | None,
    repeats_max: int,
    bus: BusChannel,
) -> dict[Name, Channel]:
    """Return the channel of each register that has an address, its own or the common one.

    Raises:
        RegisterNotKnown: an address is set for a name that is no register's.
    """
    unknown = settings.register_addresses.keys() - _KNOWN
    if unknown:
        raise RegisterNotKnown(f"no such registers: {', '.join(sorted(unknown))}")
    channels: dict[Name, Channel] = {}
    for name in names:
        own = settings.register_addresses.get(str(name.value))
        address = common if own is None else own.address
        if address is None:
            continue
        seconds = settings.register_timeout_seconds
        if own is not None and own.timeout_seconds is not None:
            seconds = own.timeout_seconds
        terms = LineTerms(
            timeout_seconds=seconds,
            repeats_max=repeats_max,
            breaker=BreakerTerms(
                failures_max=settings.register_failures_max,
                open_seconds=settings.register_pause_seconds,
            ),
            tls_roots=settings.register_tls_roots,
        )
        line = Line(address=str(address), terms=terms)
        by_bus = own is not None and own.kind is RegisterProtocol.SMARTBRIDGE
        channels[name] = bus(line, own) if own is not None and by_bus else JsonChannel(line=line)
    return channels
