"""Who may call a route. Every route declares it; a route that does not cannot be served.

A caller is two separate facts: the *person* (a session made by electronic signature) and the
*device* (its own credential). Each route names the roles and the kinds of device it accepts;
what belongs to another unit is refused by the slice's service, which answers "not found".
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Mount

from app.cutting import Answer
from app.errors import DomainError, Kind


class Role(enum.Enum):
    """The functions a person may hold through a post; see ``docs/glossary.md``."""

    PATROL_OFFICER = "patrol_officer"
    INVESTIGATOR = "investigator"
    DEVICE_KEEPER = "device_keeper"
    DUTY_OFFICER = "duty_officer"
    COMPLAINTS_REVIEWER = "complaints_reviewer"
    RESPONSIBLE_OFFICIAL = "responsible_official"
    EXCHANGE_OPERATOR = "exchange_operator"
    EXCHANGE_CONTROLLER = "exchange_controller"
    FINANCE_CLERK = "finance_clerk"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    COURT = "court"  # behind a call of the courts' system; signs in nowhere (Order 151, item 24)


SIGNING_IN = frozenset(Role) - {Role.COURT}


class SystemKind(enum.Enum):
    """The systems of other bodies that call us, with the person behind each call."""

    EAIAS = "eaias"  # the courts' information and analytical system


class DeviceKind(enum.Enum):
    """The devices we know. A terminal acts through its agent, a camera through its dock."""

    TABLET = "tablet"
    TERMINAL = "terminal"
    CAMERA = "camera"
    DOCK = "dock"


class NotSignedIn(DomainError):
    """No session, or one that has ended."""

    kind = Kind.UNAUTHENTICATED
    code = "access.not_signed_in"
    cure = "Sign in with your electronic signature."


class DeviceNotKnown(DomainError):
    """No device credential, a wrong one, or one of a device that is out of service."""

    kind = Kind.UNAUTHENTICATED
    code = "access.device_not_known"
    cure = "Use a device that the device keeper has enrolled."


class SystemNotKnown(DomainError):
    """No credential of a system, a wrong one, or one that was withdrawn."""

    kind = Kind.UNAUTHENTICATED
    code = "access.system_not_known"
    cure = "Ask the administrator for a credential of your system."


class NotYourRoute(DomainError):
    """The caller is known, but its role or kind of device is not admitted here."""

    kind = Kind.FORBIDDEN
    code = "access.not_admitted"
    cure = "Ask the exchange operator or the device keeper for the right you need."


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls: facts that were checked for this very request.

    ``person_id``, ``post_id``, ``role`` and ``session_id`` are ``None`` on routes for devices
    alone; ``device_id`` and ``device_kind`` are ``None`` where no device was asked for.
    ``department_id`` is the person's unit, or the device's where no person calls. ``system_id``
    is the system of another body that brings the call; it has no rights of its own.
    """

    department_id: UUID
    person_id: UUID | None = None
    post_id: UUID | None = None
    role: Role | None = None
    session_id: UUID | None = None
    device_id: UUID | None = None
    device_kind: DeviceKind | None = None
    system_id: UUID | None = None

    @property
    def person(self) -> UUID:
        """The person's id, on a route that admits persons only."""
        if self.person_id is None:
            raise NotSignedIn("this act needs a person")
        return self.person_id

    @property
    def device(self) -> UUID:
        """The device's id, on a route that admits devices only."""
        if self.device_id is None:
            raise DeviceNotKnown("this act needs a device")
        return self.device_id

    @property
    def system(self) -> UUID:
        """The system's id, on a route that admits systems only."""
        if self.system_id is None:
            raise SystemNotKnown("this act needs a system")
        return self.system_id


