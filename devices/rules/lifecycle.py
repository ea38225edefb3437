"""The life cycle of a device: one table."""

import enum

from devices.errors import StepRefused


class DeviceStatus(enum.Enum):
    """Where a device stands."""

    REGISTERED = "registered"  # has an inventory number and no credential yet
    ENROLLED = "enrolled"  # has a credential and has not been put in store
    IN_STORE = "in_store"
    ISSUED = "issued"  # with an officer, against his signature
    DOCKED = "docked"  # a camera in its dock; the keeper has not taken it back yet
    RETURNED = "returned"  # back, and to be looked at before it goes to the store
    SUSPENDED = "suspended"
    LOST = "lost"
    RETIRED = "retired"


_ALWAYS = frozenset({DeviceStatus.SUSPENDED, DeviceStatus.LOST, DeviceStatus.RETIRED})
_NEXT: dict[DeviceStatus, frozenset[DeviceStatus]] = {
    DeviceStatus.REGISTERED: _ALWAYS | {DeviceStatus.ENROLLED},
    DeviceStatus.ENROLLED: _ALWAYS | {DeviceStatus.IN_STORE, DeviceStatus.ENROLLED},
    # From the store a device may be given a new credential, after the old one was seen elsewhere.
    DeviceStatus.IN_STORE: _ALWAYS | {DeviceStatus.ISSUED, DeviceStatus.ENROLLED},
    DeviceStatus.ISSUED: _ALWAYS | {DeviceStatus.DOCKED, DeviceStatus.RETURNED},
    DeviceStatus.DOCKED: _ALWAYS | {DeviceStatus.RETURNED},
    DeviceStatus.RETURNED: _ALWAYS | {DeviceStatus.IN_STORE},
    # What was out of service is looked at before it is used; its credential may be known.
    DeviceStatus.SUSPENDED: (_ALWAYS - {DeviceStatus.SUSPENDED})
    | {DeviceStatus.RETURNED, DeviceStatus.IN_STORE},
    DeviceStatus.LOST: (_ALWAYS - {DeviceStatus.LOST}) | {DeviceStatus.RETURNED},
    DeviceStatus.RETIRED: frozenset(),
}


class ChangeReason(enum.Enum):
    """Why somebody changed where a device stands. Stands in the log, so it is no free text."""

    CHECKED = "checked"  # looked at and found good
    BROKEN = "broken"
    LOST = "lost"
    STOLEN = "stolen"
    FOUND = "found"
    MISUSE = "misuse"
    WORN_OUT = "worn_out"
    OTHER = "other"


ADMITTED = frozenset(
    {DeviceStatus.ENROLLED, DeviceStatus.IN_STORE, DeviceStatus.ISSUED, DeviceStatus.DOCKED}
)
"""Only in these does the device's credential open anything."""

BLOCKED_BY_DUTY = frozenset({DeviceStatus.SUSPENDED, DeviceStatus.LOST})
"""What a duty officer may do at once, from any state."""

SET_BY_KEEPER = BLOCKED_BY_DUTY | {
    DeviceStatus.RETIRED,
    DeviceStatus.RETURNED,
    DeviceStatus.IN_STORE,
}
"""What a keeper may set by hand. Issue, docking and enrolment have acts of their own."""

ISSUABLE_KINDS = frozenset({"tablet", "terminal", "camera"})
"""A dock stands in its place and is issued to nobody."""


def next_status(current: DeviceStatus, target: DeviceStatus) -> DeviceStatus:
    """Return ``target`` if a device may move there from ``current``.

    Raises:
        StepRefused: the table lists no such step; nothing leaves ``RETIRED``.
    """
    if target not in _NEXT[current]:
        raise StepRefused(f"{current.value} -> {target.value}")
    return target
