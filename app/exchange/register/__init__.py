"""Adapters to the registers of other bodies. Nothing else in the server may ask them."""

from app.exchange.register.cases import (
    CaseQuestion,
    CaseRegisterPort,
    CaseReply,
    open_case_registers,
)
from app.exchange.register.notices import open_notices
from app.exchange.register.records import RegisterPort, open_registers

__all__ = [
    "CaseQuestion",
    "CaseRegisterPort",
    "CaseReply",
    "RegisterPort",
    "open_case_registers",
    "open_notices",
    "open_registers",
]
