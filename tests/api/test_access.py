"""Every route of the application, tried by everybody whom it does not admit.

Generated from the application: a new route is tried with no change here. What the generator must
be told of one (which object a parameter names, what a good body is) stands in
``factories_access.py``, and the first test names what is missing.
"""

import asyncio
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Depends

from app.access import Access, DeviceKind, Role
from app.db import Base, transaction
from sim.district import OFFICER, SECOND_OFFICER
from tests.factories_access import OBJECTS, cases, gaps, unknown
from tests.factories_devices import Enrolled
from tests.factories_identity import trust_the_authority
from tests.factories_units import AWAY, HOME, PEOPLE, World

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND = 401, 403, 404
LET_IN = {200, 201, 202, 204, 206, 303, 409}  # 409: found, and in no state for this
SIGNED_OUT = "access.not_signed_in"
NO_DEVICE = "access.device_not_known"
NOT_ADMITTED = "access.not_admitted"
# Written by whoever calls, refused or not.
LOGS = {"audit_checkpoints", "audit_leaves", "audit_outbox", "challenges", "sessions", "signatures"}
PARALLEL = 4


class Findings:
    """What went wrong, by route. It tells statuses and codes only: an answer may name people."""

    def __init__(self):
        self._of = {}

    def __bool__(self):
        return bool(self._of)

    def __str__(self):
        lines = []
        for route, found in sorted(self._of.items()):
            lines += [f"\n{route}", *(f"    {one}" for one in found)]
        return "\n".join(lines)

    def expect(self, case, what, answer, *wanted):
        if shown(answer) not in wanted and (case.method != "HEAD" or answer.status_code not in
                                            {int(one.split()[0]) for one in wanted}):
            self.add(case, what, answer, " or ".join(wanted))

    def add(self, case, what, answer, wanted):
        self._of.setdefault(case.route, []).append(f"{what}: {shown(answer)}, not {wanted}")


def shown(answer):
    """Return status and code."""
    problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return f"{answer.status_code} {answer.json()['code'] if problem else ''}".strip()
