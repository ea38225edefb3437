"""Fines for tests: a checked driver, an officer at his tablet with a terminal issued to him."""

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import DeviceKind
from app.calendar.models import SpecialDayRow
from app.calendar.rules import DayKind
from app.calendar.service import load_calendar
from app.clock import law_date
from app.credentials import credential_text, secret_sha256
from app.db import transaction
from app.exchange import storage
from app.exchange.models import RegisterRequestRow
from app.exchange.rules.answers import Answer, answer_bytes
from app.exchange.rules.bases import Basis
from app.exchange.rules.requests import Part, PartStatus, RequestStatus
from app.exchange.wire.registers import RegisterName
from app.identity.models import Person, Post, SessionRow, SignatureRow
from app.identity.rules.certificates import Purpose
from devices.models import Assignment, Device, Shift
from devices.rules.lifecycle import DeviceStatus
from fines.models import MrpValue
from fines.rules.catalogue import Origin
from fines.service import load_catalogue
from fines.wire import protocol
from sim.district import DRIVER, FRIEND, LATITUDE, LONGITUDE, OFFICER, PLACE
from tests.factories_identity import district

TERMINAL_NUMBER = "52500042"
OTHER_TERMINAL_NUMBER = "52500043"
SECRET = "s" * 43
_NUMBERS = itertools.count(1_000_000)  # of checks put here, beside those that the log numbers
MRP_2026_TIYN = 4325 * 100


@dataclass
class Officer:
    """An officer with his tablet and terminal, calling over HTTP."""

    client: object
    post_id: UUID
    person_id: UUID
    department_id: UUID
    tablet_id: UUID
    terminal_id: UUID | None
    terminal_number: str
    headers: dict[str, str]
    terminal: dict[str, str] = field(default_factory=dict)

    async def post(self, path, json=None, **more):
        headers = self.headers | more.pop("headers", {})
        return await self.client.post(path, json=json, headers=headers, **more)

    async def get(self, path):
        return await self.client.get(path, headers=self.headers)

    async def agent_post(self, path, message, order_id=None):
        return await self.client.post(
            path.format(order_id=order_id),
            json=message.model_dump(mode="json"),
            headers=self.terminal,
        )

    async def agent_next(self, wait_seconds=0):
        answer = await self.client.get(
            protocol.PATH_NEXT, params={"wait_seconds": wait_seconds}, headers=self.terminal
        )
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.text
        return protocol.Order.model_validate_json(answer.content)


async def catalogue(sessions):
    """Load what the release ships."""
    async with transaction(sessions) as session:
        await load_calendar(session)
        await load_catalogue(session, datetime.now(UTC))
        await _this_year(session)


async def _this_year(session):
    # A later year than the release knows gets the last index and a bare calendar.
    year = law_date(datetime.now(UTC)).year
    values = {"tenge": 4325, "source": "test", "verified": False}
    row = {"kind": DayKind.HOLIDAY, "name_kk": "", "name_ru": "", "source": "", "verified": False}
    await session.execute(
        insert(MrpValue)
        .values(valid_from=date(year, 1, 1), origin=Origin.SHIPPED, **values)
        .on_conflict_do_nothing()
    )
    for one in (year, year + 1):
        await session.execute(
            insert(SpecialDayRow)
            .values(day=date(one, 1, 1), imported=False, **row)
            .on_conflict_do_nothing()
        )


async def district_with_catalogue(sessions):
    await district(sessions)
    await catalogue(sessions)


async def officer(sessions, client, staff=OFFICER, *, terminal_number=TERMINAL_NUMBER):
    """Sign ``staff`` in on a tablet of his own and issue him a terminal, by rows."""
    now = datetime.now(UTC)
    async with transaction(sessions) as session:
        person = await session.scalar(sa.select(Person).where(Person.iin == staff.iin))
        post = await session.scalar(sa.select(Post).where(Post.person_id == person.id))
        tablet = _device(DeviceKind.TABLET, post.department_id, now)
        session.add(tablet)
        signature = SignatureRow(
            id=uuid4(),
            person_id=person.id,
            purpose=Purpose.SIGN_IN,
            content_sha256=b"0" * 32,
            content=None,
            cms=b"",
            certificate_serial="1",
            signed_at=now,
            signing_time=now,
        )
        session.add(signature)
        await session.flush()
        token = uuid4().hex
        session.add(
            SessionRow(
                id=uuid4(),
                token_sha256=hashlib.sha256(token.encode()).digest(),
                person_id=person.id,
                post_id=post.id,
                device_id=tablet.id,
                signature_id=signature.id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(hours=8),
                ended_at=None,
                ended_because=None,
            )
        )
        terminal_id = None
        if terminal_number:
            terminal_id = await _issue_terminal(session, post, signature.id, terminal_number, now)
    return Officer(
        client=client,
        post_id=post.id,
        person_id=person.id,
        department_id=post.department_id,
        tablet_id=tablet.id,
        terminal_id=terminal_id,
        terminal_number=terminal_number,
        headers={
            "Authorization": f"Bearer {token}",
            "Device-Credential": credential_text(holder_id=tablet.id, secret=SECRET),
        },
        terminal={"Device-Credential": credential_text(holder_id=terminal_id, secret=SECRET)}
        if terminal_id
        else {},
    )


