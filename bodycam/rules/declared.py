"""What a dock declares of a recording's bytes, and what of it counts beside what is stored.

A memory card that fails gives less each time it is read. Blocks that came as the camera signed
them stay, whatever the card gives later: nothing that was acknowledged is given up for worse.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size
from bodycam.wire.protocol import Announce


@dataclass(frozen=True, kw_only=True)
class Declared:
    """How large the file is, and which blocks are not as signed: their digests by number."""

    found_bytes: int
    differing: Mapping[str, str]


def declared(announce: Announce) -> Declared:
    """Return what the dock declares."""
    signed = dict(enumerate(announce.manifest.blocks))
    differing = {
        str(one.number): one.sha256
        for one in announce.differing
        if signed.get(one.number) != one.sha256
    }
    return Declared(found_bytes=announce.found_bytes, differing=differing)


def beside(announce: Announce, stored: Mapping[int, tuple[bytes, int]]) -> Declared:
    """Return what counts of a declaration, beside the stored parts: digest and size by number.

    Blocks stored as signed are not declared away. A file that is shorter now keeps those of them
    that follow its last whole block without a hole; behind a hole nothing could be played.
    """
    given, manifest = declared(announce), announce.manifest
    good = {
        number
        for number, (sha256, size) in stored.items()
        if number < len(manifest.blocks)
        and sha256.hex() == manifest.blocks[number]
        and size == block_size(number=number, size_bytes=manifest.size_bytes)
    }
    found, reached = given.found_bytes, given.found_bytes // BLOCK_SIZE_BYTES
    while reached in good:
        reached += 1
    if found < manifest.size_bytes:
        found = max(found, min(reached * BLOCK_SIZE_BYTES, manifest.size_bytes))
    stays = {number for number in good if _fits(number, manifest.size_bytes, found)}
    differing = {number: one for number, one in given.differing.items() if int(number) not in stays}
    return Declared(found_bytes=found, differing=differing)


def kept(announce: Announce, counts: Declared) -> tuple[int, ...]:
    """Return the blocks that are held as signed though the dock declares them otherwise."""
    given = declared(announce)
    other = {int(number) for number in given.differing.keys() - counts.differing.keys()}
    if counts.found_bytes > given.found_bytes:
        whole = given.found_bytes // BLOCK_SIZE_BYTES
        other |= set(range(whole, block_count(counts.found_bytes)))
    held = set(range(block_count(counts.found_bytes))) - set(map(int, counts.differing))
    return tuple(sorted(other & held))


def _fits(number: int, signed_bytes: int, found_bytes: int) -> bool:
    """Whether a block that is as large as signed is whole in the file that was found."""
    return number < block_count(found_bytes) and (
        block_size(number=number, size_bytes=signed_bytes)
        == block_size(number=number, size_bytes=found_bytes)
    )
