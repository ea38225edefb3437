"""T21, generated from the application: no route gives the officer a void, a refund or an amount."""

import re
from typing import get_args
from uuid import uuid4

from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from app.access import DeviceKind, Role, declared_access
from tests.factories_devices import audited

# Words of acts on money that are other people's, in a path, a name or a field.
ACTS = re.compile(
    r"refund|void|settle|reconcil|ledger|posting|hand.?in|conclusion|decision|treasury|original",
    re.IGNORECASE,
)
AMOUNTS = re.compile(
    r"amount|tiyn|tenge|\bsum\b|discount|duplicate|copy_number|original|rounding|refund|void"
)
# What an officer reads is told, not taken.
READS = {"GET", "HEAD"}


def routes(application):
    for route in iter_route_contexts(application.routes):
        access = declared_access(route) if isinstance(route.original_route, APIRoute) else None
        if access is not None:
            yield route, access


def fields_of(annotation, seen=()):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return
        for name, info in annotation.model_fields.items():
            yield name
            yield from fields_of(info.annotation, (*seen, annotation))
    else:
        for inner in get_args(annotation):
            yield from fields_of(inner, seen)


def taken_by(route):
    """Return the names of everything that a caller may send to a route."""
    dependant = route.dependant
    for param in (*dependant.query_params, *dependant.header_params, *dependant.body_params):
        yield param.alias
        yield from fields_of(param.field_info.annotation)


def of_officer(application):
    for route, access in routes(application):
        if Role.PATROL_OFFICER in access.roles and access.roles != frozenset(
            one for one in Role if one is not Role.COURT
        ):
            yield route


def test_no_route_of_the_officer_is_an_act_on_money(app):
    found = [
        route.path
        for route in of_officer(app)
        if ACTS.search(route.path) or ACTS.search(route.original_route.name)
    ]

    assert found == []


def test_no_route_takes_a_sum_or_a_mark_of_the_paper_from_the_officer(app):
    found = [
        (route.path, name)
        for route in of_officer(app)
        if not READS & set(route.methods)
        for name in taken_by(route)
        if AMOUNTS.search(name)
    ]

    assert found == []


def test_no_act_on_money_admits_the_officer_or_his_tablet(app):
    found = [
        route.path
        for route, access in routes(app)
        if re.search(r"refund|void|settlement|reconciliation|hand-in", route.path)
        and (Role.PATROL_OFFICER in access.roles or DeviceKind.TABLET in access.devices)
    ]
    known = [route.path for route, _ in routes(app) if "refund" in route.path]

    assert known
    assert found == []


async def test_every_act_on_money_refuses_the_officer(app, officer, client, sessions):
    refused = []
    for route, access in routes(app):
        if not re.search(r"refund|settlement|statement|reconciliation|hand-in|finance", route.path):
            continue
        if Role.PATROL_OFFICER in access.roles:
            continue
        path = re.sub(r"\{\w+\}", str(uuid4()), route.path)
        for method in sorted(set(route.methods) - {"HEAD"}):
            for proofs in (officer.headers, officer.terminal, officer.headers | officer.terminal):
                headers = proofs | {"Idempotency-Key": uuid4().hex}
                answer = await client.request(method, path, json={}, headers=headers)
                refused.append((answer.status_code in {401, 403}, method, route.path))

    assert len(refused) > 30
    assert [one for one in refused if not one[0]] == []
    assert await audited(sessions, "fines.refund_requested") == []