def _device(kind, department_id, now, **more):
    return Device(
        id=uuid4(),
        kind=kind,
        inventory_number=uuid4().hex[:20],
        serial_number=uuid4().hex[:20],
        department_id=department_id,
        status=DeviceStatus.ISSUED,
        credential_sha256=secret_sha256(SECRET),
        public_key_pem=None,
        registered_at=now,
        enrolled_at=now,
        **more,
    )


async def _issue_terminal(session, post, signature_id, terminal_number, now):
    terminal = _device(
        DeviceKind.TERMINAL, post.department_id, now, terminal_number=terminal_number
    )
    shift = Shift(
        id=uuid4(),
        post_id=post.id,
        person_id=post.person_id,
        department_id=post.department_id,
        opened_by_post_id=post.id,
        opened_at=now,
    )
    session.add_all([terminal, shift])
    await session.flush()
    session.add(
        Assignment(
            id=uuid4(),
            device_id=terminal.id,
            shift_id=shift.id,
            post_id=post.id,
            person_id=post.person_id,
            department_id=post.department_id,
            sheet="",
            sheet_at=now,
            issued_by_post_id=post.id,
            issued_at=now - timedelta(minutes=5),
            issue_signature_id=signature_id,
        )
    )
    return terminal.id


async def check(
    sessions, keys, whose, *, driver=DRIVER, registers_answer=True, owes=(), ago=timedelta()
):
    """Put a released roadside check of ``driver`` by the officer ``whose``; return its id.

    ``owes`` are the unpaid fines that the register names; ``None`` leaves that register silent.
    """
    check_id = uuid4()
    now = datetime.now(UTC) - ago
    record = {
        "surname": driver.surname,
        "given_name": driver.given_name,
        "patronymic": driver.patronymic,
        "document_number": driver.document_number,
        "residence": driver.residence,
        "phone": driver.phone,
    }
    vehicle = {"make_model": driver.vehicle, "year": 2019, "vin": driver.vin}
    status = PartStatus.FOUND if registers_answer else PartStatus.UNAVAILABLE
    parts = tuple(
        Part(
            register=name,
            status=status,
            asked_ms=1.0,
            record=one if registers_answer else None,
        )
        for name, one in (
            (RegisterName.PERSON_DOCUMENTS, record),
            (RegisterName.VEHICLE, vehicle),
        )
    )
    if owes is not None and registers_answer:
        fines = {"iin": driver.iin, "fines": list(owes)}
        parts += (
            Part(
                register=RegisterName.UNPAID_FINES,
                status=PartStatus.FOUND if owes else PartStatus.NOT_FOUND,
                asked_ms=1.0,
                record=fines if owes else None,
            ),
        )
    answer = Answer(
        salt="00",
        iin=driver.iin,
        birth_date=date.fromisoformat(driver.birth_date),
        plate=driver.plate,
        parts=parts,
    )
    sealed = storage.seal(vault=keys.vault, request_id=check_id, plaintext=answer_bytes(answer))
    async with transaction(sessions) as session:
        session.add(
            RegisterRequestRow(
                id=check_id,
                status=RequestStatus.RELEASED,
                basis=Basis.PRIMARY_CHECK,
                stop_ground="traffic_violation",
                services=[part.register.value for part in parts],
                month=f"{law_date(now):%Y-%m}",
                number=next(_NUMBERS),
                rule_set="test",
                snapshot_sha256="0" * 64,
                gate=None,
                refusal=None,
                person_id=whose.person_id,
                post_id=whose.post_id,
                department_id=whose.department_id,
                decided_at=now,
                device_id=whose.tablet_id,
                subject_index=b"0" * 32,
                parts=None,
                wrapped_key=sealed.wrapped_key,
                answer=sealed.ciphertext,
                answer_sha256="0" * 64,
                decision_leaf_index=1,
                answer_leaf_index=2,
                received_at=now,
                released_at=now,
            )
        )
    return check_id


OWED = {
    "decision_number": "264750000001234",
    "article": "592(1)",
    "decided_on": "2026-11-02",
    "amount_tiyn": 4_325_000,
}


def offence(check_id, **changed):
    """Return the body of an offence record: 40 to 20 km/h too fast, ten MRP."""
    return {
        "check_id": str(check_id),
        "article": "592",
        "part": "2",
        "occurred_at": datetime.now(UTC).isoformat(),
        "place": PLACE,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "language": "kk",
        "rights_explained": True,
        "admits": True,
        "essence": "Рұқсат етілген жылдамдықты 32 км/сағ асырған",
    } | changed


