"""Adapters to the registers of other bodies. Nothing else in the server may ask them."""

from app.exchange.register.cases import CaseQuestion, CaseRegisterPort, CaseReply
from app.exchange.register.records import HttpRegisters, RegisterPort, open_registers

__all__ = [
    "CaseQuestion",
    "CaseRegisterPort",
    "CaseReply",
    "HttpRegisters",
    "RegisterPort",
    "open_registers",
]
