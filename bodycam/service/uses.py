"""What others call of the use cases of the body-camera slice: the names of ``bodycam.service``."""

from bodycam.service.announcing import announce_recording, read_announce
from bodycam.service.complaints import (
    Complaint,
    ComplaintFacts,
    Found,
    NewComplaint,
    list_complaints,
    note_review,
    read_complaint,
    register_complaint,
)
from bodycam.service.completion import complete_recording
from bodycam.service.docking import Docking, status_of
from bodycam.service.playback import (
    Content,
    bytes_of,
    open_content,
    open_playlist,
    pieces_of_recording,
)
from bodycam.service.recordings import RecordingFacts, read_recording, recordings_of
from bodycam.service.shift_clips import open_shift

__all__ = [
    "Complaint",
    "ComplaintFacts",
    "Content",
    "Docking",
    "Found",
    "NewComplaint",
    "RecordingFacts",
    "announce_recording",
    "bytes_of",
    "complete_recording",
    "list_complaints",
    "note_review",
    "open_content",
    "open_playlist",
    "open_shift",
    "pieces_of_recording",
    "read_announce",
    "read_complaint",
    "read_recording",
    "recordings_of",
    "register_complaint",
    "status_of",
]
