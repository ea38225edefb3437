"""How people get their rights: a signed request, the operator's signed decision, the agreement.

    obtain_access(stage, OFFICER)

Each step is an act at the real server, by the person who does it in life.
"""

import base64
from typing import TYPE_CHECKING, Any, Final

from sim.authority import Authority
from sim.client import ApiClient
from sim.district import OPERATOR, Staff

if TYPE_CHECKING:
    from sim.stage import Stage

ROADSIDE_SERVICES: Final = (
    "person_documents",
    "driver_licence",
    "vehicle",
    "insurance",
    "inspection",
    "wanted_persons",
    "wanted_vehicles",
    "unpaid_fines",
)
ROADSIDE_BASES: Final = ("PRIMARY_CHECK",)
_PATH: Final = "/api/access"


def obtain_access(
    stage: "Stage",
    staff: Staff,
    *,
    services: tuple[str, ...] = ROADSIDE_SERVICES,
    bases: tuple[str, ...] = ROADSIDE_BASES,
) -> None:
    """Make a person a user, unless he is one: ask, have it granted, sign the agreement."""
    with ApiClient(stage.base_url) as own:
        own.sign_in(stage.authority, staff)
        if own.get(f"{_PATH}/me")["user"] == "not_registered":
            request_id = file_request(own, stage.authority, staff, services=services, bases=bases)
            with ApiClient(stage.base_url) as operator:
                operator.sign_in(stage.authority, OPERATOR)
                grant(operator, stage.authority, request_id, services=services, bases=bases)
        if own.get(f"{_PATH}/me")["agreement"] != "signed":
            sign_agreement(own, stage.authority, staff)


def file_request(
    own: ApiClient,
    authority: Authority,
    staff: Staff,
    *,
    services: tuple[str, ...] = ROADSIDE_SERVICES,
    bases: tuple[str, ...] = ROADSIDE_BASES,
) -> str:
    """File a signed request for access; return its id."""
    officials = own.http.get(f"{_PATH}/officials").json()
    form = {
        "role": staff.role,
        "services": list(services),
        "bases": list(bases),
        "responsible_id": officials[0]["person_id"] if officials else None,
        "contacts": "+7 727 000 00 00",
        "workplace": f"{staff.badge}: планшет",
    }
    written = own.post(f"{_PATH}/forms", form)
    body = {
        "form": form,
        "drawn_at": written["drawn_at"],
        "cms": _signature(authority, staff, written["paper"]),
    }
    return str(own.post(f"{_PATH}/requests", body)["request_id"])


def grant(
    operator: ApiClient,
    authority: Authority,
    request_id: str,
    *,
    services: tuple[str, ...] = ROADSIDE_SERVICES,
    bases: tuple[str, ...] = ROADSIDE_BASES,
    by: Staff = OPERATOR,
) -> dict[str, Any]:
    """Grant a request against the operator's signature."""
    path = f"{_PATH}/requests/{request_id}"
    rights = {"services": list(services), "bases": list(bases)}
    paper = operator.post(f"{path}/grant-paper", rights)["paper"]
    return operator.post(f"{path}/grant", rights | {"cms": _signature(authority, by, paper)})


def sign_agreement(own: ApiClient, authority: Authority, staff: Staff) -> int:
    """Sign the agreement in force; return its version."""
    found = own.get(f"{_PATH}/agreement")
    body = {
        "version": found["version"],
        "cms": _signature(authority, staff, found["paper"]),
    }
    own.post(f"{_PATH}/agreement", body)
    return int(found["version"])


def _signature(authority: Authority, staff: Staff, paper: str) -> str:
    key = authority.certificate_for(staff).sign
    return base64.b64encode(authority.sign_cms_detached(key, paper.encode())).decode()
