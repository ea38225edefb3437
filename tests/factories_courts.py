"""The courts for tests: a court with its judge, its system let in, messages signed."""

from datetime import UTC, date, datetime
from uuid import UUID

from app.access import Principal
from app.db import transaction
from app.exchange.service import courts
from app.identity.schemas import StaffDepartment, StaffFile
from app.identity.service import import_staff
from sim.courts import HEADER, message, signed
from sim.district import ADMINISTRATOR, COURT, COURT_BIN, COURT_STAFF, JUDGE
from tests.factories_identity import authority, district, signed_in, staff_entry, trust

COURT_DEPARTMENT = StaffDepartment(bin=COURT_BIN, name_kk="Аудандық сот", name_ru=COURT)


async def court(sessions, *, staff=COURT_STAFF):
    """Put the district's staff and the court's people into a database."""
    await district(sessions)
    entries = tuple(staff_entry(one) for one in staff)
    document = StaffFile(departments=(COURT_DEPARTMENT,), staff=entries)
    async with transaction(sessions) as session:
        await import_staff(session, document=document, now=datetime.now(UTC))


async def retire(sessions, staff):
    """Let a person's post have ended."""
    entry = staff_entry(staff, valid_to=date(2026, 1, 2))
    document = StaffFile(departments=(COURT_DEPARTMENT,), staff=(entry,))
    async with transaction(sessions) as session:
        await import_staff(session, document=document, now=datetime.now(UTC))


class Eaias:
    """The courts' system on the other side of the application's door."""

    def __init__(self, client, issued, audience):
        self.client, self.audience = client, audience
        self.system_id, self.credential = issued["system_id"], issued["credential"]

    @property
    def headers(self):
        return {HEADER: self.credential}

    @property
    def principal(self):
        return Principal(department_id=UUID(int=0), system_id=UUID(self.system_id))

    def message(self, **changed):
        values = {"audience": self.audience, "system_id": self.system_id}
        if changed.get("act", "request") == "request":
            values["request"] = request()
        said = message(**(values | changed))
        return {name: value for name, value in said.items() if value is not None}

    def body(self, staff=JUDGE, **changed):
        return signed(authority(), staff, self.message(**changed))

    async def ask(self, staff=JUDGE, **changed):
        return await self.send(self.body(staff, **changed))

    async def send(self, body, path="/api/courts/requests", headers=None):
        return await self.client.post(path, json=body, headers=headers or self.headers)


def request(**changed):
    """Return a good request of a court, in a civil case of its own."""
    values = {
        "basis": "CIVIL_COURT",
        "services": ["legal_entity"],
        "subject": {"bin": "210340000093"},
        "case_number": "7527-26-00-2/303",
        "year": 2026,
        "court": COURT,
        # The draw may fall on any request: this one has said already what it would ask.
        "justification": "Требуется установить имущественное положение ответчика по этому делу.",
    }
    return values | changed


async def eaias(client, settings, *, name="ЕАИАС СО"):
    """Let the courts' system in by the administrator; return it."""
    administrator = await signed_in(client, ADMINISTRATOR)
    answer = await client.post("/api/courts/systems", json={"name": name}, headers=administrator)
    assert answer.status_code == 201, answer.text
    return Eaias(client, answer.json(), settings.public_url)


def ports_of(parts):
    return courts.CourtPorts(
        sessions=parts.sessions,
        trail=parts.trail,
        trust=trust(),
        revocation=parts.revocation,
        audience=parts.settings.public_url,
    )
