"""Use cases of the exchange."""

from app.exchange.rules.gates import DeviceStanding
from app.exchange.rules.requests import CheckFacts, DriverFacts, Part, VehicleFacts
from app.exchange.rules.subjects import CheckInput
from app.exchange.service.access import (
    AccessStanding,
    AgreementStanding,
    UserStanding,
    standing_of,
)
from app.exchange.service.make_check import make_check
from app.exchange.service.ports import CheckAnswer, DeviceStandingOf, ExchangePorts
from app.exchange.service.view_check import check_facts, view_check

__all__ = [
    "AccessStanding",
    "AgreementStanding",
    "CheckAnswer",
    "CheckFacts",
    "CheckInput",
    "DeviceStanding",
    "DeviceStandingOf",
    "DriverFacts",
    "ExchangePorts",
    "Part",
    "UserStanding",
    "VehicleFacts",
    "check_facts",
    "make_check",
    "standing_of",
    "view_check",
]
