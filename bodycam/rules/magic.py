"""What a file is that is no MP4, by its first bytes. Its name is never believed."""

from typing import Final

HEAD_BYTES: Final = 512
EMPTY: Final = "the file is empty"
ZEROS: Final = "the file begins with zeros"
OTHER: Final = "the file does not begin as an MP4"
NO_MOOV: Final = "the file has no description of its tracks (moov)"
NO_FRAGMENT: Final = "the file has no whole fragment"
NO_LIKENESS: Final = (
    "no description of its tracks (moov), and no recording of its camera to learn from"
)
NO_MOOV_IN_CLEAR: Final = "encrypted, and in clear without a description of its tracks (moov)"
NO_PICTURE: Final = "no description of its tracks (moov), and no picture was found in it"
TRANSPORT_STREAM: Final = "the file is an MPEG transport stream"
_KNOWN: Final = (
    (b"%PDF-", "the file is a PDF document"),
    (b"PK\x03\x04", "the file is a ZIP archive or an office document"),
    (b"\x1aE\xdf\xa3", "the file is Matroska or WebM video"),
    (b"RIFF", "the file is AVI video or WAV sound"),
    (b"\xff\xd8\xff", "the file is a JPEG picture"),
    (b"\x89PNG", "the file is a PNG picture"),
    (b"\x7fELF", "the file is a program"),
    (b"MZ", "the file is a program"),
    (b"#EXTM3U", "the file is a playlist"),
    (b"<", "the file is a page or XML"),
    (b"ffconcat", "the file is a script for a media program"),
)
REASONS: Final = (EMPTY, ZEROS, OTHER, NO_MOOV, NO_FRAGMENT, *dict.fromkeys(r for _, r in _KNOWN),
                  TRANSPORT_STREAM, NO_LIKENESS, NO_PICTURE, NO_MOOV_IN_CLEAR)  # fmt: skip
RESTORABLE: Final = (NO_MOOV, NO_LIKENESS, NO_PICTURE)
_TS_PACKET_BYTES: Final = 188
_TS_SYNC: Final = 0x47


def what_it_is(head: bytes) -> str:
    """Return in a sentence what a file with this ``head`` is, given that it is no MP4."""
    if not head:
        return EMPTY
    for mark, said in _KNOWN:
        if head.startswith(mark):
            return said
    if not any(head):
        return ZEROS
    if head[0] == _TS_SYNC and head[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] in {b"", b"\x47"}:
        return TRANSPORT_STREAM
    return OTHER
