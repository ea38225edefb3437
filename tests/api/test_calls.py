"""From the check to the paid fine in at most twenty calls of the tablet and the terminal."""

import pytest

from fines.rules.offence_record import Act
from fines.wire.protocol import Result
from tests import factories_fines as make
from tests.api.test_payments import picture

CALLS_MAX = 20


@pytest.fixture
def calls(client):
    """Every request that goes out from now on, the terminal's own too."""
    made = []

    async def count(request):
        made.append(f"{request.method} {request.url.path}")

    client.event_hooks["request"].append(count)
    return made


async def test_from_the_record_to_the_filed_slip_in_at_most_twenty_calls(
    sessions, keys, officer, calls
):
    check_id = await make.check(sessions, keys, officer)  # one call more: POST /api/checks

    await officer.get("/api/offence-articles")
    record = (await officer.post("/api/offence-records", make.offence(check_id))).json()
    path = f"/api/offence-records/{record['offence_record_id']}"
    for act in ("announced", "explained"):
        await officer.post(f"{path}/acts", {"act": act})
    await officer.post(f"{path}/reduced", make.AGREED)
    await officer.get(f"{path}/receipt.pdf")
    await officer.post(f"{path}/acts", {"act": "receipt_handed"})
    await officer.get(f"{path}/record.pdf")
    await officer.post(f"{path}/signatures", {"signature": "signed"})
    await officer.post(f"{path}/copies", {"way": "paper"})
    payment_id = await make.begun(officer, record["offence_record_id"])
    order, _ = await make.approved(officer)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    await make.printed(officer, order, slips)
    paid = (await officer.get(f"/api/payments/{payment_id}")).json()["paid"]
    filed = await officer.post(f"/api/payments/{payment_id}/signed-slip", content=picture())

    seen = (await officer.get(path)).json()  # not of the officer's way: what the calls have left
    assert {one["act"] for one in seen["acts"]} == {one.value for one in Act}
    assert {one["kind"] for one in seen["entries"]} == {"copy_handed", "signature"}
    assert (paid, filed.json()["status"]) == (True, "filed")
    assert len(calls[:-1]) + 1 <= CALLS_MAX, calls
