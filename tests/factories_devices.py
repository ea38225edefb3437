"""Devices for tests: enrolled ones, and ones issued against a real signature."""

import base64
import itertools
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.db import transaction
from app.iin import check_digit
from sim.authority import Use
from sim.district import OTHER_DEPARTMENT_BIN, Staff
from tests.factories_identity import authority, signed_in

_NUMBERS = itertools.count(1)
OTHER_KEEPER = Staff(
    key="other-keeper",
    iin="85071830045" + str(check_digit("85071830045")),
    surname="СЕРІКОВ",
    given_name="Арман",
    patronymic="",
    role="device_keeper",
    title="Хранитель",
    badge="AST-0107",
    department_bin=OTHER_DEPARTMENT_BIN,
)
_LEAVES = sa.text("""
    SELECT convert_from(leaf, 'UTF8')::jsonb FROM (
        SELECT 0 AS place, index AS at, leaf FROM audit_leaves WHERE event = :event
        UNION ALL
        SELECT 1, position, leaf FROM audit_outbox WHERE event = :event
    ) AS told ORDER BY place, at
""")


async def audited(sessions, event):
    """Return the events of this name in their order, whether they have their leaf yet or not."""
    async with transaction(sessions) as session:
        return [row[0] for row in await session.execute(_LEAVES, {"event": event})]


def public_pem(key=None):
    """Return the PEM of an Ed25519 public key, as a camera shows it."""
    key = key or Ed25519PrivateKey.generate()
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def device_body(kind="tablet", **changed):
    """Return the body that takes on a device of the kind."""
    number = next(_NUMBERS)
    body = {"kind": kind, "inventory_number": f"INV-{number}", "serial_number": f"SN-{number}"}
    if kind == "camera":
        body["public_key_pem"] = public_pem()
    if kind == "terminal":
        body["terminal_number"] = f"{number:08d}"
    return body | changed


@dataclass(frozen=True)
class Enrolled:
    """A device with its credential."""

    device_id: str
    credential: str

    @property
    def headers(self):
        return {"Device-Credential": self.credential}


async def registered(client, keeper, kind="tablet", **changed):
    """Take a device on and return its id; ``keeper`` is his headers."""
    answer = await client.post("/api/devices", json=device_body(kind, **changed), headers=keeper)
    assert answer.status_code == 201, answer.text
    return answer.json()["device_id"]


async def enrolled(client, keeper, kind="tablet", **changed):
    """Take a device on, enrol it, and return it."""
    device_id = await registered(client, keeper, kind, **changed)
    answer = await client.post(f"/api/devices/{device_id}/enrollment", headers=keeper)
    assert answer.status_code == 201, answer.text
    return Enrolled(device_id, answer.json()["credential"])


async def status_of(client, keeper, device_id):
    """Return where the device stands."""
    listed = (await client.get("/api/devices", headers=keeper)).json()["devices"]
    return next(one["status"] for one in listed if one["device_id"] == device_id)


async def shift_of(client, keeper, officer):
    """Open a shift of the officer and return its id."""
    answer = await client.post("/api/shifts", json={"officer_iin": officer.iin}, headers=keeper)
    assert answer.status_code == 201, answer.text
    return answer.json()["shift_id"]


async def sheets_for(client, keeper, shift_id, *device_ids):
    """Make out sheets and return them."""
    answer = await client.post(
        f"/api/shifts/{shift_id}/assignments",
        json={"device_ids": [str(one) for one in device_ids]},
        headers=keeper,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["sheets"]


def signature_over(officer, text):
    """Return the body that signs a sheet."""
    cms = authority().sign(officer, text.encode(), Use.SIGN)
    return {"cms": base64.b64encode(cms).decode()}


async def issued(client, keeper, officer, device_id, *, shift_id=None):
    """Issue a device against the officer's signature and return the assignment's id."""
    shift_id = shift_id or await shift_of(client, keeper, officer)
    (sheet,) = await sheets_for(client, keeper, shift_id, device_id)
    answer = await client.post(
        f"/api/assignments/{sheet['assignment_id']}/signature",
        json=signature_over(officer, sheet["sheet"]),
        headers=await signed_in(client, officer),
    )
    assert answer.status_code == 200, answer.text
    return sheet["assignment_id"]
