"""Refusals at the door for body-worn systems of another make."""

from app.errors import DomainError, Kind


class AxisMetadataNotValid(DomainError):
    """A name, a header or a track is not of the form of the content destination API."""

    kind = Kind.INVALID
    code = "bodycam.axis_metadata_not_valid"
    cure = "The system keeps the recording; download it there by hand and report it."


class AxisConnectionNotValid(DomainError):
    """A connection file cannot be made so that a body-worn system would take it."""

    kind = Kind.INVALID
    code = "bodycam.axis_connection_not_valid"
    cure = "Give the server's certificate in PEM, valid today; the file holds 64 kB at most."


class AxisObjectsNotGiven(DomainError):
    """An object other than those of ``System`` is asked for: footage is not read by this door."""

    kind = Kind.FORBIDDEN
    code = "bodycam.axis_objects_not_given"


class AxisRequestNotKnown(DomainError):
    """A method or an address that the content destination API does not have."""

    kind = Kind.INVALID
    code = "bodycam.axis_request_not_known"


class AxisNoRoomForRejected(DomainError):
    """Rejected content over the limit of bytes: never refused for good, so there is no room yet."""

    kind = Kind.FULL
    code = "bodycam.axis_no_room_for_rejected"
    cure = "Ask the administrator to raise the limit; the system keeps the content until then."


class AxisContainerNotFound(DomainError):
    """The container was not put before its objects."""

    kind = Kind.NOT_FOUND
    code = "bodycam.axis_container_not_found"
    cure = "Put the container first."


class AxisObjectNotFound(DomainError):
    """No such object, or one that this system may not read."""

    kind = Kind.NOT_FOUND
    code = "bodycam.axis_object_not_found"


class AxisBusy(DomainError):
    """As many objects are being received as the server takes at once."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.axis_busy"
    cure = "Send it again in a few seconds."


class AxisObjectCut(DomainError):
    """The body ended early, or is not what its ETag says; nothing is kept."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.axis_object_cut"
    cure = "Send the object again from its beginning."
