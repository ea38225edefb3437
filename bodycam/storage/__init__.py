"""Where recordings lie: one ``ObjectStore`` Protocol, a directory, and S3."""

from app.keys import ObjectKeys
from app.settings import Settings, StoreKind
from bodycam.storage.directory import DirectoryStore
from bodycam.storage.port import ObjectStore, PartTarget, PartWriter
from bodycam.storage.s3 import S3Store

__all__ = ["DirectoryStore", "ObjectStore", "PartTarget", "PartWriter", "S3Store", "make_store"]


def make_store(settings: Settings, *, keys: ObjectKeys) -> ObjectStore:
    """Return the store that the settings name; makes no connection and no folder yet."""
    if settings.object_store is StoreKind.DIRECTORY:
        return DirectoryStore(root=settings.objects_dir, keys=keys)
    access, secret = settings.s3_access_key, settings.s3_secret_key
    return S3Store(
        endpoint=settings.s3_endpoint or "",
        region=settings.s3_region,
        bucket=settings.s3_bucket,
        access_key=access.get_secret_value() if access else "",
        secret_key=secret.get_secret_value() if secret else "",
        checksums_when_required=settings.s3_checksums_when_required,
        presign_seconds=settings.presign_seconds,
    )
