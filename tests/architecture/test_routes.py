"""Every route is closed until it says for whom it is open, and stands under a limit of bytes."""

import ast
import inspect
import re

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.access import (
    Access,
    Role,
    RouteNotClosed,
    SystemKind,
    declared_access,
    refuse_open_routes,
)
from app.main import from_environment
from tests.architecture.sources import modules

# The whole list of what anybody may call. A line more is a decision, not an accident.
PUBLIC = {
    "/axis/auth/v1.0",
    "/api/sign-in",
    "/api/sign-in/challenge",
    "/health",
    "/language",
    "/log/checkpoint",
    "/log/growth/{earlier_size}",
    "/log/key",
    "/log/proof/{leaf_index}",
    "/log/tile/{tile_path:path}",
    "/sign-in",
    "/tus",  # which version and extensions are spoken, nothing else
    "/v/{paper}/{object_id}",
    "/verify/{paper}/{object_id}",
}
BODY_BYTES_MAX = 16 << 20  # one part of an upload or a camera's manifest, with room
# Whole files in one body: the service holds each to a limit of its own while it streams in.
WHOLE_FILES = {
    "/api/reconciliation/settlements",
    "/api/reconciliation/statements",
    "/axis/v1.0/{account}/{container}/{object_name:path}",
    "/tus",
    "/tus/{upload_id}",
}
FOR_DEVICES = ("/device/", "/axis/v1.0/", "/tus")  # ours, of body-worn systems of Axis, and tus


@pytest.fixture
def application(clean_environment):  # noqa: ARG001 - only the defaults of the settings
    return from_environment()


@pytest.fixture
def routes(application):
    return [
        route
        for route in iter_route_contexts(application.routes)
        if isinstance(route.original_route, APIRoute)
    ]


def test_every_route_declares_who_may_call_it(routes):
    open_to_all = [route.path for route in routes if declared_access(route) is None]

    assert len(routes) > len(PUBLIC)
    assert open_to_all == []


def test_what_anybody_may_call_is_a_short_known_list(routes):
    public = {route.path for route in routes if declared_access(route).public_because}

    assert public == PUBLIC


def test_a_route_for_devices_alone_lies_under_device_and_no_other_does(routes):
    for_devices = {
        route.path
        for route in routes
        if declared_access(route).devices and not declared_access(route).roles
    }

    assert for_devices == {route.path for route in routes if route.path.startswith(FOR_DEVICES)}


def test_an_identifier_in_a_path_says_of_what(routes):
    bare = [route.path for route in routes if re.search(r"\{(id|uuid|pk|name)(:|\})", route.path)]

    assert bare == []


def test_every_dependency_is_asynchronous(routes):
    def calls(dependant):
        for one in dependant.dependencies:
            yield one.call
            yield from calls(one)

    def waits(call):
        asynchronous = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        # A dependency that is an object, such as Access, waits in its __call__.
        return any(is_(one) for one in (call, type(call).__call__) for is_ in asynchronous)

    threaded = {
        f"{route.path}: {call}" for route in routes for call in calls(route.dependant)
        if not waits(call)
    }  # fmt: skip

    assert threaded == set()


def test_every_handler_is_asynchronous(routes):
    threaded = [r.path for r in routes if not inspect.iscoroutinefunction(r.endpoint)]

    assert threaded == []


def test_every_route_stands_under_a_limit_of_bytes(routes):
    unlimited = [
        route.path
        for route in routes
        if route.max_body_size is None
        or (route.max_body_size > BODY_BYTES_MAX and route.path not in WHOLE_FILES)
    ]

    assert unlimited == []


def test_the_application_itself_has_a_limit_of_bytes(application):
    assert application.router.max_body_size is not None


def test_no_path_is_served_twice(routes):
    served = [(method, route.path) for route in routes for method in sorted(route.methods)]

    assert len(served) == len(set(served))


def _application(router):
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    application.include_router(router)
    return application


async def answer():
    return {}


def test_a_route_that_declares_nothing_stops_the_start():
    router = APIRouter()
    router.add_api_route("/forgotten", answer)

    with pytest.raises(RouteNotClosed, match="/forgotten"):
        refuse_open_routes(_application(router))


def test_a_forgotten_route_deep_inside_stops_the_start():
    inner, outer = APIRouter(), APIRouter(prefix="/outer")
    inner.add_api_route("/forgotten", answer)
    outer.include_router(inner)

    with pytest.raises(RouteNotClosed, match="/outer/forgotten"):
        refuse_open_routes(_application(outer))


def test_a_socket_stops_the_start():
    router = APIRouter()
    router.add_api_websocket_route("/socket", answer)

    with pytest.raises(RouteNotClosed, match="/socket"):
        refuse_open_routes(_application(router))


def test_a_mounted_application_stops_the_start():
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    application.mount("/else", FastAPI())

    with pytest.raises(RouteNotClosed, match="/else"):
        refuse_open_routes(application, static_mounts=frozenset({"/static"}))


def test_a_generated_documentation_page_stops_the_start():
    with pytest.raises(RouteNotClosed):
        refuse_open_routes(FastAPI())


def test_a_declared_route_starts():
    router = APIRouter()
    router.add_api_route("/closed", answer, dependencies=[Depends(Access(roles=[Role.AUDITOR]))])

    refuse_open_routes(_application(router))


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"roles": [Role.AUDITOR], "public_because": "nobody minds"},
        {"systems": [SystemKind.EAIAS], "public_because": "nobody minds"},
        {"systems": [SystemKind.EAIAS], "roles": [Role.AUDITOR]},
    ],
)
def test_access_names_callers_or_a_reason_and_never_both(declared):
    with pytest.raises(ValueError, match="not both"):
        Access(**declared)


def test_no_route_is_for_people_of_courts_signed_in():
    assert Access(roles=Role).roles == set(Role) - {Role.COURT}
    with pytest.raises(ValueError, match="name the callers"):
        Access(roles=[Role.COURT])


def test_no_module_serves_files_past_the_routes():
    # FastAPI keeps what ``frontend`` serves outside of the list of routes that the start checks.
    serving = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "frontend"
    ]

    assert serving == []
