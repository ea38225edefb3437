"""Adapters to the registers of other bodies. Nothing else in the server may ask them."""

from app.exchange.register.records import HttpRegisters, RegisterPort, open_registers

__all__ = ["HttpRegisters", "RegisterPort", "open_registers"]
