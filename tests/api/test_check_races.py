"""What comes between the reading, the writing and the releasing of a check, over real lines."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.access import Principal, Role
from app.audit.service import close_month, next_number
from app.clock import in_law_zone, utc_now
from app.db import driver_of, transaction
from app.exchange import service
from app.exchange.errors import AnswerWithheld, GateRefused
from app.exchange.service import RequestInput
from app.identity import service as identity
from sim.district import DRIVER, INVESTIGATOR, KEEPER, OFFICER
from sim.registers import SimRegisters
from tests.factories_devices import audited, enrolled
from tests.factories_exchange import JUSTIFICATION
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_requests import Clock, people, ports_of, rows

NUMBER_TAKEN = "audit_take_number"
SENT = RequestInput(
    basis="PRIMARY_CHECK",
    services=("person_documents",),
    iin=DRIVER.iin,
    justification=JUSTIFICATION,
)
CHECK = {
    "identity": {"iin": DRIVER.iin},
    "plate": DRIVER.plate,
    "stop_ground": "traffic_violation",
    "justification": JUSTIFICATION,
}


@pytest.fixture
def settings(settings):
    with SimRegisters() as registers:
        yield settings.model_copy(
            update={
                "registers_url": HttpUrl(registers.url),
                "register_timeout_seconds": 10,
                "audit_wait_seconds": 20,
            }
        )


@pytest.fixture
async def tablet(settings, sessions, client):
    trust_the_authority(settings)
    await people(sessions)
    return await enrolled(client, await signed_in(client, KEEPER), "tablet")


@pytest.fixture
async def officer(client, tablet):
    return await signed_in(client, OFFICER, headers=tablet.headers)


@pytest.fixture
async def caller(settings, sessions):
    """An investigator whose session is invented: his answers are withheld, his requests count."""
    trust_the_authority(settings)
    await people(sessions)
    async with transaction(sessions) as session:
        post = await identity.post_of_iin(session, iin=INVESTIGATOR.iin, now=utc_now())
    return Principal(
        department_id=post.department_id,
        person_id=post.person_id,
        post_id=post.post_id,
        role=Role.INVESTIGATOR,
        session_id=uuid4(),
    )


@dataclass
class DirectWhere:
    """The driver; before the first statement with ``word`` in it something happens."""

    direct: object
    word: str
    happens: object

    def __getattr__(self, name):
        return getattr(self.direct, name)

    def tell(self, statement, row):
        """Take note of what a statement gave."""

    @asynccontextmanager
    async def connection(self):
        async with self.direct.connection() as connection:
            yield ConnectionWhere(connection, self)


@dataclass
class ConnectionWhere:
    """A connection of it."""

    connection: object
    of: DirectWhere

    def __getattr__(self, name):
        return getattr(self.connection, name)

    async def fetchrow(self, statement, *values):
        if self.of.happens is not None and self.of.word in statement:
            happens, self.of.happens = self.of.happens, None
            await happens()
        row = await self.connection.fetchrow(statement, *values)
        self.of.tell(statement, row)
        return row


@dataclass
class RegistersWhile:
    """Registers during whose question something happens."""

    registers: object
    happens: object

    async def ask(self, *, register, request):
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()
        return await self.registers.ask(register=register, request=request)


async def asked(ports, caller):
    with pytest.raises(AnswerWithheld):
        await service.make_request(ports, caller=caller, sent=SENT)


async def execute(sessions, statement):
    async with transaction(sessions) as session:
        await session.execute(sa.text(statement))


async def test_checks_of_one_person_at_once_are_numbered_without_a_gap(client, officer, sessions):
    answers = await asyncio.gather(
        *(client.post("/api/checks", json=CHECK, headers=officer) for _ in range(6))
    )

    assert [answer.status_code for answer in answers] == [200] * 6
    assert sorted(row.number for row in await rows(sessions)) == [1, 2, 3, 4, 5, 6]
    leaves = await audited(sessions, "exchange.request_decided")
    assert [leaf["fields"]["running"]["number"] for leaf in leaves] == [1, 2, 3, 4, 5, 6]


async def test_of_checks_at_once_no_more_than_the_limit_are_allowed(client, officer, sessions):
    other = CHECK | {"identity": {"iin": "061211600012"}}
    await client.post("/api/checks", json=other, headers=officer)
    await execute(
        sessions,
        """
        INSERT INTO register_requests SELECT (r).* FROM (
            SELECT jsonb_populate_record(row, jsonb_build_object(
                'id', gen_random_uuid(), 'number', 1000 + place
            )) AS r FROM register_requests AS row, generate_series(1, 117) AS place
        ) AS copies
        """,
    )

    answers = await asyncio.gather(
        *(client.post("/api/checks", json=CHECK, headers=officer) for _ in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409, 409]


async def test_a_request_that_another_overtook_is_decided_behind_it(parts, caller, sessions):
    async def another():
        await asked(ports_of(parts), caller)

    direct = DirectWhere(parts.direct, NUMBER_TAKEN, another)

    await asked(ports_of(parts, direct=direct), caller)

    first, second = await rows(sessions)
    assert direct.happens is None
    assert {first.number, second.number} == {1, 2}
    overtaken = first if first.number == 2 else second
    assert "repeat" not in overtaken.flags
    leaves = await audited(sessions, "exchange.request_decided")
    assert [leaf["fields"]["running"]["number"] for leaf in leaves] == [1, 2]
    assert leaves[1]["fields"]["check_id"] == str(overtaken.id)


async def test_a_number_that_was_given_back_is_still_the_next(parts, caller, sessions):
    async def taken_and_given_back():
        async with sessions() as session, session.begin() as begun:
            driver = await driver_of(session)
            await next_number(driver, stream=caller.person, at=utc_now())
            await begun.rollback()

    direct = DirectWhere(parts.direct, NUMBER_TAKEN, taken_and_given_back)

    await asked(ports_of(parts, direct=direct), caller)

    assert [row.number for row in await rows(sessions)] == [1]


async def test_a_month_closed_after_the_facts_were_read_takes_no_number(parts, caller, sessions):
    now = utc_now()
    last_month = in_law_zone(now).replace(day=1, hour=12) - timedelta(days=2)
    async with transaction(sessions) as session:
        await next_number(await driver_of(session), stream=caller.person, at=last_month)
    closed = []

    async def close():
        closed.extend(await close_month(sessions, trail=parts.trail, now=now))

    direct = DirectWhere(parts.direct, NUMBER_TAKEN, close)
    instants = iter([last_month])  # received while the month was open still
    ports = ports_of(parts, direct=direct, clock=lambda: next(instants, now))

    await asked(ports, caller)

    (row,) = await rows(sessions)
    assert closed == [f"{last_month:%Y-%m}"]
    assert (row.month, row.number) == (f"{in_law_zone(now):%Y-%m}", 1)


async def test_a_number_waits_for_who_closes_its_month_and_then_sees_it_closed(parts, sessions):
    stream, month = uuid4(), "2026-05"
    closing = sessions()
    await closing.execute(sa.text("SELECT pg_advisory_xact_lock(1510608154, 202605)"))
    taking = asyncio.create_task(
        parts.direct.row("SELECT audit_take_number($1, $2, 1)", stream, month)
    )
    await asyncio.sleep(0.3)
    waited = not taking.done()
    await closing.execute(
        sa.text("INSERT INTO audit_closed_months VALUES (:month, :id, now())"),
        {"month": month, "id": uuid4()},
    )
    await closing.commit()
    await closing.close()

    taken = (await taking)[0]

    assert (waited, taken) == (True, False)


@dataclass
class DirectThatTells(DirectWhere):
    """The driver; tells which transactions that wrote a request left the disk to their leaf."""

    unflushed: list = field(default_factory=list)

    def tell(self, statement, row):
        if "INSERT INTO register_requests" in statement and row is not None:
            self.unflushed.append(row[1] == "off")

    @asynccontextmanager
    async def transaction(self):
        async with self.direct.transaction() as connection:
            yield ConnectionWhere(connection, self)


@pytest.mark.parametrize("overtaken", [False, True])
@pytest.mark.parametrize(("services", "unflushed"), [(("person_documents",), True), ((), False)])
async def test_only_who_awaits_a_leaf_leaves_the_disk_to_it(
    parts, caller, overtaken, services, unflushed
):
    async def another():
        await asked(ports_of(parts), caller)

    direct = DirectThatTells(parts.direct, NUMBER_TAKEN, another if overtaken else None)

    with pytest.raises((AnswerWithheld, GateRefused)):
        await service.make_request(
            ports_of(parts, direct=direct), caller=caller, sent=replace(SENT, services=services)
        )

    assert direct.unflushed == [unflushed]


async def test_what_changed_and_takes_nothing_away_does_not_withhold(
    app, client, officer, sessions, parts
):
    reorder = """
        UPDATE access_grants SET services = ARRAY(
            SELECT service FROM unnest(services) AS service ORDER BY service DESC
        )
    """
    app.state.registers = RegistersWhile(parts.registers, lambda: execute(sessions, reorder))

    answer = await client.post("/api/checks", json=CHECK, headers=officer)

    assert answer.status_code == 200
    assert (await rows(sessions))[0].status == "released"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE devices SET status = 'lost'", "device_out_of_service"),
        ("UPDATE devices SET status = 'suspended'", "device_out_of_service"),
    ],
)
async def test_a_tablet_lost_while_registers_are_asked_gets_no_answer(
    app, client, officer, sessions, parts, change, reason
):
    app.state.registers = RegistersWhile(parts.registers, lambda: execute(sessions, change))

    answer = await client.post("/api/checks", json=CHECK, headers=officer)

    assert (answer.status_code, answer.json()["code"]) == (403, "exchange.answer_withheld")
    assert DRIVER.surname not in answer.text
    (row,) = await rows(sessions)
    assert (row.status, row.released_at) == ("withheld", None)
    (leaf,) = await audited(sessions, "exchange.answer_withheld")
    assert leaf["fields"]["reason"] == reason


async def test_a_release_waits_for_a_loss_under_way_and_then_sees_it(
    app, client, officer, sessions, parts
):
    reporting = sessions()

    async def report_begins():
        await reporting.execute(sa.text("UPDATE devices SET status = 'lost'"))

    app.state.registers = RegistersWhile(parts.registers, report_begins)
    asking = asyncio.create_task(client.post("/api/checks", json=CHECK, headers=officer))
    async with asyncio.timeout(30):
        while [one.status for one in await rows(sessions)] != ["asked"]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    await asyncio.sleep(2)  # long enough for a release that would not wait
    (before,) = await rows(sessions)

    await reporting.commit()
    await reporting.close()
    answer = await asking

    assert before.status == "asked"
    assert answer.status_code == 403
    assert (await rows(sessions))[0].status == "withheld"


@pytest.fixture
async def killed(client, officer, sessions):
    """A check that went on when its process was killed."""
    await client.post("/api/checks", json=CHECK, headers=officer)
    await execute(sessions, "UPDATE register_requests SET status = 'asked'")


@pytest.mark.usefixtures("killed")
async def test_what_was_left_later_is_found_from_where_the_last_look_ended(
    parts, client, officer, sessions
):
    worker = ports_of(parts, clock=Clock(timedelta(minutes=6)))
    ended = [await service.end_overdue(worker)]
    await client.post("/api/checks", json=CHECK, headers=officer)
    await execute(sessions, "UPDATE register_requests SET status = 'asked' WHERE number = 2")

    ended += [await service.end_overdue(worker) for _ in range(2)]

    assert ended == [1, 1, 0]


@pytest.mark.usefixtures("killed")
async def test_what_another_holds_is_not_passed_over_for_ever(parts, sessions):
    worker = ports_of(parts, clock=Clock(timedelta(minutes=60)))
    holding = sessions()
    await holding.execute(sa.text("SELECT FROM register_requests FOR UPDATE"))
    ended = [await service.end_overdue(worker)]
    await holding.rollback()
    await holding.close()

    ended.append(await service.end_overdue(worker))

    assert ended == [0, 1]
    async with transaction(sessions) as session:
        reached = await session.scalar(sa.text("SELECT finished_until FROM request_sweeps"))
    assert reached > (await rows(sessions))[0].decided_at
