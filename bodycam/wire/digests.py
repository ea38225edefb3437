"""Blocks of a recording and the Merkle root over them.

A recording is cut into blocks of ``BLOCK_SIZE_BYTES``; the last one may be shorter. The root is
the tree hash of RFC 6962 section 2.1 whose leaves are the SHA-256 digests of the blocks, so that
any block can be proven alone and nobody needs a second pass over the whole file.
"""

import base64
import hashlib
import re
from collections.abc import Sequence

BLOCK_SIZE_BYTES = 8 << 20  # >= 5 MiB, the least part an S3 store takes; 64 GiB are 8192 parts
DIGEST_SIZE_BYTES = 32

_CONTENT_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def block_count(size_bytes: int) -> int:
    """Return how many blocks ``size_bytes`` make; nothing makes none."""
    return -(-size_bytes // BLOCK_SIZE_BYTES)


def block_size(*, number: int, size_bytes: int) -> int:
    """Return the size of block ``number`` (from 0) of a recording of ``size_bytes``.

    Raises:
        ValueError: the recording has no such block.
    """
    if not 0 <= number < block_count(size_bytes):
        raise ValueError(f"no block {number} in {size_bytes} bytes")
    return min(BLOCK_SIZE_BYTES, size_bytes - number * BLOCK_SIZE_BYTES)


def merkle_root(digests: Sequence[bytes]) -> bytes:
    """Return the RFC 6962 tree hash over the blocks' digests; of none, SHA-256 of nothing."""
    if not digests:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\x00" + digest).digest() for digest in digests]
    # Joining neighbours and lifting the odd one out is the same tree as the RFC's split at the
    # largest power of two below the count, without the recursion.
    while len(level) > 1:
        joined = [
            hashlib.sha256(b"\x01" + level[at] + level[at + 1]).digest()
            for at in range(0, len(level) - 1, 2)
        ]
        level = joined + level[len(joined) * 2 :]
    return level[0]


def content_digest(digest: bytes) -> str:
    """Return ``digest`` (SHA-256) as the value of an RFC 9530 ``Content-Digest`` header."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def read_content_digest(header: str) -> bytes | None:
    """Return the SHA-256 digest that an RFC 9530 ``Content-Digest`` header names, or ``None``.

    Other algorithms in the same header are passed over, as RFC 9530 section 2 lets us.
    """
    found = _CONTENT_DIGEST.search(header)
    return base64.b64decode(found.group(1)) if found else None
