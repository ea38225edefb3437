"""Refusals at the door for resumable uploads (tus)."""

from app.errors import DomainError, Kind


class UploadNotValid(DomainError):
    """A header of the upload is not of the form of the protocol, or names no camera or time."""

    kind = Kind.INVALID
    code = "bodycam.upload_not_valid"
    cure = "Name the camera and when it began, or the camera's signed manifest."


class UploadNotFound(DomainError):
    """No such upload, or it is another dock's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.upload_not_found"
    cure = "Begin a new upload."


class UploadExpired(DomainError):
    """Nobody went on with the upload in time, or its bytes are no longer there."""

    kind = Kind.NOT_FOUND
    code = "bodycam.upload_expired"
    cure = "Begin a new upload."


class UploadLocked(DomainError):
    """Another request is writing to the upload; it has been asked to let go."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.upload_locked"
    cure = "Ask for the offset and go on from there in a few seconds."


class UploadFinished(DomainError):
    """The upload is whole: what it became is a recording and is not deleted by a dock."""

    kind = Kind.FORBIDDEN
    code = "bodycam.upload_finished"


class OffsetWrong(DomainError):
    """The bytes do not begin where the upload stands."""

    kind = Kind.CONFLICT
    code = "bodycam.offset_wrong"
    cure = "Ask for the offset and go on from there."


class ChecksumWrong(DomainError):
    """The bytes are not those of the checksum, or not those the camera signed; none is kept."""

    kind = Kind.CONFLICT
    code = "bodycam.checksum_wrong"
    cure = "Read the bytes again and send them from the same offset."


class UploadCut(DomainError):
    """The body ended early or the sender fell silent; what had come whole is kept."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.upload_cut"
    cure = "Ask for the offset and go on from there."


class UploadsTooMany(DomainError):
    """The dock has more open uploads than one may, or the server receives all it can."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.uploads_too_many"
    cure = "Finish or terminate others, or send it again in a few seconds."
