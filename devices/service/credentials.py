"""Who a device is: the credential it presents.

The credential is a bearer secret over TLS. Certificates of the devices' own authority (mutual
TLS, with the person's proof beside it) come later and will be checked here too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from app.access import Principal
from app.credentials import Credential, is_secret, read_credential
from app.db import Direct
from app.identity import service as identity
from devices import repository
from devices.rules.lifecycle import ADMITTED

HEADER: Final = "device-credential"
SWIFT_HEADER: Final = "x-auth-token"  # body-worn systems of another make show it there


class Presented(Protocol):
    """What is needed of a request: its headers and the application that serves it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever the case of their names."""
        ...

    @property
    def app(self) -> Any:
        """The application; its ``state.direct`` reaches the database."""
        ...


async def authenticate_device(request: Presented) -> Principal | None:
    """Return the device that the header ``Device-Credential`` proves, or ``None``.

    A system that speaks OpenStack Swift is given the same words as its token and shows them in
    ``X-Auth-Token``.

    ``None`` stands for all alike: no header, another form, no such device, a wrong secret, or a
    device that is out of service. The secret is compared in constant time, also where there is
    no such device. Mutual TLS comes later: until then the credential is the whole proof.
    """
    credential = _presented(request)
    if credential is None:
        return None
    direct: Direct = request.app.state.direct
    row = await repository.credential_row(direct, credential.holder_id)
    return _device_of(credential, row)


async def authenticate_both(
    request: Presented, *, token: str, idle: timedelta, now: datetime
) -> tuple[Principal | None, Principal | None]:
    """Return the person whose session ``token`` opens and the device, in one round trip.

    Raises:
        SessionOver: the session, or the post it acts through, has ended.
    """
    direct: Direct = request.app.state.direct
    credential = _presented(request)
    if credential is None or not identity.may_be_token(token):
        return (
            await identity.principal_of_token(direct, token=token, idle=idle, now=now),
            await authenticate_device(request),
        )
    session, row = await repository.session_and_device(
        direct, token_sha256=identity.token_hash(token), device_id=credential.holder_id
    )
    person = await identity.principal_of_session(direct, session, idle=idle, now=now)
    return person, _device_of(credential, row)


def _presented(request: Presented) -> Credential | None:
    shown = request.headers.get(HEADER) or request.headers.get(SWIFT_HEADER, "")
    return read_credential(shown)


def _device_of(credential: Credential, row: repository.CredentialRow | None) -> Principal | None:
    stored = None if row is None else row.credential_sha256
    if not is_secret(credential.secret, stored_sha256=stored) or row is None:
        return None
    if row.status not in ADMITTED:
        return None
    return Principal(department_id=row.department_id, device_id=row.id, device_kind=row.kind)
