"""Where recordings lie: one ``ObjectStore`` Protocol, a directory, S3, and several as one."""

from typing import TYPE_CHECKING

from app.keys import ObjectKeys
from app.settings import Settings, StoreAddress, StoreKind
from bodycam.rules.tiers import HOT
from bodycam.storage.directory import DirectoryStore
from bodycam.storage.port import ObjectStore, PartAsked, PartTarget, PartWriter, of_file
from bodycam.storage.tiers import TieredStore, tier_named, tiers_of

if TYPE_CHECKING:
    from bodycam.storage.s3 import S3Store

__all__ = [
    "DirectoryStore",
    "ObjectStore",
    "PartAsked",
    "PartTarget",
    "PartWriter",
    "TieredStore",
    "make_store",
    "of_file",
    "tier_named",
    "tiers_of",
]


def make_store(settings: Settings, *, keys: ObjectKeys) -> ObjectStore:
    """Return the store that the settings name; makes no connection and no folder yet."""
    hot = _hot(settings, keys)
    if not settings.stores:
        return hot
    more = {name: _further(settings, one, keys) for name, one in settings.stores.items()}
    return TieredStore({HOT: hot} | more)


def _hot(settings: Settings, keys: ObjectKeys) -> ObjectStore:
    if settings.object_store is StoreKind.DIRECTORY:
        return DirectoryStore(root=settings.objects_dir, keys=keys)
    access, secret = settings.s3_access_key, settings.s3_secret_key
    return _s3_store()(
        endpoint=settings.s3_endpoint or "",
        region=settings.s3_region,
        bucket=settings.s3_bucket,
        access_key=access.get_secret_value() if access else "",
        secret_key=secret.get_secret_value() if secret else "",
        checksums_when_required=settings.s3_checksums_when_required,
        presign_seconds=settings.presign_seconds,
        retention=settings.s3_retention,
    )


def _further(settings: Settings, address: StoreAddress, keys: ObjectKeys) -> ObjectStore:
    if address.path is not None:
        return DirectoryStore(root=address.path, keys=keys)
    return _s3_store()(
        endpoint=address.endpoint,
        region=address.region,
        bucket=address.bucket,
        access_key=address.access_key.get_secret_value(),
        secret_key=address.secret_key.get_secret_value(),
        checksums_when_required=address.checksums_when_required,
        presign_seconds=settings.presign_seconds,
        retention=address.retention,
    )


def _s3_store() -> "type[S3Store]":
    # Only who has an object store loads its client: the byte door is 9 MB smaller without it.
    from bodycam.storage.s3 import S3Store as Store  # noqa: PLC0415

    return Store
