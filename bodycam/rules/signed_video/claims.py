"""What a signing SEI says: which units it covers, under which signature."""

import enum
import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bodycam.rules.signed_video.nal import Codec, read_user_data, unescaped

HASH_BYTES: Final = 32
_UUID_BYTES: Final = 16
_HASHES_MAX: Final = 4096  # units in a group; the frameworks stop far below
_PEM_BYTES_MAX: Final = 32 << 10
_SINCE_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)
_CLOCKS_SINCE: Final = datetime(2015, 1, 1, tzinfo=UTC)  # older than either scheme: never set
_SHA256_OID: Final = bytes.fromhex("608648016503040201")


class Scheme(enum.Enum):
    """The two schemes. One grew from the other; their numbers differ."""

    AXIS = "axis"
    ONVIF = "onvif"


_UUIDS: Final = {
    bytes.fromhex("5369676e656420566964656f2e2e2e30"): Scheme.AXIS,
    bytes.fromhex("005bc93f2d715e95ada4796f90877a6f"): Scheme.ONVIF,
}
_AXIS_SHORT: Final = frozenset({1, 7})  # tags whose length is one byte
_ESCAPED_HASHED: Final = {Scheme.AXIS: 0x80, Scheme.ONVIF: 0x40}
_KEY_ONLY: Final = {Scheme.AXIS: 0x40, Scheme.ONVIF: 0x80}
_SIGNATURE: Final = {Scheme.AXIS: 5, Scheme.ONVIF: 3}
_HASH_LIST: Final = {Scheme.AXIS: 4, Scheme.ONVIF: 2}
_CRYPTO: Final = {Scheme.AXIS: 7, Scheme.ONVIF: 4}
_KEY: Final = {Scheme.AXIS: 2, Scheme.ONVIF: 6}
_GENERAL: Final = 1
_LINKED_LISTS_UNTIL: Final = 2  # Axis version whose lists end with the link to the next group


class ClaimBroken(ValueError):
    """A SEI of one of the schemes that cannot be read; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One signing SEI.

    Attributes:
        document: the bytes under the signature.
        signature: empty where a later, signed SEI covers this one.
        key_pem: the key, or the certificates leaf first; empty where an earlier SEI had them.
        key_only: it carries the key and covers no picture.
        counter: running number of the group, or of the part of one.
        count: how many units it covers; for Axis's first version the length of the list.
        partial: it covers a part of a group.
        hashes: of the covered units in order; empty where only ``group_hash`` was sent.
        link: hash of the next group's first unit, where the list ends with it.
        linked: hash of the first unit of what was covered before; ``None`` at the beginning.
    """

    scheme: Scheme
    document: bytes
    signature: bytes
    key_pem: bytes
    key_only: bool
    counter: int
    count: int
    partial: bool
    signed_at: datetime | None
    hashes: tuple[bytes, ...]
    link: bytes | None
    group_hash: bytes | None
    linked: bytes | None


@dataclass(frozen=True)
class _General:
    counter: int
    count: int
    partial: bool = False
    signed_at: datetime | None = None
    group_hash: bytes | None = None
    linked: bytes | None = None
    lists_link: bool = False


def read_claim(nal: bytes, codec: Codec) -> Claim | None:
    """Return what a SEI unit claims, or ``None`` where it is of neither scheme.

    Raises:
        ClaimBroken: it is of one of them and cannot be read.
    """
    found = read_user_data(nal, codec)
    if found is None:
        return None
    scheme = _UUIDS.get(nal[found.start : found.start + _UUID_BYTES])
    if scheme is None:
        return None
    clean, removed = unescaped(nal) if found.escapes > 0 else (nal, [])
    # The UUID holds no escape and none can stand before it but in the size, which has none.
    start = found.start + _UUID_BYTES
    end = found.start + found.size
    if end > len(clean) or start >= end:
        raise ClaimBroken("the SEI is shorter than it says")
    flags = clean[start]
    fields, signature_at = _fields(scheme, clean, start + 1, end)
    document_end = len(clean) if signature_at is None else signature_at
    if flags & _ESCAPED_HASHED[scheme]:
        document = nal[: _raw(document_end, removed)]
    else:
        document = clean[:document_end]
    try:
        return _claim(scheme, fields, document, key_only=bool(flags & _KEY_ONLY[scheme]))
    except (struct.error, IndexError, OverflowError) as error:
        raise ClaimBroken("a field of the SEI is cut short") from error


def _raw(clean_at: int, removed: list[int]) -> int:
    """Return where in the raw unit the byte stands that is at ``clean_at`` unescaped."""
    at = clean_at
    for one in removed:
        if one >= at:  # an escape right before the byte belongs to it
            break
        at += 1
    return at


def _fields(
    scheme: Scheme, clean: bytes, start: int, end: int
) -> tuple[dict[int, bytes], int | None]:
    fields: dict[int, bytes] = {}
    signature_at = None
    for tag, head, value in _walk(scheme, clean, start, end):
        if tag in fields:
            raise ClaimBroken("a field of the SEI comes twice")
        fields[tag] = value
        if tag == _SIGNATURE[scheme]:
            signature_at = head
    return fields, signature_at


