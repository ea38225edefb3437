"""Requests on a basis for tests: investigators, the registers that confirm their cases, a clock."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.clock import law_date, utc_now
from app.db import transaction
from app.exchange.api import make_ports
from app.exchange.rules.sampling import is_drawn
from app.exchange.service import SeedBook
from app.iin import check_digit
from devices.api import device_standing
from sim import case_records as held
from sim.authority import Use
from sim.district import DRIVER, FIRM, INVESTIGATOR, STAFF, Staff
from tests.factories_exchange import JUSTIFICATION
from tests.factories_identity import authority, district

_ELEVEN = "87010130002"
SECOND = Staff(
    "second-investigator", f"{_ELEVEN}{check_digit(_ELEVEN)}", "БЕКОВ", "Данияр", "",
    "investigator", "Следователь", "ALA-0411",
)  # fmt: skip
CRIMINAL = {"basis": "CRIMINAL_CASE", "case_number": held.HELD.number}
ORDER = {
    "basis": "CRIMINAL_ORDER",
    "case_number": held.ORDERED.number,
    "order_number": held.ORDER_NUMBER,
}
INTERNATIONAL = {
    "basis": "INTERNATIONAL_ORDER",
    "order_number": "RHS-17/2026",
    "order_body": "Ministry of Justice of the Republic of Poland",
    "cover_letter": "2-011/88",
}
ADMINISTRATIVE = {"basis": "ADMIN_LE", "case_number": held.ADMINISTRATIVE.number}
SEARCH = {"basis": "SEARCH_CASE", "case_number": held.SEARCH.number}
ENFORCEMENT = {"basis": "ENFORCEMENT", "case_number": held.ENFORCEMENT.number}
PRIMARY = {"basis": "PRIMARY_CHECK"}
CONFIRMED = (CRIMINAL, ORDER, ADMINISTRATIVE, SEARCH, ENFORCEMENT)


async def people(sessions):
    """Put the district and a second investigator into the database, with their rights."""
    await district(sessions, staff=(*STAFF, SECOND))


def give_cases(world, iin=INVESTIGATOR.iin):
    """Put the district's cases into the investigator's work."""
    for case in (held.HELD, held.ADMINISTRATIVE, held.SEARCH, held.ENFORCEMENT, held.ECONOMIC):
        world.hand_over(case.number, iin)


def body(basis=CRIMINAL, *, services=("person_documents",), subject=None, **changed):
    """Return a good request; what is ``None`` is left out."""
    made = {
        "services": list(services),
        "subject": {"iin": DRIVER.iin} if subject is None else subject,
        "justification": JUSTIFICATION,
        **basis,
        **changed,
    }
    return {name: value for name, value in made.items() if value is not None}


ABOUT_FIRM = {"bin": FIRM.bin}


@dataclass
class Clock:
    """The clock of jobs: may be put forward."""

    ahead: timedelta = timedelta()

    def __call__(self):
        return utc_now() + self.ahead


def ports_of(parts, *, clock=utc_now, **changed):
    """Return the ports of a worker beside the application of these parts."""
    given = {
        "sessions": parts.sessions,
        "direct": parts.direct,
        "trail": parts.trail,
        "keys": parts.keys,
        "settings": parts.settings,
        "registers": parts.registers,
        "cases": parts.case_registers,
        "seeds": parts.seeds,
        "surroundings": parts.surroundings,
        "device_standing": device_standing,
        "clock": clock,
    }
    return make_ports(**(given | changed))


def signature(staff, document):
    """Return the body that signs ``document``."""
    return {"cms": base64.b64encode(authority().sign(staff, document, Use.SIGN)).decode()}


PDF = b"%PDF-1.7\n1 0 obj\n<</Type /Catalog>>\nendobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


async def attach(client, headers, request_id, content=PDF):
    """Attach the document of an international order; return the answer."""
    return await client.put(
        f"/api/requests/{request_id}/document", content=content, headers=headers
    )


async def person_id_of(sessions, staff):
    """Return the id of a person of staff."""
    async with transaction(sessions) as session:
        return await session.scalar(
            sa.text("SELECT id FROM people WHERE iin = :iin"), {"iin": staff.iin}
        )


async def rows(sessions):
    """Return every request, in the order of receipt."""
    async with transaction(sessions) as session:
        found = await session.execute(
            sa.text("SELECT * FROM register_requests ORDER BY received_at, number")
        )
        return found.all()


def seed_that(*, draws, person_id, number=1, at=None):
    """Return a seed book under which the person's request of this number is drawn, or is not."""
    at = at or utc_now()
    month = f"{law_date(at):%Y-%m}"
    for candidate in range(10_000):
        seed = candidate.to_bytes(4) * 8
        if is_drawn(seed, person_id=UUID(str(person_id)), month=month, number=number) is draws:
            return SeedBook({law_date(at): seed})
    raise AssertionError("no seed")
