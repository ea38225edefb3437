"""A request on its way while its month is closed belongs to the month that has begun."""

from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import HttpUrl

from app.access import Principal, Role
from app.audit.service import close_month, next_number
from app.clock import in_law_zone, utc_now
from app.db import driver_of, transaction
from app.exchange import service
from app.exchange.errors import AnswerWithheld
from app.exchange.service import RequestInput
from app.identity import service as identity
from sim.district import DRIVER, INVESTIGATOR
from sim.registers import SimRegisters
from tests.factories_devices import audited
from tests.factories_exchange import JUSTIFICATION
from tests.factories_requests import people, ports_of, rows


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


async def test_a_request_whose_month_closes_under_it_is_numbered_in_the_next(parts, sessions):
    await people(sessions)
    now = utc_now()
    last_month = in_law_zone(now).replace(day=1, hour=12) - timedelta(days=2)
    async with transaction(sessions) as session:
        post = await identity.post_of_iin(session, iin=INVESTIGATOR.iin, now=now)
        await next_number(await driver_of(session), stream=post.person_id, at=last_month)
    closed = await close_month(sessions, trail=parts.trail, now=now)
    # Received a moment before the month was closed, decided a moment after.
    instants = iter([last_month])
    ports = ports_of(parts, clock=lambda: next(instants, now))
    caller = Principal(
        department_id=post.department_id,
        person_id=post.person_id,
        post_id=post.post_id,
        role=Role.INVESTIGATOR,
        session_id=uuid4(),
    )
    sent = RequestInput(
        basis="PRIMARY_CHECK",
        services=("person_documents",),
        iin=DRIVER.iin,
        justification=JUSTIFICATION,
    )

    with pytest.raises(AnswerWithheld):  # his session is invented; the number is what counts
        await service.make_request(ports, caller=caller, sent=sent)

    (row,) = await rows(sessions)
    assert closed == [f"{last_month:%Y-%m}"]
    assert (row.month, row.number) == (f"{in_law_zone(now):%Y-%m}", 1)
    assert row.received_at == now
    (leaf,) = await audited(sessions, "exchange.request_decided")
    assert leaf["fields"]["running"]["month"] == row.month