class Access:
    """A FastAPI dependency that admits the named callers and nobody else.

    Give ``roles`` for persons, ``devices`` for devices, both where a person must act from an
    enrolled device, ``systems`` for systems of other bodies, or ``public_because`` with the
    reason why anybody may call.
    """

    def __init__(
        self,
        *,
        roles: Iterable[Role] = (),
        devices: Iterable[DeviceKind] = (),
        systems: Iterable[SystemKind] = (),
        public_because: str = "",
    ) -> None:
        self.roles = frozenset(roles) & SIGNING_IN  # whoever signs in nowhere is admitted nowhere
        self.devices = frozenset(devices)
        self.systems = frozenset(systems)
        self.public_because = public_because
        if bool(public_because) == bool(self.roles or self.devices or self.systems):
            raise ValueError("name the callers, or say why the route is public: not both")
        if self.systems and (self.roles or self.devices):
            raise ValueError("a system brings its person in the message: not both")

    async def __call__(self, request: Request) -> Principal | None:
        """Return the checked caller, or ``None`` on a public route.

        Raises:
            NotSignedIn, DeviceNotKnown, SystemNotKnown: the needed proof is absent or no longer
                good.
            NotYourRoute: the proof is good, the right is missing.
        """
        if self.public_because:
            return None
        if self.systems:
            request.state.principal = system = await _system(request)
            return system
        person, device = await proofs(request, person=bool(self.roles), device=bool(self.devices))
        if self.roles and person is None:
            raise NotSignedIn("no session")
        if person is not None and person.role not in self.roles:
            raise NotYourRoute("role not admitted")
        # A session opened on a device is good on that device alone, whatever the route asks for.
        bound = person is not None and person.device_id is not None
        if bound and not self.devices:
            _, device = await proofs(request, person=False, device=True)
        if device is None and (self.devices or bound):
            raise DeviceNotKnown("no device credential")
        if device is not None and self.devices and device.device_kind not in self.devices:
            raise NotYourRoute("kind of device not admitted")
        principal = _joined(person, device)
        request.state.principal = principal
        if principal.session_id is not None:  # from here on its end cuts the answer
            answer: Answer | None = getattr(request.state, "answer", None)
            if answer is not None:
                answer.admit(principal.session_id)
        return principal


def _joined(person: Principal | None, device: Principal | None) -> Principal:
    if person is None or device is None:
        only = person or device
        if only is None:
            raise NotSignedIn("nobody")
        return only
    # A session is bound to the device it was opened on: another tablet is another caller.
    if person.device_id != device.device_id:
        raise NotYourRoute("session of another device")
    if person.department_id != device.department_id:
        raise NotYourRoute("device of another unit")
    return Principal(
        department_id=person.department_id,
        person_id=person.person_id,
        post_id=person.post_id,
        role=person.role,
        session_id=person.session_id,
        device_id=device.device_id,
        device_kind=device.device_kind,
    )


async def proofs(
    request: Request, *, person: bool, device: bool
) -> tuple[Principal | None, Principal | None]:
    """Return the person and the device that ``request`` proves, of those that are asked for.

    Both are asked for in one round trip to the database.
    """
    state = request.app.state
    if person and device:
        both: tuple[Principal | None, Principal | None] = await state.authenticate_both(request)
        return both
    return (
        await state.authenticate_person(request) if person else None,
        await state.authenticate_device(request) if device else None,
    )


async def _system(request: Request) -> Principal:
    system: Principal | None = await request.app.state.authenticate_system(request)
    if system is None:
        raise SystemNotKnown("no credential of a system")
    return system


async def calling(request: Request) -> Principal:
    """Return the caller that the route's ``Access`` has admitted."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        raise NotSignedIn("nobody")
    return principal


Caller = Annotated[Principal, Depends(calling)]


def declared_access(route: RouteContext) -> Access | None:
    """Return what the route declared, or ``None``."""
    if not isinstance(route.original_route, APIRoute):
        return None
    for dependant in route.dependant.dependencies:
        if isinstance(dependant.call, Access):
            return dependant.call
    return None


class RouteNotClosed(Exception):
    """A route declares no access: the application refuses to start."""


def refuse_open_routes(app: FastAPI, *, static_mounts: frozenset[str] = frozenset()) -> None:
    """Raise ``RouteNotClosed`` unless every route of ``app`` declares who may call it."""
    # A router joins as one entry that holds its routes; the contexts are the routes themselves.
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount) and route.path in static_mounts:
            continue
        if declared_access(route) is None:
            path = route.path or route.original_route
            raise RouteNotClosed(f"{path!s} does not declare who may call it")
