"""The connection file: how an AXIS body-worn system is told of this server.

Limits: content destination API, README, *JSON file format* and *Attribute details*.
"""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography import x509

from bodycam.errors.axis import AxisConnectionNotValid
from bodycam.rules.axis import json_of

FILE_BYTES_MAX: Final = 64 << 10
ITEMS_MAX: Final = 10  # addresses of this server, and certificates
_URI_CHARACTERS_MAX: Final = 512
_CERTIFICATE_CHARACTERS_MAX: Final = 16 << 10  # in base64


def certificate_text(pem: str, *, now: datetime) -> str:
    """Return a certificate as the file carries it: base64 of the PEM text.

    Raises:
        AxisConnectionNotValid: it is none, or not valid now: setting up would fail at the system.
    """
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise AxisConnectionNotValid("a certificate is no X.509 certificate in PEM") from error
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        raise AxisConnectionNotValid("a certificate is not valid now")
    text = base64.b64encode(pem.encode()).decode()
    if len(text) > _CERTIFICATE_CHARACTERS_MAX:
        raise AxisConnectionNotValid("a certificate is too long")
    return text


def connection_file(
    *,
    site_name: str,
    version: str,
    addresses: Iterable[str],
    certificates: Iterable[str],
    user_name: str,
    key: str,
    public_key: tuple[str, str] | None = None,
) -> bytes:
    """Return the file that an administrator imports into the body-worn system: a secret.

    ``certificates`` are base64 of PEM texts; without any the field is left out. Clips are asked
    for as MP4, and encrypted where a ``public_key`` and its id are given.

    Raises:
        AxisConnectionNotValid: the system would not take the file.
    """
    uris = [f"{one.rstrip('/')}/axis/auth/v1.0" for one in addresses]
    if not 0 < len(uris) <= ITEMS_MAX or any(len(one) > _URI_CHARACTERS_MAX for one in uris):
        raise AxisConnectionNotValid("the addresses are none, too many or too long")
    pinned = list(certificates)
    if not pinned and any(not one.startswith("http://") for one in uris):
        raise AxisConnectionNotValid("an https address needs the server's certificate")

    encryption: dict[str, object] = {"WantEncryption": public_key is not None}
    if public_key is not None:
        encryption |= {"PublicKey": public_key[0], "PublicKeyId": public_key[1]}
    content = json_of(
        {
            "ConnectionFileVersion": "1.0",
            "SiteName": site_name[:64],
            "ApplicationName": "Saqshy",
            "ApplicationVersion": version[:128],
            "ContentDestinationAsNTPServer": False,
            "AuthenticationTokenURI": uris,
            **({"HTTPSCertificate": pinned} if pinned else {}),
            "BlobAPI": "Swift 1.0",
            "BlobAPIKey": key,
            "BlobAPIUserName": user_name,
            "ContainerType": "mp4",
            "FullStoreAndReadSupport": False,
            **encryption,
        }
    )
    if len(content) > FILE_BYTES_MAX:
        raise AxisConnectionNotValid(f"the file is over {FILE_BYTES_MAX} bytes")
    return content
