"""The bytes of one leaf: RFC 8785 canonical JSON, without personal data in clear.

The same event always gives the same bytes, so that a copy kept elsewhere can be compared. A
person whose data an event touched appears as a salted commitment; whoever holds the subject key
and the salt can open it, and destroying the salt makes it meaningless for ever.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import rfc8785

from app.audit.errors import EventNotWritable
from app.canonical import canonical
from app.clock import in_law_zone

VERSION = 1
LEAF_BYTES_MAX = 64 * 1024  # an event tells of an act; what was acted on lies elsewhere
SALT_BYTES = 16
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acted: ids only."""

    department_id: UUID | None = None
    person_id: UUID | None = None
    post_id: UUID | None = None
    role: str | None = None
    device_id: UUID | None = None


def commitment(*, subject_key: bytes, salt: bytes, iin: str) -> str:
    """Return the salted commitment to a personal number, as 64 hexadecimal digits."""
    return hmac.new(subject_key, b"leaf\x00" + salt + iin.encode(), hashlib.sha256).hexdigest()


def subject_index(*, subject_key: bytes, iin: str) -> bytes:
    """Return the key under which a person's events are found again; never in a leaf."""
    return hmac.new(subject_key, b"index\x00" + iin.encode(), hashlib.sha256).digest()


def leaf_bytes(
    *,
    event_id: UUID,
    event: str,
    at: datetime,
    actor: Actor,
    subject: str | None,
    never: str | None,
    fields: Mapping[str, object],
) -> bytes:
    """Return the canonical bytes of an event.

    Args:
        event_id: the event's own id.
        event: its stable name, ``slice.fact``.
        at: when it happened.
        actor: who acted.
        subject: the commitment to the person whose data it touched.
        never: the text that must stand nowhere in the leaf: that person's number.
        fields: what the event says; JSON values.

    Raises:
        EventNotWritable: the name is not ``slice.fact``, the instant has no zone, a field is not
            exact JSON, the whole is over ``LEAF_BYTES_MAX``, or the subject stands in it in clear.
    """
    if not _EVENT.fullmatch(event):
        raise EventNotWritable("an event is named slice.fact", event=event)
    if at.tzinfo is None:
        raise EventNotWritable("an event's instant has a zone", event=event)
    body: dict[str, object] = {
        "v": VERSION,
        "id": str(event_id),
        "event": event,
        "at": _instant(at),
        "at_law": in_law_zone(at).isoformat(timespec="milliseconds"),
        "department": _text(actor.department_id),
        "person": _text(actor.person_id),
        "post": _text(actor.post_id),
        "role": actor.role,
        "device": _text(actor.device_id),
        "subject": subject,
        "fields": dict(fields),
    }
    try:
        leaf = canonical(body)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise EventNotWritable("a field is not exact JSON", event=event) from error
    if len(leaf) > LEAF_BYTES_MAX:
        raise EventNotWritable("the event is too large", event=event)
    if never is not None and never.encode() in leaf:
        raise EventNotWritable("the subject stands in the event in clear", event=event)
    return leaf


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _instant(at: datetime) -> str:
    # Whole microseconds in UTC: the same instant always gives the same characters.
    offset = at.utcoffset()
    assert offset is not None  # noqa: S101 - for the type checker; the zone was asked for above
    return (at - offset).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
