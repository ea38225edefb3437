"""Addresses that take one part of an object and no other bytes, and whether a store holds to that.

An address is signed over the digest and the size of its part (AWS Signature V4, a signed payload
in the query's form). A store that checks the signature and the payload refuses any other bytes by
itself. Not every store does: ``refuses_wrong_bytes`` tries it.
"""

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import uuid4

import structlog
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from bodycam.errors import ObjectAbsent, StoreFull, StoreSilent
from bodycam.storage.port import PartTarget

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = structlog.get_logger(__name__)

MARK: Final = "saqshy-upload"  # the name under which an object bears the mark of its upload
# A reference names the upload and a mark that the object made of it bears. Releases before this
# one, which sign no digest, find no upload by it and so give out no address into it.
_REFERENCE: Final = "held:"
# The same of an upload that was given out addresses for bytes that are asked for no more.
_LET_GO: Final = "open:"
_PAGE: Final = 1000
_PAYLOAD: Final = "x-amz-content-sha256"
_LENGTH: Final = "Content-Length"
_TRIED_SECONDS: Final = 10
_TRIED_FOR_SECONDS: Final = 3600.0
_UNTRIED_FOR_SECONDS: Final = 60.0  # where it came to no end
_RIGHT: Final = bytes(range(64))
_WRONG: Final = bytes(63) + b"\x01"
_CUT: Final = _RIGHT[:32]


def reference(*, mark: str, upload_id: str) -> str:
    """Return the reference of an upload whose object will bear ``mark``."""
    return f"{_REFERENCE}{mark}:{upload_id}"


def upload_id_of(upload: str) -> str:
    """Return the store's own name of an upload; a reference of an earlier release is one."""
    return _marked(upload).partition(":")[2] if _marked(upload) else upload


def mark_of(upload: str) -> str:
    """Return the mark of the object that is made of an upload; an earlier release made none."""
    return _marked(upload).partition(":")[0]


def is_held(upload: str) -> bool:
    """Whether each address into the upload was signed for the bytes that are asked for."""
    return upload.startswith(_REFERENCE)


def let_go(upload: str) -> str:
    """Return the reference of the same upload, which is not held to what is asked for."""
    return f"{_LET_GO}{_marked(upload)}" if is_held(upload) else upload


def _marked(upload: str) -> str:
    """Return mark and name of an upload, or an empty text for one of an earlier release."""
    for prefix in (_REFERENCE, _LET_GO):
        if upload.startswith(prefix):
            return upload.removeprefix(prefix)
    return ""


def list_parts(
    client: "S3Client", *, bucket: str, key: str, upload: str
) -> list[tuple[int, str, int]]:
    """Return number from 1, tag and size of each part of an upload; blocks."""
    found: list[tuple[int, str, int]] = []
    marker = 0
    while True:
        page = client.list_parts(
            Bucket=bucket,
            Key=key,
            UploadId=upload_id_of(upload),
            MaxParts=_PAGE,
            PartNumberMarker=marker,
        )
        found += [
            (part["PartNumber"], part["ETag"], part["Size"]) for part in page.get("Parts", [])
        ]
        if not page.get("IsTruncated") or page["NextPartNumberMarker"] <= marker:
            return found
        marker = page["NextPartNumberMarker"]


class _SignedPayload(S3SigV4QueryAuth):
    """An address whose signature covers the digest of the body; botocore's own leaves it open."""

    def payload(self, request: AWSRequest) -> str:
        """Return the digest that the request names."""
        digest: str = request.headers[_PAYLOAD]
        return digest


class PartSigner:
    """Signs addresses for parts; calls nobody."""

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        seconds: int,
    ) -> None:
        self._base = f"{endpoint.rstrip('/')}/{bucket}"
        self._sign = _SignedPayload(
            Credentials(access_key, secret_key), "s3", region, expires=seconds
        )

    def target(
        self, *, key: str, upload_id: str, number: int, size_bytes: int, sha256: bytes
    ) -> PartTarget:
        """Return the address for part ``number`` (from 0) with exactly these bytes."""
        headers = {_LENGTH: str(size_bytes), _PAYLOAD: sha256.hex()}
        query = urlencode({"partNumber": number + 1, "uploadId": upload_id})
        request = AWSRequest("PUT", f"{self._base}/{key}?{query}", headers=headers)
        self._sign.add_auth(request)
        return PartTarget(url=str(request.url), headers=headers)


def refuses_wrong_bytes(client: "S3Client", *, bucket: str, signer: PartSigner) -> bool:
    """Try with a few bytes whether the store takes the part that was signed for, and no other.

    What it makes is removed. Raises what the client raises where the store is silent.
    """
    key = f"probes/{uuid4()}"
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    session = URLLib3Session(timeout=_TRIED_SECONDS)

    def taken(body: bytes, **other: str) -> bool:
        headers = {**target.headers, _LENGTH: str(len(body)), **other}
        request = AWSRequest("PUT", target.url, headers=headers, data=body)
        return bool(session.send(request.prepare()).status_code == 200)  # noqa: PLR2004 - OK

    def kept() -> list[tuple[int, int]]:
        found = client.list_parts(Bucket=bucket, Key=key, UploadId=upload_id).get("Parts", [])
        return [(part["PartNumber"], part["Size"]) for part in found]

    try:
        target = signer.target(
            key=key,
            upload_id=upload_id,
            number=0,
            size_bytes=len(_RIGHT),
            sha256=hashlib.sha256(_RIGHT).digest(),
        )
        others = {_PAYLOAD: hashlib.sha256(_WRONG).hexdigest()}
        refused = not (
            taken(_WRONG) or taken(_CUT) or taken(b"") or taken(_WRONG, **others) or kept()
        )
        return refused and taken(_RIGHT) and not taken(_WRONG) and kept() == [(1, len(_RIGHT))]
    finally:
        session.close()
        with suppress(ClientError):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


class Tried:
    """What trying a store has shown; kept for an hour, for a gateway may be exchanged."""

    def __init__(self, *, bucket: str) -> None:
        self._bucket = bucket
        self._one_at_once = asyncio.Lock()
        self._until = -math.inf
        self._found: bool | None = None

    async def result(self, act: Callable[[], Awaitable[bool]]) -> bool | None:
        """Return what ``act`` found, tried anew after an hour; ``None``: it came to no end."""
        async with self._one_at_once:
            if time.monotonic() > self._until:
                self._found = await self._try(act)
            return self._found

    async def _try(self, act: Callable[[], Awaitable[bool]]) -> bool | None:
        try:
            found = await act()
        except (StoreSilent, StoreFull, ObjectAbsent) as error:
            log.warning(
                "a store was not tried for wrong parts", bucket=self._bucket, why=error.code
            )
            self._until = time.monotonic() + _UNTRIED_FOR_SECONDS
            return None
        self._until = time.monotonic() + _TRIED_FOR_SECONDS
        if found is not self._found:
            say = log.info if found else log.warning
            say("a store was tried for wrong parts", bucket=self._bucket, refuses_them=found)
        return found
