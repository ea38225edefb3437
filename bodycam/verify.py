"""The check of a recording that anybody can run: no server, no database, no network.

    python -m bodycam.verify FILE --ca cameras.pem

Exit code: 0 nothing speaks against the file and something speaks for it, 1 it was changed, 2 it
cannot be read, 3 nothing in or beside it is signed, 4 it is signed and whole, but by a key that
nothing proves.
"""

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Final

from bodycam.rules.custody import CustodyFindings, CustodyNotReadable, check_custody
from bodycam.rules.footage_check import check_video
from bodycam.rules.frames import NoVideo, ReadAt
from bodycam.rules.signed_video.findings import Findings, Verdict
from bodycam.rules.signed_video.trust import Anchors, AnchorsNotReadable, Trust, read_anchors

_WHOLE, _CHANGED, _NOT_READ, _UNSIGNED, _UNPROVEN = range(5)
_SPANS_SHOWN: Final = 200
_STRIP_CHARS: Final = 64
_SIGNS: Final = {
    Verdict.SIGNED: "=",
    Verdict.UNSIGNED: ".",
    Verdict.MOVED: "~",
    Verdict.CHANGED: "X",
    Verdict.FORGED: "!",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the check; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        with given.file.open("rb") as file:
            number = file.fileno()
            size = os.fstat(number).st_size

            def read_at(start: int, length: int) -> bytes:
                return os.pread(number, length, start)

            anchors = read_anchors(given.ca.read_bytes()) if given.ca else Anchors()
            custody = _custody(given, read_at, size)
            try:
                video = check_video(read_at=read_at, size_bytes=size, anchors=anchors)
            except NoVideo as reason:
                if custody is None:
                    raise
                _say(f"signed video: not checked, {reason}")
                video = None
    except (OSError, NoVideo, AnchorsNotReadable, CustodyNotReadable) as error:
        print(f"cannot be read: {error}", file=sys.stderr)  # noqa: T201 - a program's own words
        return _NOT_READ
    if given.json:
        _say(json.dumps({
            "file": given.file.name,
            "video": video.as_json() if video else None,
            "custody": custody.as_json() if custody else None,
        }))  # fmt: skip
    else:
        _tell(video, custody)
    return _code(video, custody)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodycam.verify", description=__doc__)
    parser.add_argument("file", type=Path, help="MP4 (fragmented or plain) or a raw stream")
    parser.add_argument("--ca", type=Path, help="PEM: roots of cameras, or their public keys")
    parser.add_argument("--manifest", type=Path, help="the camera's manifest.json")
    parser.add_argument("--signature", type=Path, help="its manifest.sig")
    parser.add_argument("--camera-key", type=Path, help="PEM of the camera's Ed25519 key")
    parser.add_argument("--receipt", type=Path, help="the server's signed receipt")
    parser.add_argument("--receipt-key", help="the server's receipt key in base64")
    parser.add_argument("--json", action="store_true", help="tell it for a program")
    return parser


def _custody(given: argparse.Namespace, read_at: ReadAt, size_bytes: int) -> CustodyFindings | None:
    if given.manifest is None and given.receipt is None:
        return None
    return check_custody(
        read_at=read_at,
        size_bytes=size_bytes,
        manifest_json=given.manifest.read_bytes() if given.manifest else None,
        manifest_signature=given.signature.read_bytes() if given.signature else None,
        camera_key_pem=given.camera_key.read_bytes() if given.camera_key else None,
        receipt_json=given.receipt.read_bytes() if given.receipt else None,
        receipt_key=given.receipt_key,
    )


def _code(video: Findings | None, custody: CustodyFindings | None) -> int:
    if (video is not None and video.tampered) or (custody is not None and not custody.whole):
        return _CHANGED
    proven = custody is not None and bool(custody.manifest_signed or custody.receipt_signed)
    if video is not None and video.frames_of(Verdict.SIGNED):
        proven = proven or video.trust is Trust.PROVEN
        return _WHOLE if proven else _UNPROVEN
    if proven:
        return _WHOLE
    return _UNSIGNED


def _tell(video: Findings | None, custody: CustodyFindings | None) -> None:
    if custody is not None:
        for name, value in custody.as_json().items():
            _say(f"{name.replace('_', ' ')}: {'not checked' if value is None else value}")
    if video is None:
        return
    scheme = video.scheme.value if video.scheme else "none"
    _say(f"signed video: {scheme}, key {video.trust.value} {video.key_sha256[:16]}")
    _say(f"frames: {video.frames}")
    _say(f"[{_strip(video)}]  = signed  . unsigned  ~ moved  X changed  ! forged")
    for one in video.spans[:_SPANS_SHOWN]:
        until = one.end_frame - 1
        times = f"{one.starts_ms / 1000:.3f} s to {one.ends_ms / 1000:.3f} s"
        _say(f"  frames {one.first_frame} to {until} ({times}): {one.verdict.value}")
    for gap in video.missing[:_SPANS_SHOWN]:
        count = f"{gap.count} signed units" if gap.count else "signed groups"
        _say(f"  before frame {gap.frame}: {count} missing")
    for starts_ms, ends_ms in video.broken_ms[:_SPANS_SHOWN]:
        _say(f"  from {starts_ms / 1000:.3f} s to {ends_ms / 1000:.3f} s: bytes are no picture")
    for note in video.notes:
        _say(f"  note: {note}")
    _say("CHANGED" if video.tampered else "nothing speaks against it")


def _strip(video: Findings) -> str:
    """Return the verdicts in one line; of what falls on one place the worst is shown."""
    order = tuple(Verdict)
    worst = [0] * _STRIP_CHARS
    for one in video.spans:
        first = one.first_frame * _STRIP_CHARS // max(video.frames, 1)
        last = (one.end_frame * _STRIP_CHARS - 1) // max(video.frames, 1)
        for at in range(first, min(last, _STRIP_CHARS - 1) + 1):
            worst[at] = max(worst[at], order.index(one.verdict))
    return "".join(_SIGNS[order[number]] for number in worst)


def _say(text: str) -> None:
    print(text)  # noqa: T201 - a program's own words


def run(arguments: list[str] | None = None) -> int:
    """Run the check as a program: an error of its own is no verdict on the recording."""
    try:
        return main(arguments)
    except Exception:  # noqa: BLE001 - code 1 would say that the recording was changed
        traceback.print_exc()
        return _NOT_READ


if __name__ == "__main__":
    sys.exit(run())
