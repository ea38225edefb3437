"""Every route of the application, tried by everybody whom it does not admit.

Generated from the application: a new route is tried with no change here. What the generator must
be told of one (which object a parameter names, what a good body is) stands in
``factories_access.py``, and the first test names what is missing.
"""

import itertools
import re
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
import structlog
from fastapi import Depends

from app.access import SIGNING_IN, Access, DeviceKind, Principal, Role
from app.db import Base, transaction
from devices.errors import DeviceNotFound
from fines.schemas import PaymentIn
from sim.district import SECOND_OFFICER
from tests.factories_access import OBJECTS, cases, gaps, unknown
from tests.factories_identity import trust_the_authority
from tests.factories_units import AWAY, HOME, PEOPLE, World

LET_IN = {200, 201, 202, 204, 206, 303, 409}  # 409: found, and in no state for this
NOT_SIGNED_IN = "401 access.not_signed_in"
NO_DEVICE = "401 access.device_not_known"
NO_SYSTEM = "401 access.system_not_known"
SESSION_OVER = "401 identity.session_over"
NOT_ADMITTED = "403 access.not_admitted"
CROSS_SITE = "403 identity.cross_site"
NOT_FOUND = "404"
OUT_OF_SERVICE = ("suspended", "lost", "retired")
# Written by whoever calls, refused or not: the log, what signing in leaves, and what NUC RK said
# of a certificate, which is asked about before anything is decided. Requests to registers are
# recorded when they are refused too.
ALWAYS_WRITTEN = (
    "audit_", "challenges", "register_requests", "revocation_", "sampling_seeds", "sessions",
    "signatures",
)  # fmt: skip


class Findings:
    """What went wrong, by route. It tells statuses and codes only: an answer may name people."""

    def __init__(self):
        self._of = {}

    def __bool__(self):
        return bool(self._of)

    def __str__(self):
        return "\n".join(
            line for route, found in sorted(self._of.items()) for line in (route, *found)
        )

    def expect(self, case, who, answer, *wanted):
        if shown(answer) not in {_bodiless(case, one) for one in wanted}:
            self.add(case, f"{who}: {shown(answer)} instead of {' or '.join(wanted)}")

    def add(self, case, line):
        self._of.setdefault(case.route, []).append(f"    {line}")


def shown(answer):
    """Return status and code."""
    problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    code = answer.json()["code"] if problem and answer.content else ""
    return f"{answer.status_code} {code}".strip()


def _bodiless(case, wanted):
    return wanted.split()[0] if case.method == "HEAD" else wanted


