"""Who a device is: the credential it presents.

The credential is a bearer secret over TLS. Certificates of the devices' own authority (mutual
TLS, with the person's proof beside it) come later and will be checked here too.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from app.access import Principal
from app.credentials import is_secret, read_credential
from app.db import Direct
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
    shown = request.headers.get(HEADER) or request.headers.get(SWIFT_HEADER, "")
    credential = read_credential(shown)
    if credential is None:
        return None
    direct: Direct = request.app.state.direct
    row = await repository.credential_row(direct, credential.holder_id)
    stored = None if row is None else row.credential_sha256
    if not is_secret(credential.secret, stored_sha256=stored) or row is None:
        return None
    if row.status not in ADMITTED:
        return None
    return Principal(department_id=row.department_id, device_id=row.id, device_kind=row.kind)
