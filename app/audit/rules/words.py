"""The words by which the sequencer tells who waits of the leaves it has given.

They travel on a channel of the database that anybody may speak on who may open it, so each carries
a tag that only holders of the log's own key can make. What is repeated later is still true.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

EVENTS_MAX: Final = 200  # in one word: PostgreSQL carries less than 8,000 bytes
_HEX: Final = 32  # digits of an id
_TAG: Final = 32  # digits of a tag: 128 bits
_LABEL: Final = b"saqshy words of the sequencer"


def key_of_words(checkpoint_key: bytes) -> bytes:
    """Return the key of the tags, made from the 32 bytes of the log's private key."""
    return hmac.digest(checkpoint_key, _LABEL, hashlib.sha256)


def words(key: bytes, *, first: int, event_ids: Sequence[UUID]) -> Iterator[str]:
    """Yield what tells that these events have the leaves from ``first`` on."""
    for begin in range(0, len(event_ids), EVENTS_MAX):
        ids = "".join([one.hex for one in event_ids[begin : begin + EVENTS_MAX]])
        said = f"{first + begin} {ids}"
        yield _tag(key, said) + said


def understood(key: bytes, word: str) -> tuple[int, list[UUID]] | None:
    """Return the first leaf and its events, or ``None`` for what the sequencer has not said."""
    tag, said = word[:_TAG], word[_TAG:]
    if not hmac.compare_digest(tag.encode(), _tag(key, said).encode()):
        return None
    first, _, ids = said.partition(" ")
    return int(first), [UUID(hex=ids[at : at + _HEX]) for at in range(0, len(ids), _HEX)]


def _tag(key: bytes, said: str) -> str:
    return hmac.digest(key, said.encode(), hashlib.sha256).hex()[:_TAG]