# Ten MRP too; its repeat is no part of its own: one driver may offend and pay many times.
PLAIN = {"article": "593", "part": "1-2"}
AGREED = {"admits": True, "agrees": True, "contests": False}


async def drawn_up(sessions, keys, whose, **changed):
    """Draw up a record through the route and return its view."""
    check_id = await check(sessions, keys, whose)
    answer = await whose.post("/api/offence-records", offence(check_id, **changed))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def acted(whose, offence_record_id, *acts):
    """Report acts one after the other."""
    for act in acts:
        path = f"/api/offence-records/{offence_record_id}/acts"
        answer = await whose.post(path, {"act": act})
        assert answer.status_code == 204, answer.text


async def explained(whose, offence_record_id):
    """Report the acts that come before the agreement."""
    await acted(whose, offence_record_id, "announced", "explained")


async def with_receipt(sessions, keys, whose, **changed):
    """Draw up a record, agree to reduced proceedings, and return the record's id."""
    record = await drawn_up(sessions, keys, whose, **changed)
    record_id = record["offence_record_id"]
    await explained(whose, record_id)
    answer = await whose.post(f"/api/offence-records/{record_id}/reduced", AGREED)
    assert answer.status_code == 200, answer.text
    return record_id


async def begun(whose, offence_record_id, *, key=None):
    """Begin a payment and return its id."""
    answer = await whose.post(
        "/api/payments",
        {"offence_record_id": offence_record_id},
        headers={"Idempotency-Key": key or uuid4().hex},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["payment_id"]


def approval(amount_tiyn, **changed):
    """Return what a terminal says of an approved sale."""
    values = {
        "amount_tiyn": amount_tiyn,
        "terminal_number": TERMINAL_NUMBER,
        "merchant_number": "000000000000777",
        "receipt_number": 12,
        "trace_number": 34,
        "rrn": "632612000034",
        "approval_code": "A1B2C3",
        "card_brand": "VISA",
        "card_masked": "400000******1045",
        "card_ref": "5001ABCDEFGHJKLMNPQRSTUVWXYZ2",
        "card_ref_kind": "par",
        "owner_verdict": protocol.OwnerVerdict.MATCH,
        "entry_mode": "chip",
        "cardholder_check": "online_pin",
        "aid": "A0000000031010",
        "terminal_at": datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
    }
    return protocol.Approval(**(values | changed))


def outcome(result, reason=protocol.Reason.NONE, **more):
    return protocol.Outcome(
        result=result, reason=reason, at=datetime(2026, 11, 22, 6, 1, tzinfo=UTC), **more
    )


async def started(whose):
    """Take the next order and start it; return it."""
    order = await whose.agent_next()
    message = protocol.Started(at=datetime.now(UTC))
    answer = await whose.agent_post(protocol.PATH_STARTED, message, order.order_id)
    assert answer.json() == {"may_start": True}
    return order


async def approved(whose, **changed):
    """Start the next order and have it approved; return the order and the answer."""
    order = await started(whose)
    message = approval(order.amount_tiyn, terminal_number=whose.terminal_number)
    message = message.model_copy(update=changed)
    answer = await whose.agent_post(protocol.PATH_APPROVAL, message, order.order_id)
    assert answer.status_code == 200, answer.text
    return order, protocol.ApprovalAnswer.model_validate_json(answer.content)


async def ended(whose, order, message):
    """Report an outcome and return the slips wanted."""
    answer = await whose.agent_post(protocol.PATH_OUTCOME, message, order.order_id)
    assert answer.status_code == 200, answer.text
    return protocol.OutcomeAnswer.model_validate_json(answer.content).slips


async def printed(whose, order, slips, reason=protocol.Reason.NONE, *, doubtful=()):
    """Report slips as printed, others as perhaps printed."""
    message = protocol.Printed(
        slip_ids=tuple(one.slip_id for one in slips),
        doubtful_slip_ids=tuple(one.slip_id for one in doubtful),
        reason=reason,
        at=datetime.now(UTC),
    )
    answer = await whose.agent_post(protocol.PATH_PRINTED, message, order.order_id)
    assert answer.status_code == 204, answer.text


async def paid(whose, offence_record_id):
    """Drive a payment to both slips printed; return the payment's id and the slips."""
    payment_id = await begun(whose, offence_record_id)
    order, answer = await approved(whose)
    slips = await ended(whose, order, outcome(protocol.Result.COMPLETED))
    await printed(whose, order, slips)
    assert answer.accepted
    return payment_id, slips


__all__ = ["DRIVER", "FRIEND", "OFFICER"]
