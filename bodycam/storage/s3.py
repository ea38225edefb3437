"""Objects in any S3 server, through boto3 in worker threads.

Parts go from the dock straight to the store by presigned addresses, so no footage passes through
Python on its way in. Each address is signed for its part's digest (``s3_parts``). What comes back
is read through the server: access can be withdrawn at once, every range is answered alike, and
no signed address leaves for a browser.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.settings import Retention
from bodycam.errors import (
    LocksNotOffered,
    ObjectAbsent,
    PartGoesToStore,
    PartsMissing,
    StoreFull,
    StoreSilent,
)
from bodycam.storage.port import (
    READ_CHUNK_BYTES,
    PartAsked,
    PartTarget,
    PartWriter,
    ReadAt,
    checked_key,
)
from bodycam.storage.s3_parts import (
    MARK,
    PartSigner,
    Tried,
    is_held,
    let_go,
    list_parts,
    mark_of,
    reference,
    refuses_wrong_bytes,
    upload_id_of,
)
from bodycam.wire.digests import block_count, block_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
_FULL: Final = frozenset(
    {"QuotaExceeded", "EntityTooLarge", "XMinioStorageFull", "InsufficientStorage"}
)
_NO_LOCKS: Final = frozenset(
    {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented"}
)
_BYPASS: Final[Any] = {"BypassGovernanceRetention": True}
_CONNECTIONS: Final = 16


class S3Store:
    """See ``ObjectStore`` for what the methods promise."""

    takes_parts_itself = True

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        checksums_when_required: bool,
        presign_seconds: int,
        retention: Retention = Retention.NONE,
    ) -> None:
        checksums = "when_required" if checksums_when_required else "when_supported"
        options: dict[str, Any] = {
            # boto3's default for a foreign endpoint is the old signature, version 2.
            "signature_version": "s3v4",
            # Trailing checksums are stored as data by some servers: silent corruption.
            "request_checksum_calculation": checksums,
            "response_checksum_validation": checksums,
            "s3": {"addressing_style": "path"},
            "connect_timeout": 5,
            "read_timeout": 60,
            "retries": {"max_attempts": 3, "mode": "standard"},
            "max_pool_connections": _CONNECTIONS,
        }
        # A session of its own: boto3's default session is shared and not safe to build in threads.
        self._client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(**options),
        )
        self._bucket = bucket
        self._retention = retention
        self._signer = PartSigner(
            endpoint=endpoint,
            region=region,
            bucket=bucket,
            access_key=access_key,
            secret_key=secret_key,
            seconds=presign_seconds,
        )
        self._tried = Tried(bucket=bucket)

    async def _call(self, act: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(act)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _ABSENT:
                raise ObjectAbsent("the object store has no such object") from error
            if code in _FULL:
                raise StoreFull("the object store has no room") from error
            raise StoreSilent(f"the object store refused: {code}") from error
        except BotoCoreError as error:
            raise StoreSilent(f"the object store is silent: {type(error).__name__}") from error

    async def begin(self, *, key: str, size_bytes: int) -> str:
        """Return a reference to a new multipart upload; of an empty object, an empty text."""
        if size_bytes == 0:
            return ""
        mark = uuid4().hex
        made = await self._call(
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=checked_key(key),
                ContentType="video/mp4",
                Metadata={MARK: mark},
            )
        )
        return reference(mark=mark, upload_id=made["UploadId"])

    async def part_targets(
        self, *, key: str, upload: str, parts: Sequence[PartAsked]
    ) -> list[PartTarget]:
        """Return presigned addresses, each good for the bytes of its digest alone."""
        checked_key(key)
        upload_id = upload_id_of(upload)

        def sign() -> list[PartTarget]:
            return [
                self._signer.target(
                    key=key,
                    upload_id=upload_id,
                    number=one.number,
                    size_bytes=one.size_bytes,
                    sha256=one.sha256,
                )
                for one in parts
            ]

        return await asyncio.to_thread(sign)

    async def checks_parts(self) -> bool | None:
        """Try it with a few bytes, once an hour."""
        return await self._tried.result(
            lambda: self._call(
                lambda: refuses_wrong_bytes(self._client, bucket=self._bucket, signer=self._signer)
            )
        )

    async def vouches_for(self, *, key: str, upload: str, size_bytes: int) -> bool:
        """Look at the mark of the object: it was made of this upload's parts and no other's."""
        mark = mark_of(upload)
        if not is_held(upload) or not await self.checks_parts():
            return False
        head = await self._call(
            lambda: self._client.head_object(Bucket=self._bucket, Key=checked_key(key))
        )
        return head["ContentLength"] == size_bytes and head["Metadata"].get(MARK) == mark

    def unvouched(self, *, upload: str) -> str:
        """Return the reference of the upload with its mark, held to nothing."""
        return let_go(upload)

    def open_part(
        self,
        *,
        key: str,
        number: int,
        size_bytes: int,  # noqa: ARG002 - the port's names
        upload: str = "",  # noqa: ARG002 - the port's names
    ) -> AbstractAsyncContextManager[PartWriter]:
        """Refuse: parts go straight to the store."""
        raise PartGoesToStore(f"part {number} of {key} goes to the object store")

    async def put_part(self, *, key: str, upload: str, number: int, block: bytes) -> None:
        """Upload the part, its MD5 beside it: a store of any age holds the part to that."""
        digest = base64.b64encode(hashlib.md5(block, usedforsecurity=False).digest()).decode()
        await self._call(
            lambda: self._client.upload_part(
                Bucket=self._bucket,
                Key=checked_key(key),
                UploadId=upload_id_of(upload),
                PartNumber=number + 1,
                Body=block,
                ContentMD5=digest,
            )
        )

    async def lost_parts(
        self, *, key: str, numbers: Sequence[int], size_bytes: int
    ) -> list[int] | None:
        """Leave it to ``seal``, which lists the parts, and to reading."""
        del key, numbers, size_bytes
        return None

    async def stored_parts(self, *, key: str, upload: str) -> dict[int, int]:
        """List the parts of the multipart upload."""
        parts = await self._call(lambda: self._list_parts(key, upload)) if upload else []
        return {number - 1: size for number, _, size in parts}

    def _list_parts(self, key: str, upload: str) -> list[tuple[int, str, int]]:
        return list_parts(self._client, bucket=self._bucket, key=checked_key(key), upload=upload)

    async def seal(self, *, key: str, upload: str, size_bytes: int) -> None:
        """Complete the multipart upload; an object of the right size is taken as sealed."""
        try:
            if await self.size_of(key=key) == size_bytes:
                return  # sealed before a crash
        except ObjectAbsent:
            pass
        if not upload:
            await self._call(
                lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=b"")
            )
            return
        count = block_count(size_bytes)
        found = await self._call(lambda: self._list_parts(key, upload))
        # Parts past the end are from an announcement that named a longer file: left out.
        parts = sorted(part for part in found if part[0] <= count)
        wrong = any(
            size != block_size(number=number - 1, size_bytes=size_bytes)
            for number, _, size in parts
        )
        if len(parts) != count or wrong:
            raise PartsMissing(f"the store has not all bytes of {key}")
        listed: Any = [{"PartNumber": number, "ETag": tag} for number, tag, _ in parts]
        await self._call(
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id_of(upload),
                MultipartUpload={"Parts": listed},
            )
        )

    async def discard(self, *, key: str, upload: str) -> None:
        """Abort the upload and delete what it made."""

        def run() -> None:
            if upload:
                try:
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=key, UploadId=upload_id_of(upload)
                    )
                except ClientError as error:
                    if error.response.get("Error", {}).get("Code", "") not in _ABSENT:
                        raise
            self._destroy_made_of(checked_key(key), upload)

        await self._call(run)

    async def destroy(self, *, key: str, upload: str = "") -> None:
        """Delete the object, every version of it where the bucket keeps versions."""
        checked_key(key)
        if upload:
            await self._call(lambda: self._destroy_made_of(key, upload))
        else:
            await self._call(lambda: self._destroy(key))

    def _destroy_made_of(self, key: str, upload: str) -> None:
        """Delete the object unless it bears another upload's mark; what bears none is nobody's."""
        if self._mark_on(key) in {"", mark_of(upload)}:
            self._destroy(key)

    def _destroy(self, key: str) -> None:
        listed = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        found = (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ()))
        versions = [one["VersionId"] for one in found if one["Key"] == key]
        for version in versions:
            # What is destroyed was permitted by a person; a hold and compliance refuse even so.
            more: Any = {} if self._retention is Retention.NONE else _BYPASS
            self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version, **more)
        if not versions and self._mark_on(key) is not None:  # a server that lists no versions
            # Deleting what is not there would add a marker where the bucket keeps versions.
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _mark_on(self, key: str) -> str | None:
        """Return the mark that an object bears, or an empty text; ``None``: there is none."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in _ABSENT:
                return None
            raise
        return head["Metadata"].get(MARK, "")

    async def offers_locks(self) -> bool:
        """Ask whether the bucket was made with object lock."""
        return await self._call(self._offers_locks)

    def _offers_locks(self) -> bool:
        try:
            found = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in _NO_LOCKS:
                return False
            raise
        return found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"

    async def keep(self, *, key: str, held: bool, until: datetime | None) -> None:
        """Put or lift the legal hold; set the retention where it is configured."""
        if not await self.offers_locks():
            raise LocksNotOffered(f"the bucket of {key} was made without object lock")
        await self._call(partial(self._keep, checked_key(key), held, until))

    def _keep(self, key: str, held: bool, until: datetime | None) -> None:  # noqa: FBT001 - the port's word
        self._client.put_object_legal_hold(
            Bucket=self._bucket, Key=key, LegalHold={"Status": "ON" if held else "OFF"}
        )
        if until is not None and self._retention is not Retention.NONE:
            mode: Any = self._retention.value.upper()
            self._client.put_object_retention(
                Bucket=self._bucket,
                Key=key,
                Retention={"Mode": mode, "RetainUntilDate": until},
                **_BYPASS,
            )

    async def size_of(self, *, key: str) -> int:
        """Ask the store for the object's size."""
        head = await self._call(
            lambda: self._client.head_object(Bucket=self._bucket, Key=checked_key(key))
        )
        return head["ContentLength"]

    async def read(self, *, key: str, start: int, length: int) -> bytes:
        """Read one range."""
        return await self._call(partial(self._read, key, start, length))

    def _read(self, key: str, start: int, length: int) -> bytes:
        content: bytes = self._get(key, start, length)["Body"].read()
        return content

    def _get(self, key: str, start: int, length: int) -> Any:
        return self._client.get_object(
            Bucket=self._bucket, Key=checked_key(key), Range=f"bytes={start}-{start + length - 1}"
        )

    def open_arriving(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:  # noqa: ARG002 - the port
        """Refuse: parts of an upload that is open cannot be read."""
        raise PartGoesToStore(f"{key} cannot be read before all its parts are there")

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield the range of one request, each chunk read in a thread."""
        if length == 0:
            return
        body = (await self._call(lambda: self._get(key, start, length)))["Body"]
        left = length
        try:
            while left:
                wanted = min(READ_CHUNK_BYTES, left)
                chunk: bytes = await self._call(partial(body.read, wanted))
                if not chunk or len(chunk) > wanted:
                    raise StoreSilent("the object store gave another number of bytes than asked")
                left -= len(chunk)
                yield chunk
        finally:
            # Closing may wait for the peer: not on the event loop.
            await asyncio.to_thread(body.close)

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` in a thread; each read is a request."""

        def read_at(start: int, length: int) -> bytes:
            try:
                return self._read(key, start, length)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code", "") == "InvalidRange":
                    return b""  # past the end
                raise

        return await self._call(lambda: act(read_at))
