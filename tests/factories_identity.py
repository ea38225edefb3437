"""Identity for tests: an authority of the run, the district's staff, signed-in callers."""

import base64
import functools
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from app.db import transaction
from app.identity import service
from app.identity.rules.certificates import Environment, trust_from_pem
from app.identity.schemas import StaffDepartment, StaffEntry, StaffFile
from sim.authority import Authority, Use
from sim.district import (
    COMMITTEE_BIN,
    DEPARTMENT_BIN,
    OTHER_DEPARTMENT_BIN,
    STAFF,
    SUPERIORS,
)
from sim.gost_authority import GostAuthority
from tests.factories_rights import grant_to_all

_FOLDER = tempfile.TemporaryDirectory(prefix="saqshy-authority-")
RESPONDING = []  # who answers about revocation in this run; see the fixture ``revocation``
_VALID_FROM = date(2026, 1, 1)


@functools.cache
def authority(name="trusted"):
    """Return the run's authority of this name; smaller keys than NUC's own, to be made quickly."""
    return Authority.create(Path(_FOLDER.name) / name, authority_key_bits=2048)


def pem_of(one):
    return [file.read_bytes() for file in sorted(one.roots_dir.glob("*.pem"))]


@functools.cache
def gost_authority():
    """Return the run's authority under GOST-2015."""
    return GostAuthority.create(Path(_FOLDER.name) / "gost")


@functools.cache
def trust(name="trusted"):
    return trust_from_pem(pem_of(authority(name)), environment=Environment.TEST)


def staff_entry(staff, **changed):
    values = {
        "iin": staff.iin,
        "surname": staff.surname,
        "given_name": staff.given_name,
        "patronymic": staff.patronymic,
        "department_bin": staff.department_bin,
        "role": staff.role,
        "title": staff.title,
        "badge": staff.badge,
        "valid_from": _VALID_FROM,
    }
    return StaffEntry(**(values | changed))


def staff_file(staff=STAFF, **changed):
    """Return the district's personnel file."""
    departments = (
        StaffDepartment(bin=DEPARTMENT_BIN, name_kk="Бірінші батальон", name_ru="Первый батальон"),
        StaffDepartment(
            bin=OTHER_DEPARTMENT_BIN, name_kk="Екінші батальон", name_ru="Второй батальон"
        ),
        StaffDepartment(bin=COMMITTEE_BIN, name_kk="Комитет", name_ru="Комитет"),
    )
    listed = {one.iin for one in staff if not isinstance(one, StaffEntry)}
    above = {iin: over for iin, over in SUPERIORS.items() if over in listed}
    entries = tuple(
        one if isinstance(one, StaffEntry) else staff_entry(one, superior_iin=above.get(one.iin))
        for one in staff
    )
    return StaffFile(**({"departments": departments, "staff": entries} | changed))


async def district(sessions, *, with_rights=True, **changed):
    """Put the district's staff into a database, with all the rights that their roles may have."""
    async with transaction(sessions) as session:
        done = await service.import_staff(
            session, document=staff_file(**changed), now=datetime.now(UTC)
        )
    if with_rights:
        await grant_to_all(sessions)
    return done


def trust_the_authority(settings, name="trusted"):
    """Put the authority's roots where a server of these settings looks for them.

    Whoever answers at the address of the settings knows its certificates from now on.
    """
    for one in RESPONDING:
        if settings.ocsp_url is not None and str(settings.ocsp_url) == one.ocsp_url:
            one.join(authority(name))
    for place, pem in enumerate(pem_of(authority(name))):
        (settings.trust_roots_dir / f"{place}.pem").write_bytes(pem)


async def answer_challenge(client, staff, *, use=Use.AUTH, headers=None, **more):
    """Ask for a challenge, sign it, and return the server's answer to the signature."""
    asked = await client.post("/api/sign-in/challenge", headers=headers)
    content = base64.b64decode(asked.json()["challenge"])
    body = {
        "challenge_id": asked.json()["challenge_id"],
        "cms": base64.b64encode(authority().sign(staff, content, use)).decode(),
    }
    return await client.post("/api/sign-in", json=body | more, headers=headers)


async def signed_in(client, staff, *, headers=None):
    """Return the headers of a caller signed in as ``staff``."""
    answer = await answer_challenge(client, staff, headers=headers)
    assert answer.status_code == 200, answer.text
    return (headers or {}) | {"Authorization": f"Bearer {answer.json()['token']}"}
