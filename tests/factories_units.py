"""The two units of the access test: one person for each role, and one object for each name."""

import itertools
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.access import DeviceKind, Role
from app.db import transaction
from sim.camera import Camera
from sim.district import (
    DEPARTMENT_BIN,
    OFFICER,
    OTHER_DEPARTMENT_BIN,
    SECOND_OFFICER,
    STAFF,
    STRANGER,
    Staff,
)
from sim.rights import ROADSIDE_SERVICES
from tests import factories_bodycam as bodycam
from tests import factories_control as control
from tests import factories_custody as custody
from tests import factories_devices as devices
from tests import factories_fines as fines
from tests import factories_papers as papers
from tests import factories_tus as tus
from tests.factories_access import DONE, SANCTION, VALUES, complaint, iin
from tests.factories_identity import district, signed_in, staff_entry

HOME, AWAY = DEPARTMENT_BIN, OTHER_DEPARTMENT_BIN


def _one_per_role():
    people = {(HOME, Role(one.role)): one for one in reversed(STAFF) if one.department_bin == HOME}
    people |= {(AWAY, Role(STRANGER.role)): STRANGER}
    for number, key in enumerate(itertools.product((HOME, AWAY), Role)):
        unit, role = key
        invented = Staff(
            f"access-{number}", iin(number), "СЕРІКОВ", "Арман", "", role.value, "-",
            f"ACC-{number:04d}", unit,
        )  # fmt: skip
        people.setdefault(key, invented)
    return people


PEOPLE = _one_per_role()
# Somebody in each unit who signs in nowhere: he may be blocked without harm.
SPARE = {
    unit: Staff(
        f"spare-{number}", iin(900 + number), "БОСОВ", "Илья", "", "patrol_officer", "-",
        f"SPA-{number:04d}", unit,
    )
    for number, unit in enumerate((HOME, AWAY))
}  # fmt: skip


@dataclass(repr=False)  # a failing test prints what it was given
class Holding:
    """What an officer holds, and a dock and a camera of his unit: an object for each name."""

    unit: str
    officer: Staff
    devices: dict[DeviceKind, devices.Enrolled]
    ids: dict[str, str] = field(default_factory=dict)

    def person(self, role):
        """Return the unit's person of the role; the officer where a device acts alone."""
        officer = role in {None, Role.PATROL_OFFICER}
        return self.officer if officer else PEOPLE[self.unit, role]