@pytest.fixture(autouse=True)
def _quiet():
    """Keep a line for each of thousands of requests out of the report."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def door(app, settings):
    """The application's own door; a fault is an answer as any other."""
    trust_the_authority(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as door:
        yield door


@pytest.fixture
async def world(door, sessions, keys, tmp_path):
    return await World.create(door, sessions, keys, tmp_path)


def unknown_ids(case):
    return {name: unknown(name) for name in case.names}


def test_the_generator_knows_what_every_route_names(app):
    missing = gaps(app)

    assert not missing, "\n".join(missing)


def _nobody(case):
    """Return what a caller hears who is none of those without a role that a route admits."""
    return NO_SYSTEM if case.access.systems else NO_DEVICE


# --- the attempts; each takes the world and the cases, and notes what was answered wrongly ------


async def nobody(world, ways, found):
    strangers = {
        "nobody": {},
        "a made-up session": {"Authorization": f"Bearer {uuid4().hex}"},
        "an empty session": {"Authorization": "Bearer "},
        "a made-up cookie": {
            "Cookie": f"saqshy_session={uuid4().hex}",
            "Origin": "http://testserver",
        },
    }
    for case in ways:
        wanted = NOT_SIGNED_IN if case.access.roles else _nobody(case)
        for who, headers in strangers.items():
            answer = await world.send(case, ids=unknown_ids(case), headers=headers)
            found.expect(case, who, answer, wanted)
        answer = await world.send(case, ids=unknown_ids(case), headers={}, bare=True)
        found.expect(case, "nobody, with nothing", answer, wanted)
        answer = await world.send(case, ids=unknown_ids(case), headers={}, accept="text/html")
        found.expect(case, "nobody, in a browser", answer, "303" if case.is_page else wanted)
        to = answer.headers.get("Location", "")
        if case.is_page and not to.startswith("/sign-in?next="):
            found.add(case, "nobody, in a browser: is not sent to sign in")


async def other_roles(world, ways, found):
    devices = {kind: await world.enrolled(HOME, kind) for kind in DeviceKind}
    for case in ways:
        # A person is nobody to a route of devices; elsewhere the device is right, the role is not.
        wanted = NOT_ADMITTED if case.access.roles else _nobody(case)
        kinds = case.access.devices if case.access.roles else {}
        for role, kind in itertools.product(SIGNING_IN - case.access.roles, kinds or {None}):
            headers = await world.headers(PEOPLE[HOME, role], devices.get(kind))
            answer = await world.send(case, ids=unknown_ids(case), headers=headers)
            found.expect(case, role.value, answer, wanted)


async def sessions_that_are_not_good(world, ways, found):
    """A session that was ended, and a live one that another site uses by its cookie."""
    ended, live = {}, {}
    for role in SIGNING_IN:
        live[role] = await world.headers(PEOPLE[HOME, role])
        ended[role] = await world.headers(PEOPLE[HOME, role], fresh=True)
        await world.door.post("/api/sign-out", headers=ended[role])
    for case in ways:
        for role in case.access.roles:
            answer = await world.send(case, ids=unknown_ids(case), headers=ended[role])
            found.expect(case, f"{role.value}, signed out", answer, SESSION_OVER)
            if case.is_read:
                continue
            token = live[role]["Authorization"].removeprefix("Bearer ")
            for site in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
                headers = {"Cookie": f"saqshy_session={token}"} | site
                answer = await world.send(case, ids=unknown_ids(case), headers=headers)
                found.expect(case, f"{role.value}, by another site", answer, CROSS_SITE)


async def other_devices(world, ways, found):
    yards = [
        {kind: await world.enrolled(unit, kind) for kind in DeviceKind}
        for unit in (HOME, HOME, AWAY)
    ]
    gone = [one async for one in _out_of_service(world, ways)]
    for case in ways:
        if case.access.roles:
            attempts = [one async for one in _of_people(world, case, yards, gone)]
        else:
            attempts = _of_devices(case, yards[0], gone)
        for who, headers, wanted in attempts:
            answer = await world.send(case, ids=unknown_ids(case), headers=headers)
            found.expect(case, who, answer, wanted)


async def _of_people(world, case, yards, gone):
    """Yield who, headers and what to expect, of a person who is admitted."""
    at_home, role = yards[0], _acting(case)
    person = PEOPLE[HOME, role]
    kinds = case.access.devices or {DeviceKind.TABLET}
    for kind in kinds:
        bound = await world.headers(person, at_home[kind])
        for one in _of_bound(bound, kind, *yards):
            yield one
    for how, kind, device, sessions in gone:
        if kind in kinds:
            yield f"on a device now {how}", device.headers | sessions[role], NO_DEVICE
    if case.access.devices:
        alone = await world.headers(person)
        yield "signed in without a device", alone, NO_DEVICE
        for kind in kinds:
            yield "signed in elsewhere", alone | at_home[kind].headers, NOT_ADMITTED
        for kind in set(DeviceKind) - kinds:
            headers = await world.headers(person, at_home[kind])
            yield f"signed in on a {kind.value}", headers, NOT_ADMITTED


def _acting(case):
    """Return the role that tries the devices of a route: the first that it admits."""
    return case.callers()[0][0]


def _of_devices(case, at_home, gone):
    """Yield the same, where a device or a system acts alone."""
    for kind in DeviceKind:
        if case.access.systems:
            yield f"a {kind.value}", at_home[kind].headers, NO_SYSTEM
            continue
        if kind not in case.access.devices:
            yield f"a {kind.value}", at_home[kind].headers, NOT_ADMITTED
            continue
        for how, credential in _made_up(at_home[kind]).items():
            yield how, {"Device-Credential": credential}, NO_DEVICE
    for how, kind, one, _ in gone:
        if kind in case.access.devices:
            yield f"a {kind.value} now {how}", one.headers, NO_DEVICE


def _of_bound(bound, kind, at_home, second, away):
    """Yield the same, of a session opened on the device at home of that kind."""
    session = {"Authorization": bound["Authorization"]}
    yield "on a device, without its credential", session, NO_DEVICE
    for how, credential in _made_up(at_home[kind]).items():
        yield how, session | {"Device-Credential": credential}, NO_DEVICE
    for other in DeviceKind:
        yield f"with another {other.value}", session | second[other].headers, NOT_ADMITTED
    yield "with another unit's device", session | away[kind].headers, NOT_ADMITTED


def _made_up(device):
    device_id, secret = device.credential.split(".")
    return {
        "an empty credential": "",
        "garbage": "garbage",
        "a made-up device": f"{uuid4()}.{secret}",
        "a wrong secret": f"{device_id}.{'A' * len(secret)}",
        "no secret": f"{device_id}.",
        "a secret cut short": f"{device_id}.{secret[:-1]}",
    }


async def _out_of_service(world, ways):
    """Yield how, kind, device and the sessions opened on it while it was still good."""
    keeper = await world.headers(PEOPLE[HOME, Role.DEVICE_KEEPER])
    acting = {_acting(case) for case in ways if case.access.roles}
    held = {kind for case in ways if case.access.roles for kind in case.access.devices}
    for kind in DeviceKind:
        for how in (*OUT_OF_SERVICE, "enrolled anew"):
            device = await world.enrolled(HOME, kind)
            roles = acting if kind in held | {DeviceKind.TABLET} else ()
            sessions = {role: await world.headers(PEOPLE[HOME, role], device) for role in roles}
            path = f"/api/devices/{device.device_id}"
            if how in OUT_OF_SERVICE:
                body = {"status": how, "reason": "other"}
                answer = await world.door.post(f"{path}/status", json=body, headers=keeper)
            else:
                answer = await world.door.post(f"{path}/enrollment", headers=keeper)
            answer.raise_for_status()
            yield how, kind, device, sessions


async def strangers(world, ways, found, *, owner, caller):
    """Name objects of ``owner``, one at a time and all at once; nothing tells that they exist.

    The caller's other objects are his own, so that nothing but the one name is wrong. A
    colleague is a caller of the same unit: he tries what is personal.
    """
    colleague = owner.unit == caller.unit
    for case in ways:
        for role, kind in case.callers():
            if colleague and role not in {None, Role.PATROL_OFFICER}:
                continue
            names = [
                one
                for one in case.names
                if (not colleague or case.is_personal(one)) and not case.is_open(one, role)
            ]
            tried = {(one,) for one in names} | ({tuple(names)} if names else set())
            for wrong in sorted(tried):
                await _name_wrongly(world, case, found, role, kind, wrong, owner, caller)


async def _name_wrongly(world, case, found, role, kind, wrong, owner, caller):
    headers = await world.caller(caller, role, kind)

    async def naming(ids):
        signer = caller.person(role)
        answer = await world.send(case, ids=caller.ids | ids, headers=headers, signer=signer)
        return shown(answer), _unnamed(answer, ids)

    real, told = await naming({name: owner.ids[name] for name in wrong})
    made_up, told_of_nothing = await naming({name: unknown(name) for name in wrong})
    whose = "a colleague's" if owner.unit == caller.unit else "another unit's"
    who = f"{(role or kind).value} naming {whose} {', '.join(wrong)}"
    if (real, told) != (made_up, told_of_nothing):
        found.add(case, f"{who}: {real}; a made-up one: {made_up}")
    elif not set(wrong) <= case.ask.harmless.keys() and not real.startswith(NOT_FOUND):
        found.add(case, f"{who}: {real} instead of {NOT_FOUND}")


def _unnamed(answer, ids):
    """Return what an answer tells, past the ids that the caller sent himself and the time."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "*", answer.text)
    # A request to a register is recorded whatever becomes of it, and told under an id of its own.
    recorded = re.findall(r'"check_id":"([0-9a-f-]{36})"', text)
    for one in (*ids.values(), *recorded):
        text = text.replace(one, "*")
    return text


async def readers(world, ways, found, *, owner, caller):
    """Let ``caller`` read what is his: nothing of the owner's stands in any answer."""
    colleague = owner.unit == caller.unit
    hidden = {
        name: one.encode()
        for name, one in owner.ids.items()
        if OBJECTS[name].personal or not colleague
    }
    for case in ways:
        for role, kind in case.callers() if case.is_read else ():
            if colleague and role not in {None, Role.PATROL_OFFICER}:
                continue
            headers = await world.caller(caller, role, kind)
            answer = await world.send(case, ids=caller.ids, headers=headers)
            shows = [
                name
                for name, one in hidden.items()
                if one in answer.content and not case.is_open(name, role)
            ]
            if shows:
                whose = "a colleague's" if colleague else "another unit's"
                found.add(case, f"{(role or kind).value} is shown {whose} {', '.join(shows)}")


async def owners(world, ways, found, *, owner):
    """Let everybody in who is named: or else the attempts above would prove nothing."""
    for case in ways:
        for role, kind in case.callers() if case.ask.good else ():
            ends = "sign-out" in case.path  # the session that all others share would be over
            headers = await world.caller(owner, role, kind, fresh=ends)
            signer = owner.person(role)
            answer = await world.send(case, ids=owner.ids, headers=headers, signer=signer)
            if answer.status_code not in LET_IN:
                who = " on a ".join(one.value for one in (role, kind) if one)
                found.add(case, f"{who}, its owner: {shown(answer)}")


async def stored(sessions):
    """Return the hash of every table that a refused caller must leave as it was."""
    hashes = {}
    async with transaction(sessions) as session:
        for name in Base.metadata.tables:
            if not name.startswith(ALWAYS_WRITTEN):
                rows = sa.text(
                    f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t"
                )
                hashes[name] = await session.scalar(rows)
    return hashes


# --- the promises ------------------------------------------------------------------------------


async def test_nobody_enters(app, world):
    found = Findings()

    await nobody(world, cases(app), found)

    assert not found, str(found)


async def test_no_other_role_enters(app, world):
    found = Findings()

    await other_roles(world, cases(app), found)
    await sessions_that_are_not_good(world, cases(app), found)

    assert not found, str(found)


async def test_no_other_device_enters(app, world):
    found = Findings()

    await other_devices(world, cases(app), found)

    assert not found, str(found)


@pytest.fixture
async def owner(world):
    return await world.holding(HOME, PEOPLE[HOME, Role.PATROL_OFFICER])


@pytest.fixture
async def colleague(world):
    return await world.holding(HOME, SECOND_OFFICER)


@pytest.fixture
async def away(world):
    return await world.holding(AWAY, PEOPLE[AWAY, Role.PATROL_OFFICER])


async def test_what_is_anothers_is_not_found(app, world, sessions, owner, colleague, away):
    found, ways = Findings(), _known(app)
    before = await stored(sessions)

    await strangers(world, ways, found, owner=owner, caller=away)
    await strangers(world, ways, found, owner=owner, caller=colleague)
    after = await stored(sessions)

    assert not found, str(found)
    assert [name for name in before if before[name] != after[name]] == []


async def test_nothing_of_anothers_is_shown(app, world, owner, colleague, away):
    found = Findings()

    await readers(world, _known(app), found, owner=owner, caller=away)
    await readers(world, _known(app), found, owner=owner, caller=colleague)

    assert not found, str(found)


async def test_who_is_named_enters_and_finds_his_own(app, world, owner):
    found = Findings()

    await owners(world, _known(app), found, owner=owner)

    assert not found, str(found)


def _known(app):
    return [case for case in cases(app) if case.is_known]


# --- the generator itself ----------------------------------------------------------------------


class Asleep(Access):
    """Declares as any other and lets everybody in."""

    async def __call__(self, request):
        request.state.principal = Principal(department_id=uuid4())


async def tells(device_id: UUID):
    return {"device_id": str(device_id)}


async def never_there(device_id: UUID):
    raise DeviceNotFound(device_id)


async def unheard_of(thing_id: UUID, body: PaymentIn):
    return {"thing_id": str(thing_id), "of": str(body.offence_record_id)}


def ways_to(app, endpoint, access=None, path="/api/new/{device_id}"):
    access = access or Access(roles=[Role.PATROL_OFFICER], devices=[DeviceKind.TABLET])
    app.add_api_route(path, endpoint, dependencies=[Depends(access)], methods=["POST"])
    return [case for case in cases(app) if case.path == path]


async def test_a_new_route_that_admits_everybody_is_found(app, world):
    access = Asleep(roles=[Role.PATROL_OFFICER], devices=[DeviceKind.TABLET])
    ways = ways_to(app, tells, access)

    for attempt in (nobody, other_roles, sessions_that_are_not_good, other_devices):
        found = Findings()
        await attempt(world, ways, found)
        assert "POST /api/new/{device_id}" in str(found), attempt.__name__


async def test_a_new_route_that_never_looks_whose_it_is_is_found(app, world, owner, away):
    ways, found = ways_to(app, tells), Findings()

    await strangers(world, ways, found, owner=owner, caller=away)

    assert "patrol_officer naming another unit's device_id: 200 instead of 404" in str(found)


async def test_a_new_route_that_nobody_can_use_is_found(app, world, owner):
    ways, found = ways_to(app, never_there), Findings()

    await owners(world, ways, found, owner=owner)

    assert "its owner: 404 devices.device_not_found" in str(found)


def test_a_new_route_names_what_the_generator_lacks(app):
    ways_to(app, unheard_of, path="/api/new/{thing_id}")

    where = "POST /api/new/{thing_id}: say in factories_access.py"
    assert gaps(app) == [
        f"{where} which object {{thing_id}} names",
        f"{where} what a good body of it is",
        f"{where} which object its field or query 'check_id' names",
        f"{where} which object its field or query 'offence_record_id' names",
    ]
