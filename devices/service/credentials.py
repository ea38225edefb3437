"""Who a device is: the credential it presents.

The credential is a bearer secret over TLS. Certificates of the devices' own authority (mutual
TLS, with the person's proof beside it) come later and will be checked here too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from app.access import Principal
from app.clock import utc_now
from app.credentials import Credential, is_secret, read_credential, secret_sha256
from app.db import Direct
from app.identity import service as identity
from devices import repository
from devices.rules.lifecycle import ADMITTED
from devices.rules.tokens import Token, is_good, read_token, token_text

HEADER: Final = "device-credential"
SWIFT_HEADER: Final = "x-auth-token"  # body-worn systems of another make show a token there


class Presented(Protocol):
    """What is needed of a request: its headers and the application that serves it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever the case of their names."""
        ...

    @property
    def app(self) -> Any:
        """The application; its ``state.direct`` reaches the database.

        ``state.token_key`` makes and checks tokens; where there is none, none is good.
        """
        ...


async def authenticate_device(request: Presented) -> Principal | None:
    """Return the device that the header ``Device-Credential`` proves, or ``None``.

    A system that speaks OpenStack Swift shows the token it was given in ``X-Auth-Token``.

    ``None`` stands for all alike: no header, another form, no such device, a wrong secret, or a
    device that is out of service. The secret is compared in constant time, also where there is
    no such device. Mutual TLS comes later: until then the credential is the whole proof.
    """
    shown = _presented(request)
    if shown is None:
        return None
    direct: Direct = request.app.state.direct
    row = await repository.credential_row(direct, shown.holder_id)
    return _device_of(shown, row, key=request.app.state.token_key)


def device_token(request: Presented, *, secret: str, device_id: UUID, until: datetime) -> str:
    """Return a token of a device whose credential was just found good; see ``rules.tokens``."""
    return token_text(
        request.app.state.token_key,
        holder_id=device_id,
        secret_sha256=secret_sha256(secret),
        until=until,
    )


async def authenticate_both(
    request: Presented, *, token: str, idle: timedelta, now: datetime
) -> tuple[Principal | None, Principal | None]:
    """Return the person whose session ``token`` opens and the device, in one round trip.

    Raises:
        SessionOver: the session, or the post it acts through, has ended.
    """
    direct: Direct = request.app.state.direct
    shown = _presented(request)
    if shown is None or not identity.may_be_token(token):
        return (
            await identity.principal_of_token(direct, token=token, idle=idle, now=now),
            await authenticate_device(request),
        )
    session, row = await repository.session_and_device(
        direct, token_sha256=identity.token_hash(token), device_id=shown.holder_id
    )
    person = await identity.principal_of_session(direct, session, idle=idle, now=now)
    return person, _device_of(shown, row, key=request.app.state.token_key)


def _presented(request: Presented) -> Credential | Token | None:
    secret = request.headers.get(HEADER)
    if secret:
        return read_credential(secret)
    return read_token(request.headers.get(SWIFT_HEADER, ""))


def _device_of(
    shown: Credential | Token, row: repository.CredentialRow | None, *, key: bytes | None
) -> Principal | None:
    stored = None if row is None else row.credential_sha256
    if isinstance(shown, Token):
        good = key is not None and is_good(shown, key, secret_sha256=stored, now=utc_now())
    else:
        good = is_secret(shown.secret, stored_sha256=stored)
    if not good or row is None:
        return None
    if row.status not in ADMITTED:
        return None
    return Principal(department_id=row.department_id, device_id=row.id, device_kind=row.kind)
