"""Refusals of the body-camera slice; every code is stable, docks and pages depend on it."""

from collections.abc import Sequence

from app.errors import DomainError, Kind


class ManifestNotValid(DomainError):
    """The announced manifest has not the form of the protocol."""

    kind = Kind.INVALID
    code = "bodycam.manifest_not_valid"
    cure = "Leave the recording on the camera and report the camera to the device keeper."


class ManifestNotSigned(DomainError):
    """The signature under the manifest is not that of the camera's enrolled key."""

    kind = Kind.INVALID
    code = "bodycam.manifest_not_signed"
    cure = "Leave the recording on the camera; the keeper must enroll the camera's key anew."


class ManifestChanged(DomainError):
    """The same recording was announced before with another manifest."""

    kind = Kind.CONFLICT
    code = "bodycam.manifest_changed"
    cure = "Leave the recording on the camera and report it to the complaints reviewer."


class CameraNotKnown(DomainError):
    """No such camera in the dock's department, or it has no key."""

    kind = Kind.NOT_FOUND
    code = "bodycam.camera_not_known"
    cure = "Enroll the camera, or dock it in the department that owns it."


class RecordingNotFound(DomainError):
    """No such recording, or it is another department's or another dock's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.recording_not_found"
    cure = "Announce the recording first, or ask the department that owns it."


class ComplaintNotFound(DomainError):
    """No such complaint, or it is another department's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.complaint_not_found"


class RecordingTooLarge(DomainError):
    """The recording has more bytes than the server takes."""

    kind = Kind.TOO_LARGE
    code = "bodycam.recording_too_large"
    cure = "Ask the administrator to raise the limit; the recording stays on the camera."


class PartOutOfRange(DomainError):
    """The recording has no part of that number."""

    kind = Kind.INVALID
    code = "bodycam.part_out_of_range"


class PartSizeWrong(DomainError):
    """The body is shorter or longer than the part."""

    kind = Kind.INVALID
    code = "bodycam.part_size_wrong"
    cure = "Read the part again and send it whole."


class DigestMissing(DomainError):
    """The part came without a ``Content-Digest`` of SHA-256 (RFC 9530)."""

    kind = Kind.INVALID
    code = "bodycam.digest_missing"


class DigestWrong(DomainError):
    """The bytes that arrived are not those that the header names: nothing was acknowledged."""

    kind = Kind.CONFLICT
    code = "bodycam.digest_wrong"
    cure = "Send the part again."


class BlockDiffers(DomainError):
    """The block is not the one that the camera signed and was not declared so."""

    kind = Kind.CONFLICT
    code = "bodycam.block_differs"
    cure = "Read the block again; if it still differs, announce it as differing."


class PartBusy(DomainError):
    """The same part is being received right now."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.part_busy"


class PartGoesToStore(DomainError):
    """Parts go straight to the object store, not through the server."""

    kind = Kind.CONFLICT
    code = "bodycam.part_goes_to_store"
    cure = "Announce the recording again and follow its plan."


class AlreadyStored(DomainError):
    """The recording is sealed: no part of it can be written again."""

    kind = Kind.CONFLICT
    code = "bodycam.already_stored"
    cure = "Complete the recording and take the receipt."


class PartsMissing(DomainError):
    """The recording cannot be completed yet; ``missing`` names the first parts that lack."""

    kind = Kind.CONFLICT
    code = "bodycam.parts_missing"
    cure = "Announce the recording again and send what its plan lists."


class StoredBytesWrong(DomainError):
    """The store gave back other bytes than were sent: the upload begins anew."""

    kind = Kind.CONFLICT
    code = "bodycam.stored_bytes_wrong"
    cure = "Announce the recording again and send it whole."


class StoreFull(DomainError):
    """No room for the recording; it stays on the camera."""

    kind = Kind.FULL
    code = "bodycam.store_full"
    cure = "Make room in the object store; the dock tries again by itself."


class StoreSilent(DomainError):
    """The object store does not answer or refused us."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.store_silent"


class ObjectAbsent(DomainError):
    """The store has no such object."""

    kind = Kind.NOT_FOUND
    code = "bodycam.object_absent"


class ObjectDamaged(DomainError):
    """Stored bytes are not those that were stored: changed, cut, or put in another's place.

    ``blocks`` names the blocks of 8 MiB; it is empty where the whole object cannot be opened.
    """

    kind = Kind.UNAVAILABLE
    code = "bodycam.object_damaged"
    cure = "Tell the administrator: the recording's stored bytes were changed."

    def __init__(self, message: str, *, blocks: Sequence[int] = ()) -> None:
        super().__init__(message, blocks=list(blocks))
        self.blocks = tuple(blocks)


class ObjectKeyUnknown(DomainError):
    """The key that wraps an object's key is not in the keys folder: nothing says it is damaged."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.object_key_unknown"
    cure = "The administrator puts the key of that id back into the keys folder."


class LocksNotOffered(DomainError):
    """The store cannot lock an object against deletion."""

    kind = Kind.CONFLICT
    code = "bodycam.locks_not_offered"
    cure = "Use a bucket that was made with object lock; a bucket cannot be given it later."


class TransitionRefused(DomainError):
    """The life cycle lists no such step."""

    kind = Kind.CONFLICT
    code = "bodycam.transition_refused"


class NotPlayable(DomainError):
    """The recording has no index: it is still being received, or quarantined."""

    kind = Kind.CONFLICT
    code = "bodycam.not_playable"
    cure = "Wait until the recording is stored; a quarantined one goes to the administrator."


class RangeNotSatisfiable(DomainError):
    """The asked range lies outside the recording."""

    kind = Kind.INVALID
    code = "bodycam.range_not_satisfiable"


class SearchNotValid(DomainError):
    """The time window of the search is empty or too long."""

    kind = Kind.INVALID
    code = "bodycam.search_not_valid"
    cure = "Name a time from and a later time to, at most seven days apart."


class TooManyFound(DomainError):
    """More recordings pass that place in that time than one answer lists."""

    kind = Kind.TOO_LARGE
    code = "bodycam.too_many_found"
    cure = "Narrow the place or the time."


class DerivativeNotFound(DomainError):
    """That was not made of this recording, or not yet."""

    kind = Kind.CONFLICT  # the recording is there, this of it is not
    code = "bodycam.derivative_not_found"
    cure = "Wait for the examination to end; a whole recording has no salvaged copy."


class MediaToolRefused(DomainError):
    """There is no sandbox for media programs on this machine, so none was run."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.media_tool_refused"
    cure = "Install bubblewrap, or name the weaker sandbox in the settings, knowing what it is."


class MediaToolFailed(DomainError):
    """The media program ended with an error or ran out of time."""

    kind = Kind.UNAVAILABLE
    code = "bodycam.media_tool_failed"


class HeadNotWanted(DomainError):
    """The recording's manifest names no head, or the recording is stored already."""

    kind = Kind.CONFLICT
    code = "bodycam.head_not_wanted"
    cure = "Go on with the parts."


class HeadNotAsSigned(DomainError):
    """The head is not the one that the camera's manifest names, or is no head."""

    kind = Kind.INVALID
    code = "bodycam.head_not_as_signed"
    cure = "Go on with the parts: the recording is seen when it is stored."
