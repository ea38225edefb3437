"""Shapes of the staff API of identity, and of the staff file."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.access import Role
from app.identity.rules.cms import CMS_BYTES_MAX
from app.identity.rules.districts import POINTS_MAX

_BASE64_CMS_MAX = (
    CMS_BYTES_MAX // 3 + 1
) * 4 + 4096  # somewhat over: the verifier says "too large"
_DEPARTMENTS_MAX = 2_000
_STAFF_MAX = 20_000
_RELATIVES_MAX = 100


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return text


Base64Text = Annotated[str, AfterValidator(_is_base64)]
Bin = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
ShortText = Annotated[str, Field(min_length=1, max_length=300)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ChallengeAnswer(_Body):
    """What to sign, detached: the bytes that ``challenge`` encodes."""

    challenge_id: UUID
    challenge: str
    expires_at: datetime


class SignInBody(_Body):
    """The answer to a challenge: a detached CMS signature, DER in base64."""

    challenge_id: UUID
    cms: Annotated[Base64Text, Field(min_length=1, max_length=_BASE64_CMS_MAX, repr=False)]
    cookie: bool = False

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


class SignedInAnswer(_Body):
    """A new session. The token is told this once."""

    token: str = Field(repr=False)
    expires_at: datetime
    role: Role
    name: str


class SessionsEndedAnswer(_Body):
    """How many sessions of the person lived until now."""

    ended: int


class DepartmentAnswer(_Body):
    """A department as people see it."""

    id: UUID
    bin: str
    name_kk: str
    name_ru: str


class MeAnswer(_Body):
    """Who the caller is to this server."""

    person_id: UUID
    post_id: UUID
    name: str
    role: Role
    title: str
    badge: str
    department: DepartmentAnswer
    device_id: UUID | None
    expires_at: datetime


class BoundaryShape(_Body):
    """The district of a department: a closed ring of GeoJSON, longitude first. Days included."""

    ring: Annotated[tuple[tuple[float, float], ...], Field(max_length=POINTS_MAX)]
    valid_from: date
    valid_to: date | None = None
    source: ShortText
    verified: bool = False


class StaffDepartment(_Body):
    """A department in the staff file."""

    bin: Bin
    name_kk: ShortText
    name_ru: ShortText
    parent_bin: Bin | None = None
    boundary: BoundaryShape | None = None


class StaffEntry(_Body):
    """A person in a post; who held several posts stands once for each. Both days included."""

    iin: Annotated[str, Field(pattern=r"^[0-9]{12}$", repr=False)]
    surname: Annotated[str, Field(min_length=1, max_length=100)]
    given_name: Annotated[str, Field(max_length=100)] = ""
    patronymic: Annotated[str, Field(max_length=100)] = ""
    department_bin: Bin
    role: Role
    title: Annotated[str, Field(min_length=1, max_length=200)]
    badge: Annotated[str, Field(min_length=1, max_length=40)]
    superior_iin: Annotated[str | None, Field(pattern=r"^[0-9]{12}$", repr=False)] = None
    relatives: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9]{12}$")], ...] | None,
        Field(max_length=_RELATIVES_MAX, repr=False),
    ] = None
    valid_from: date
    valid_to: date | None = None


class StaffFile(_Body):
    """Departments and staff, as the personnel service exports them; parents stand first."""

    departments: Annotated[tuple[StaffDepartment, ...], Field(max_length=_DEPARTMENTS_MAX)] = ()
    staff: Annotated[tuple[StaffEntry, ...], Field(max_length=_STAFF_MAX)] = ()

    @model_validator(mode="after")
    def _no_department_twice(self) -> Self:
        if len({one.bin for one in self.departments}) != len(self.departments):
            raise ValueError("a department stands twice")
        return self
