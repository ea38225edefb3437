"""The steps of a recording and of a complaint, and the terms of the law."""

import enum
from types import MappingProxyType
from typing import Final

from bodycam.errors import TransitionRefused


class RecordingStatus(enum.Enum):
    """Where a recording stands. ``DESTROYED`` leaves a tombstone, never nothing."""

    ANNOUNCED = "announced"
    RECEIVING = "receiving"
    VERIFIED = "verified"  # stored as the camera signed it
    DAMAGED = "damaged"  # stored, but not as the camera signed it, or its boxes are broken
    QUARANTINED = "quarantined"  # bytes kept, but they are no MP4
    INDEXED = "indexed"
    REVIEWABLE = "reviewable"
    HELD = "held"
    EXPIRING = "expiring"
    DESTROYED = "destroyed"


_R = RecordingStatus
_NEXT: Final = MappingProxyType(
    {
        _R.ANNOUNCED: frozenset({_R.RECEIVING}),
        # Back to the start where nobody went on with it and its room was given back.
        _R.RECEIVING: frozenset({_R.VERIFIED, _R.DAMAGED, _R.ANNOUNCED}),
        _R.VERIFIED: frozenset({_R.INDEXED, _R.DAMAGED, _R.QUARANTINED}),
        _R.DAMAGED: frozenset({_R.INDEXED, _R.QUARANTINED}),
        # Indexed where the key of an encrypted recording came later.
        _R.QUARANTINED: frozenset({_R.HELD, _R.EXPIRING, _R.INDEXED}),
        _R.INDEXED: frozenset({_R.REVIEWABLE}),
        _R.REVIEWABLE: frozenset({_R.HELD, _R.EXPIRING}),
        _R.HELD: frozenset({_R.REVIEWABLE, _R.QUARANTINED, _R.EXPIRING}),
        # Taken back, a recording is again what it was: playable, or bytes that are no video.
        _R.EXPIRING: frozenset({_R.HELD, _R.REVIEWABLE, _R.QUARANTINED, _R.DESTROYED}),
        _R.DESTROYED: frozenset(),
    }
)
OPEN: Final = frozenset({_R.ANNOUNCED, _R.RECEIVING})  # parts may still come
UNREAD: Final = frozenset({_R.VERIFIED, _R.DAMAGED})  # stored, and its bytes are not indexed yet
# What is held before it is read goes on its way, and is ``HELD`` once it has come to rest.
_ON_ITS_WAY: Final = OPEN | UNREAD | {_R.INDEXED}


def next_recording_status(current: RecordingStatus, target: RecordingStatus) -> RecordingStatus:
    """Return ``target`` if a recording may move there from ``current``.

    Raises:
        TransitionRefused: the table lists no such step.
    """
    if target not in _NEXT[current]:
        raise TransitionRefused(f"{current.value} -> {target.value}")
    return target


def status_under_hold(current: RecordingStatus) -> RecordingStatus:
    """Return the status of a recording on which a hold is placed, from its announcement on.

    Raises:
        TransitionRefused: it is destroyed.
    """
    if current in _ON_ITS_WAY or current is _R.HELD:
        return current
    return next_recording_status(current, _R.HELD)


class ComplaintStatus(enum.Enum):
    """Where a complaint stands."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    FOOTAGE_FOUND = "footage_found"
    UNDER_REVIEW = "under_review"
    DECIDED = "decided"
    ANSWERED = "answered"


_C = ComplaintStatus
_NEXT_OF_COMPLAINT: Final = MappingProxyType(
    {
        _C.REGISTERED: frozenset({_C.ASSIGNED}),
        _C.ASSIGNED: frozenset({_C.FOOTAGE_FOUND, _C.UNDER_REVIEW}),
        _C.FOOTAGE_FOUND: frozenset({_C.UNDER_REVIEW}),
        _C.UNDER_REVIEW: frozenset({_C.DECIDED}),
        _C.DECIDED: frozenset({_C.ANSWERED}),
        _C.ANSWERED: frozenset(),
    }
)


def next_complaint_status(current: ComplaintStatus, target: ComplaintStatus) -> ComplaintStatus:
    """Return ``target`` if a complaint may move there from ``current``.

    Raises:
        TransitionRefused: the table lists no such step.
    """
    if target not in _NEXT_OF_COMPLAINT[current]:
        raise TransitionRefused(f"{current.value} -> {target.value}")
    return target


class ComplaintKind(enum.Enum):
    """What the paper is in law; it decides the term."""

    APPEAL = "appeal"  # обращение: 15 working days from registration, APPK article 76
    COMPLAINT = "complaint"  # жалоба: 20 working days from registration, APPK article 99


# APPK in the wording of Law 241-VIII of 17 December 2025. The day of registration is not counted.
TERM_WORKING_DAYS: Final = MappingProxyType({ComplaintKind.APPEAL: 15, ComplaintKind.COMPLAINT: 20})