class World:
    """People of two units who sign in when they are needed, and what was made so far."""

    def __init__(self, door, sessions, keys, folder):
        self.door, self.sessions, self.keys, self.folder = door, sessions, keys, folder
        self.sheets, self.recorded, self.undocked, self.forms = {}, {}, {}, {}
        self._signed_in = {}
        self._bays = itertools.count(1)

    @classmethod
    async def create(cls, door, sessions, keys, folder):
        people = {*PEOPLE.values(), SECOND_OFFICER} - {STRANGER}
        above = {SPARE[unit].iin: PEOPLE[unit, Role.RESPONSIBLE_OFFICIAL].iin for unit in SPARE}
        above[STRANGER.iin] = above[SPARE[AWAY].iin]  # who corrects what he entered
        under = (*SPARE.values(), STRANGER)
        spare = [staff_entry(one, superior_iin=above[one.iin]) for one in under]
        await district(sessions, staff=(*sorted(people, key=lambda one: one.key), *spare))
        await fines.catalogue(sessions)
        return cls(door, sessions, keys, folder)

    async def headers(self, person, device=None, *, fresh=False):
        """Return the headers of the person, signed in on the device or in a browser.

        Who signed in before is still signed in, except where the session is to be ``fresh``.
        """
        on_device = None if device is None else device.headers
        if fresh:
            return await signed_in(self.door, person, headers=on_device)
        key = (person.key, None if device is None else device.credential)
        if key not in self._signed_in:
            self._signed_in[key] = await signed_in(self.door, person, headers=on_device)
        return self._signed_in[key]

    async def enrolled(self, unit, kind, **changed):
        keeper = await self.headers(PEOPLE[unit, Role.DEVICE_KEEPER])
        return await devices.enrolled(self.door, keeper, kind.value, **changed)

    async def caller(self, holding, role, kind, *, fresh=False):
        """Return the headers of the holding's person of that role on its device of that kind."""
        device = None if kind is None else holding.devices[kind]
        if role is None:
            return device.headers
        return await self.headers(holding.person(role), device, fresh=fresh)

    async def send(self, case, *, ids, headers, signer=OFFICER, accept="*/*", bare=False):
        """Call the route; ``bare`` leaves out what is not in the path."""
        given = {} if bare else case.ask.make(self, signer, ids)
        return await self.door.request(
            case.method,
            case.path.replace(":path}", "}").format_map(VALUES | ids),
            **given | {"headers": {"Accept": accept, **given.get("headers", {}), **headers}},
        )

    @property
    def sample(self):
        """A recording that no dock has seen."""
        return self.recorded_by(str(uuid4()))

    def recorded_by(self, camera_id, camera=None):
        camera = camera or Camera(camera_id=UUID(camera_id))
        return camera.record(
            bay=self.folder / f"bay-{next(self._bays)}",
            footage=bodycam.footage(),
            started_at=bodycam.STARTED_AT,
            seconds=bodycam.SECONDS,
        )

    async def holding(self, unit, officer):
        """Make one of everything that a route can name, by the routes themselves."""
        camera = Camera(camera_id=uuid4())
        number = f"{next(_TERMINALS):08d}"
        more = {
            DeviceKind.CAMERA: {"public_key_pem": camera.public_key_pem},
            DeviceKind.TERMINAL: {"terminal_number": number},
        }
        held = Holding(
            unit,
            officer,
            {kind: await self.enrolled(unit, kind, **more.get(kind, {})) for kind in DeviceKind},
        )
        camera.camera_id = UUID(held.devices[DeviceKind.CAMERA].device_id)
        await self._journal(held)
        await self._fine(held, number)
        await self._money(held)
        await self._sanction(held)
        await self._footage(held, camera)
        held.ids |= await custody.coverage(self.sessions, held)
        held.ids |= await custody.retention(self.sessions, held)
        await self._courts(held)
        await self._access(held)
        held.ids |= await control.overdue_report(
            self.sessions,
            self.keys,
            officer=held.officer,
            official=held.person(Role.RESPONSIBLE_OFFICIAL),
        )
        return held

    async def _courts(self, held):
        administrator = await self.headers(held.person(Role.ADMINISTRATOR))
        body = {"name": "ЕАИАС СО"}
        answer = await self.door.post("/api/courts/systems", json=body, headers=administrator)
        held.ids["system_id"] = answer.raise_for_status().json()["system_id"]

    async def _access(self, held):
        officer = await self.headers(held.officer)
        official = await self.headers(held.person(Role.RESPONSIBLE_OFFICIAL))
        filed = await papers.filed(
            self.door, officer, held.officer, services=list(ROADSIDE_SERVICES)
        )
        request_id = filed.raise_for_status().json()["request_id"]
        async with transaction(self.sessions) as session:
            self.forms[request_id] = await session.scalar(
                sa.text("SELECT document_sha256 FROM access_requests WHERE id = :id"),
                {"id": UUID(request_id)},
            )
            spare = await session.scalar(
                sa.text("SELECT id FROM people WHERE iin = :iin"), {"iin": SPARE[held.unit].iin}
            )
        held.ids |= {
            "access_request_id": request_id,
            "person_id": str(spare),
            "responsible_id": await papers.person_id_of(self.door, official),
        }

    async def _journal(self, held):
        keeper = await self.headers(held.person(Role.DEVICE_KEEPER))
        shift_id = await devices.shift_of(self.door, keeper, held.officer)
        for kind in (DeviceKind.TABLET, DeviceKind.TERMINAL):
            device_id = held.devices[kind].device_id
            await devices.issued(self.door, keeper, held.officer, device_id, shift_id=shift_id)
        spare = await self.enrolled(held.unit, DeviceKind.TABLET)
        stored = await self.enrolled(held.unit, DeviceKind.TABLET)
        (sheet,) = await devices.sheets_for(self.door, keeper, shift_id, spare.device_id)
        self.sheets[sheet["assignment_id"]] = sheet["sheet"]
        path = f"/api/assignments/{sheet['assignment_id']}"
        lines = (await self.door.get(path, headers=keeper)).json()["journal"]
        held.ids |= {
            "assignment_id": sheet["assignment_id"],
            "device_id": stored.device_id,
            "device_ids": stored.device_id,
            "entry_id": lines[0]["entry_id"],
            "officer_iin": held.officer.iin,
            "shift_id": shift_id,
        }

    async def _fine(self, held, terminal_number):
        tablet, cashier = held.devices[DeviceKind.TABLET], held.devices[DeviceKind.TERMINAL]
        headers = await self.headers(held.officer, tablet)
        me = (await self.door.get("/api/me", headers=headers)).json()
        whose = fines.Officer(
            client=self.door,
            post_id=UUID(me["post_id"]),
            person_id=UUID(me["person_id"]),
            department_id=UUID(me["department"]["id"]),
            tablet_id=UUID(tablet.device_id),
            terminal_id=UUID(cashier.device_id),
            terminal_number=terminal_number,
            headers=headers,
            terminal=cashier.headers,
        )
        record_id = await fines.with_receipt(self.sessions, self.keys, whose, **fines.PLAIN)
        await whose.get(f"/api/offence-records/{record_id}/record.pdf")
        payment_id = await fines.begun(whose, record_id)
        order, _ = await fines.approved(whose)
        slips = await fines.ended(whose, order, DONE)
        await fines.printed(whose, order, slips)
        check_id = str(await fines.check(self.sessions, self.keys, whose))
        held.ids |= {
            "before": check_id,
            "check_id": check_id,
            "request_id": check_id,
            "offence_record_id": record_id,
            "order_id": str(order.order_id),
            "payment_id": payment_id,
            "post_id": me["post_id"],
            "slip_id": str(slips[0].slip_id),
            "slip_ids": str(slips[1].slip_id),
            "doubtful_slip_ids": str(slips[0].slip_id),
        }

    async def _money(self, held):
        clerk = await self.headers(held.person(Role.FINANCE_CLERK))
        answer = await self.door.post(
            f"/api/payments/{held.ids['payment_id']}/refunds",
            json={"amount_tiyn": 1, "reason": "amount_wrong", "note": "-"},
            headers=clerk | {"Idempotency-Key": uuid4().hex},
        )
        held.ids["refund_id"] = answer.raise_for_status().json()["refund_id"]
        # A case opens by time alone: here by a row.
        case_id = uuid4()
        async with transaction(self.sessions) as session:
            await session.execute(
                sa.text(
                    "INSERT INTO reconciliation_cases (id, kind, device_id, department_id, "
                    "status, opened_at, opened_because, explanation, conclusion) SELECT :id, "
                    "'hand_in', d.id, d.department_id, 'open', now(), '-', '', '' FROM devices d "
                    "WHERE d.id = :device"
                ),
                {"id": case_id, "device": UUID(held.devices[DeviceKind.TERMINAL].device_id)},
            )
            notice_id = await session.scalar(
                sa.text(
                    "SELECT n.id FROM register_notices n JOIN payments p "
                    "ON p.number = n.payment_number WHERE p.id = :payment"
                ),
                {"payment": UUID(held.ids["payment_id"])},
            )
        held.ids["case_id"], held.ids["notice_id"] = str(case_id), str(notice_id)

    async def _sanction(self, held):
        investigator = await self.headers(PEOPLE[held.unit, Role.INVESTIGATOR])
        answer = await self.door.post("/api/sanctions", json=SANCTION, headers=investigator)
        held.ids["sanction_id"] = answer.raise_for_status().json()["sanction_id"]

    async def _footage(self, held, camera):
        docked = self.recorded_by("", camera)
        headers = held.devices[DeviceKind.DOCK].headers
        (await bodycam.dock_whole(self.door, docked, headers)).raise_for_status()
        self.recorded[str(docked.recording_id)] = docked
        self.undocked[str(camera.camera_id)] = self.recorded_by("", camera)
        account = held.devices[DeviceKind.DOCK].device_id
        for container in ("c-1", "System"):
            for path in (container, f"{container}/o-1"):
                url = f"/axis/v1.0/{account}/{path}"
                (await self.door.put(url, headers=headers)).raise_for_status()
        held.ids["account"] = account
        begun = tus.beginning(self, None, {"recording_id": str(docked.recording_id)})["headers"]
        upload = await self.door.post("/tus", headers=headers | begun)
        held.ids["upload_id"] = upload.raise_for_status().headers["Location"].rpartition("/")[2]
        reviewer = await self.headers(held.person(Role.COMPLAINTS_REVIEWER))
        answer = await self.door.post("/api/complaints", json=complaint(), headers=reviewer)
        complaint_id = answer.raise_for_status().json()["complaint_id"]
        held.ids |= {
            "camera_id": str(camera.camera_id),
            "complaint": complaint_id,
            "complaint_id": complaint_id,
            "recording_id": str(docked.recording_id),
        }


_TERMINALS = itertools.count(71_000_000)
