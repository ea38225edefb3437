"""Every route is closed until it says for whom it is open, and stands under a limit of bytes."""

import ast
import inspect

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.access import Access, Role, RouteNotClosed, declared_access, refuse_open_routes
from app.main import from_environment
from tests.architecture.sources import modules

# The whole list of what anybody may call. A line more is a decision, not an accident.
PUBLIC = {
    "/health",
}


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


def test_a_route_for_devices_lies_under_device(routes):
    mixed = [
        route.path
        for route in routes
        if (declared_access(route).devices and not declared_access(route).roles)
        != route.path.startswith("/device/")
    ]

    assert mixed == []


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


def test_the_application_limits_every_body(application):
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
    "declared", [{}, {"roles": [Role.AUDITOR], "public_because": "nobody minds"}]
)
def test_access_names_callers_or_a_reason_and_never_both(declared):
    with pytest.raises(ValueError, match="not both"):
        Access(**declared)


@pytest.mark.parametrize("name", sorted(modules()))
def test_no_module_serves_files_past_the_routes(name):
    # FastAPI keeps what ``frontend`` serves outside of the list of routes that the start checks.
    serving = [
        node.lineno
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "frontend"
    ]

    assert serving == []