def _walk(scheme: Scheme, clean: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    at = start
    while at < end:
        tag = clean[at]
        wide = 1 if scheme is Scheme.AXIS and tag in _AXIS_SHORT else 2
        body = at + 1 + wide
        size = int.from_bytes(clean[at + 1 : body], "big")
        if body + size > end:
            raise ClaimBroken("a field reaches over the end of the SEI")
        yield tag, at, clean[body : body + size]
        at = body + size


def _claim(
    scheme: Scheme, fields: Mapping[int, bytes], document: bytes, *, key_only: bool
) -> Claim:
    _check_hash(scheme, fields.get(_CRYPTO[scheme]))
    read = _read_axis if scheme is Scheme.AXIS else _read_onvif
    given = fields.get(_GENERAL)
    if given is None and not key_only:
        raise ClaimBroken("the SEI has no general field")
    general = read(given) if given else _General(0, 0)
    hashes, link = _hashes(fields.get(_HASH_LIST[scheme], b""), general)
    return Claim(
        scheme=scheme,
        document=document,
        signature=_signature(scheme, fields.get(_SIGNATURE[scheme])),
        key_pem=_key(scheme, fields.get(_KEY[scheme])),
        key_only=key_only,
        counter=general.counter,
        count=len(hashes) if general.lists_link else general.count,
        partial=general.partial,
        signed_at=general.signed_at,
        hashes=hashes,
        link=link,
        group_hash=general.group_hash,
        linked=general.linked if general.linked and any(general.linked) else None,
    )


def _check_hash(scheme: Scheme, value: bytes | None) -> None:
    if value is None:
        return
    oid = value[2 : 2 + value[1]]
    # DER with its head, or the bare arcs: both are met.
    if not oid.endswith(_SHA256_OID):
        raise ClaimBroken(f"{scheme.value}: a hash other than SHA-256")


def _hashes(value: bytes, general: _General) -> tuple[tuple[bytes, ...], bytes | None]:
    body = value[1:]
    if len(body) % HASH_BYTES or len(body) > _HASHES_MAX * HASH_BYTES:
        raise ClaimBroken("the list of hashes is not whole")
    found = tuple(body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES))
    if general.lists_link and found:
        return found[:-1], found[-1]
    return found, None


def _read_axis(value: bytes) -> _General:
    version, counter, count = struct.unpack_from(">BIH", value)
    if not 1 <= version <= 4:  # noqa: PLR2004 - the versions there are
        raise ClaimBroken(f"Axis Signed Video of version {version}")
    at = 10  # behind three bytes of the program's version
    flags, signed_at = 0, None
    if version >= 2:  # noqa: PLR2004 - flags came with 2
        flags = value[at]
        at += 1
        if flags & 1:
            signed_at = _instant(struct.unpack_from(">q", value, at)[0])
            at += 16 if version == 4 else 8  # noqa: PLR2004 - 4 has the end too
    if version <= _LINKED_LISTS_UNTIL:
        return _General(counter, count, bool(flags & 2), signed_at, lists_link=True)
    linked, group = _two_hashes(value[at:])
    return _General(counter, count, bool(flags & 2), signed_at, group, linked)


def _read_onvif(value: bytes) -> _General:
    version, partial = value[0], value[4]
    if not 1 <= version <= 2:  # noqa: PLR2004 - the versions there are
        raise ClaimBroken(f"Media Signing of version {version}")
    signed_at = _instant(struct.unpack_from(">q", value, 5)[0])
    at = 13 if version == 1 else 21
    counter, count = struct.unpack_from(">IH", value, at)
    group, linked = _two_hashes(value[at + 6 :])
    return _General(counter, count, bool(partial), signed_at, group, linked)


def _two_hashes(value: bytes) -> tuple[bytes, bytes]:
    if len(value) != 2 * HASH_BYTES:
        raise ClaimBroken("a hash other than SHA-256")
    return value[:HASH_BYTES], value[HASH_BYTES:]


def _instant(ticks: int) -> datetime | None:
    """Return 100 ns since 1601 as an instant; nothing for a value that no set clock shows."""
    try:
        instant = _SINCE_1601 + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None
    return instant if instant >= _CLOCKS_SINCE else None


def _signature(scheme: Scheme, value: bytes | None) -> bytes:
    if not value:
        return b""
    head = 1
    if scheme is Scheme.AXIS:
        head = 3 if value[0] == 1 else 2
    (size,) = struct.unpack_from(">H", value, head)
    if head + 2 + size > len(value):
        raise ClaimBroken("the signature is cut short")
    return value[head + 2 : head + 2 + size]


def _key(scheme: Scheme, value: bytes | None) -> bytes:
    if not value:
        return b""
    head = 1 if scheme is Scheme.AXIS and value[0] > 1 else 2
    if len(value) > _PEM_BYTES_MAX:
        raise ClaimBroken("the key is too long")
    return value[head:]


def combined(anchor: bytes, digest: bytes) -> bytes:
    """Return the hash of a unit that is bound to the first unit of its group."""
    return hashlib.sha256(anchor + digest).digest()
