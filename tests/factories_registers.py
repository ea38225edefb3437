"""Registers for tests: settings over a fresh far end, in either protocol, and good questions."""

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from app.exchange.rules.cases import CaseQuestion
from app.exchange.wire.cases import CaseRegister
from app.exchange.wire.registers import Query, RegisterName, RegisterRequest, Requester
from app.settings import Settings, TrustEnvironment
from sim import case_records as held
from sim.cases import SimCases
from sim.district import COURT, COURT_BIN, DEPARTMENT_BIN, DRIVER, FIRM, OFFICER
from sim.faults import FaultyLine
from sim.registers import SimRegisters
from sim.smartbridge import PASSWORD, SENDER_ID, SimSmartBridge, write_system_key
from tests.factories_identity import authority

NAMES = [one.value for one in RegisterName] + [one.value for one in CaseRegister]
BY_PLATE = {
    RegisterName.VEHICLE, RegisterName.INSURANCE, RegisterName.INSPECTION,
    RegisterName.WANTED_VEHICLES,
}  # fmt: skip
GOOD_CASES = {
    CaseRegister.ERDR: {"number": held.HELD.number},
    CaseRegister.AIS_SU: {"number": held.ADMINISTRATIVE.number},
    CaseRegister.AIS_OIP: {"number": held.ENFORCEMENT.number},
    CaseRegister.EAIAS: {
        "number": held.COURT_CIVIL.number,
        "year": 2026,
        "court": COURT,
        "department_bin": COURT_BIN,
    },
}


def case_question(register=CaseRegister.ERDR, **changed):
    values = {
        "register": register,
        "officer_iin": OFFICER.iin,
        "department_bin": DEPARTMENT_BIN,
    }
    return CaseQuestion(**(values | GOOD_CASES[register] | changed))


def query_of(register):
    if register in BY_PLATE:
        return Query(plate=DRIVER.plate)
    if register is RegisterName.LEGAL_ENTITY:
        return Query(bin=FIRM.bin)
    return Query(iin=DRIVER.iin)


def request_to(register, **changed):
    values = {
        "message_id": uuid4(),
        "message_at": datetime.now(UTC),
        "requester": Requester(
            department_bin=DEPARTMENT_BIN, officer_iin=OFFICER.iin, basis="CRIMINAL_CASE"
        ),
        "query": query_of(register),
    }
    return RegisterRequest(**(values | changed))


@dataclass
class FarEnd:
    """The registers of one test module, over HTTP and on the bus, behind lines that may break."""

    registers: SimRegisters
    cases: SimCases
    bus: SimSmartBridge
    lines: dict[str, FaultyLine]
    key_file: Path

    def settings(self, protocol, **changed):
        """Return settings under which every register is spoken to in ``protocol``."""
        values = {
            "registers_url": self.lines["registers"].url,
            "case_registers_url": self.lines["cases"].url,
            "register_timeout_seconds": 30,
            "trust_environment": TrustEnvironment.TEST,
        }
        if protocol == "smartbridge":
            values |= self.on_bus(NAMES)
        return Settings(**(values | changed))

    def on_bus(self, names, **changed):
        """Return the settings by which ``names`` are asked on the bus."""
        own = {
            "kind": "smartbridge",
            "service_id": "SimulatedServiceSync",
            "signer_bin": self.bus.signer_bin,
        } | changed
        addresses = {name: own | {"address": f"{self.lines['bus'].url}/{name}"} for name in names}
        return {
            "register_addresses": json.loads(json.dumps(addresses)),
            "smartbridge_sender_id": SENDER_ID,
            "smartbridge_password": PASSWORD,
            "smartbridge_key_file": self.key_file,
            "smartbridge_roots_dir": authority().roots_dir,
        }

    def break_lines(self, register, fault, *, seconds=30):
        for line in self.lines.values():
            line.behave(register, fault, seconds=seconds)


@contextmanager
def far_end(folder):
    """Yield registers, registers of cases and the bus, each behind a line of its own."""
    key_file = write_system_key(authority(), DEPARTMENT_BIN, folder / "system.pem")
    with ExitStack() as stack:
        registers = stack.enter_context(SimRegisters())
        cases = stack.enter_context(SimCases())
        bus = stack.enter_context(
            SimSmartBridge(authority(), cases=cases, registers=registers.world)
        )
        ends = {"registers": registers, "cases": cases, "bus": bus}
        lines = {name: stack.enter_context(FaultyLine(end.url)) for name, end in ends.items()}
        yield FarEnd(registers, cases, bus, lines, key_file)
