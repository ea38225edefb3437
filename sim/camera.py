"""A body camera: real H.264 and AAC footage of any length, and the signed manifest over it.

    from sim.camera import Camera, make_footage
    camera = Camera(camera_id=device_id)            # makes its Ed25519 key
    print(camera.public_key_pem)                    # for POST /api/devices
    footage = make_footage(folder=Path("var/sim/footage"), seconds=8 * 3600)
    recording = camera.record(
        bay=Path("var/sim/bays/bay-01"), footage=footage, started_at=start, at_place=stop_at
    )

The footage is made cheaply: one base of some minutes is encoded, then looped by stream copy. It
is made once for each set of parameters and then linked into cameras.
"""

import base64
import fcntl
import hashlib
import math
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import ffmpeg
import imageio_ffmpeg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycam.wire.digests import BLOCK_SIZE_BYTES, merkle_root
from bodycam.wire.manifest import CameraEvent, Manifest, TrackPoint
from sim.camera_head import make_head
from sim.district import LATITUDE, LONGITUDE

_E7: Final = 10**7
_GOP_SECONDS: Final = 2
_BASE_SECONDS_MAX: Final = 320
_AUDIO_HERTZ: Final = 16_000  # 320 s are a whole number of AAC frames: the loops stay in step
_PICTURE: Final = (320, 180)
_FRAMES_PER_SECOND: Final = 10
_VIDEO_BITS: Final = 64_000  # 8 hours stay under 400 MB
_AUDIO_BITS: Final = 16_000
_FFMPEG_SECONDS_MAX: Final = 600
_TRACK_STEP_SECONDS: Final = 10
_METERS_PER_DEGREE: Final = 111_195.0
CLOCK_ZERO: Final = datetime(2000, 1, 1, tzinfo=UTC)  # where a clock stands that lost its power
_FICLONE: Final = 0x4004_9409  # ioctl of linux/fs.h: share the blocks of another file


class FootageNotMade(Exception):
    """ffmpeg failed; the message is the end of what it said."""


def make_footage(*, folder: Path, seconds: int, label: str = "BWC-0042") -> Path:
    """Return a fragmented MP4 of ``seconds``, made on the first call for these parameters.

    One fragment is one group of pictures of 2 s. The burnt-in clock counts within the base.

    Raises:
        FootageNotMade: ffmpeg failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = _PICTURE
    form = f"{label}-{width}x{height}-{_FRAMES_PER_SECOND}fps-{_VIDEO_BITS}"
    base_seconds = min(_BASE_SECONDS_MAX, seconds)
    base = folder / f"base-{form}-{base_seconds}s.mp4"
    whole = folder / f"footage-{form}-{seconds}s.mp4"
    if whole.exists():
        return whole
    if not base.exists():
        _made(base, lambda path: _encode_base(path, seconds=base_seconds, label=label))
    _made(whole, lambda path: _loop(base, path, seconds=seconds))
    return whole


def _made(target: Path, make: Callable[[Path], None]) -> None:
    making = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        make(making)
        making.replace(target)
    finally:
        making.unlink(missing_ok=True)


def _encode_base(target: Path, *, seconds: int, label: str) -> None:
    width, height = _PICTURE
    font = files("fontpkg_roboto_mono").joinpath("files", "RobotoMono[wght].ttf")
    picture = ffmpeg.input(f"testsrc2=s={width}x{height}:r={_FRAMES_PER_SECOND}", f="lavfi")
    picture = picture.filter(
        "drawtext",
        fontfile=str(font),
        text=f"{label} %{{pts:hms}}",
        x=8,
        y=height - 32,
        fontsize=20,
        fontcolor="white",
        box=1,
        boxcolor="black@0.6",
        boxborderw=4,
    )
    tone = ffmpeg.input(f"sine=f=440:r={_AUDIO_HERTZ}:b=4", f="lavfi")
    group = _FRAMES_PER_SECOND * _GOP_SECONDS
    options = {
        "c:v": "libx264", "preset": "ultrafast", "profile:v": "main", "pix_fmt": "yuv420p",
        "b:v": _VIDEO_BITS, "maxrate": _VIDEO_BITS, "bufsize": 2 * _VIDEO_BITS,
        "g": group, "keyint_min": group, "sc_threshold": 0, "bf": 0,
        "c:a": "aac", "b:a": _AUDIO_BITS, "ac": 1, "t": seconds, "f": "mp4",
    }  # fmt: skip
    _run(ffmpeg.output(picture, tone, str(target), **options))


def _loop(base: Path, target: Path, *, seconds: int) -> None:
    options = {
        "c": "copy",
        "t": seconds,
        "movflags": "+frag_keyframe+empty_moov+default_base_moof",
        "f": "mp4",
    }
    _run(ffmpeg.output(ffmpeg.input(str(base), stream_loop=-1), str(target), **options))


def _run(stream: Any) -> None:
    stream = stream.global_args("-nostdin", "-loglevel", "error").overwrite_output()
    command = stream.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, capture_output=True, check=False, timeout=_FFMPEG_SECONDS_MAX
    )
    if done.returncode != 0:
        raise FootageNotMade(done.stderr[-2000:].decode(errors="replace"))


@lru_cache(maxsize=8)
def _digests(path: Path, _size: int, _changed_ns: int) -> tuple[bytes, ...]:
    digests = []
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE_BYTES):
            digests.append(hashlib.sha256(block).digest())
    return tuple(digests)


def block_digests(path: Path) -> tuple[bytes, ...]:
    """Return SHA-256 of each block of the file; remembered while the file does not change."""
    facts = path.stat()
    return _digests(path, facts.st_size, facts.st_mtime_ns)


def patrol_track(
    *,
    started_at: datetime,
    seconds: float,
    at_place: datetime,
    latitude: float = LATITUDE,
    longitude: float = LONGITUDE,
) -> tuple[TrackPoint, ...]:
    """Return a walk whose camera stands at the place at ``at_place`` for about five minutes.

    Elsewhere it keeps at least 400 m away, so that a search by place and time can fail too.
    """
    points = []
    for step in range(math.floor(seconds / _TRACK_STEP_SECONDS) + 1):
        at = started_at + timedelta(seconds=step * _TRACK_STEP_SECONDS)
        away = max(0.0, abs((at - at_place).total_seconds()) - 150) * 1.5  # walking, meters
        around = step * 0.01
        meters = min(away, 2000 + 300 * math.sin(around))
        north = meters * math.cos(around) / _METERS_PER_DEGREE
        east = meters * math.sin(around) / _METERS_PER_DEGREE / math.cos(math.radians(latitude))
        points.append(
            TrackPoint(
                at=at,
                latitude_e7=round((latitude + north) * _E7),
                longitude_e7=round((longitude + east) * _E7),
            )
        )
    return tuple(points)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recording as the camera closed it."""

    folder: Path
    manifest: Manifest
    signature: str

    @property
    def recording_id(self) -> uuid.UUID:
        """The recording's id."""
        return self.manifest.recording_id


@dataclass(kw_only=True)
class Camera:
    """A camera with its signing key, which never leaves it.

    ``version`` is that of its manifests: cameras of version 1 know no events and write no head.
    ``clock_lost_at`` is when its clock was reset, by the true one; it does not notice.
    """

    camera_id: uuid.UUID
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    clock_drift_ms: int = 0
    clock_lost_at: datetime | None = None
    previous_manifest_sha256: str | None = None
    version: Literal[1, 2] = 2

    @property
    def public_key_pem(self) -> str:
        """The public key in PEM, as a camera is enrolled with it."""
        return (
            self.key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def clock(self, at: datetime) -> datetime:
        """Return what its clock shows at an instant of the true one."""
        if self.clock_lost_at is not None and at >= self.clock_lost_at:
            return CLOCK_ZERO + (at - self.clock_lost_at)
        return at + timedelta(milliseconds=self.clock_drift_ms)

    def record(
        self,
        *,
        bay: Path,
        footage: Path,
        started_at: datetime,
        seconds: float,
        at_place: datetime | None = None,
        track: Iterable[TrackPoint] | None = None,
        battery_percent: int = 31,
        events: Iterable[CameraEvent] = (),
    ) -> Recorded:
        """Put a recording into ``bay`` as the camera's USB storage shows it, and sign for it.

        Args:
            bay: the folder; made if absent. Whatever was left of a wiped recording stays.
            footage: the MP4; linked or cloned, not copied, where the file system can.
            started_at: by the true clock; the camera's own clock is off by its drift.
            seconds: how long it lasts.
            at_place: when it stands at the district's place; the middle by default.
            track: points to use instead of the patrol's walk.
            battery_percent: what is left at the end.
            events: what it noted, by its own clock.
        """
        begins = self.clock(started_at)
        if track is None:
            passed = self.clock(at_place or started_at + timedelta(seconds=seconds / 2))
            track = patrol_track(started_at=begins, seconds=seconds, at_place=passed)
        digests = block_digests(footage)
        recording_id = uuid.uuid4()
        head = make_head(footage, recording_id=recording_id) if self.version > 1 else None
        manifest = Manifest(
            version=self.version,
            recording_id=recording_id,
            camera_id=self.camera_id,
            started_at=begins,
            ended_at=begins + timedelta(seconds=seconds),
            size_bytes=footage.stat().st_size,
            blocks=tuple(digest.hex() for digest in digests),
            merkle_root=merkle_root(digests).hex(),
            clock_drift_ms=self.clock_drift_ms,
            battery_percent=battery_percent,
            track=tuple(track),
            previous_manifest_sha256=self.previous_manifest_sha256,
            events=tuple(events),
            head_sha256=hashlib.sha256(head).hexdigest() if head is not None else None,
            head_bytes=len(head) if head is not None else None,
        )
        return self.sign_and_write(bay=bay, footage=footage, manifest=manifest, head=head)

    def sign_and_write(
        self, *, bay: Path, footage: Path, manifest: Manifest, head: bytes | None = None
    ) -> Recorded:
        """Sign any manifest, write it, and put the footage beside it, the signature last."""
        signature = base64.b64encode(self.key.sign(manifest.signed_bytes())).decode()
        canonical = manifest.canonical()
        bay.mkdir(parents=True, exist_ok=True)
        _place(footage, bay / "recording.mp4")
        if head is not None:
            (bay / "head.bin").write_bytes(head)
        (bay / "manifest.json").write_bytes(canonical)
        (bay / "manifest.sig").write_text(signature + "\n")
        self.previous_manifest_sha256 = hashlib.sha256(canonical).hexdigest()
        return Recorded(folder=bay, manifest=manifest, signature=signature)


def cut_short(recorded: Recorded, *, keep_bytes: int) -> None:
    """Lose the end of the footage, as a power cut does: the manifest says more than there is."""
    _own_copy(recorded)
    os.truncate(recorded.folder / "recording.mp4", keep_bytes)


def change_byte(recorded: Recorded, *, at_byte: int) -> None:
    """Change one byte of the footage, as a failing memory card or a forger does."""
    _own_copy(recorded)
    with (recorded.folder / "recording.mp4").open("r+b") as file:
        byte = os.pread(file.fileno(), 1, at_byte)
        os.pwrite(file.fileno(), bytes([byte[0] ^ 0xFF]), at_byte)


def _own_copy(recorded: Recorded) -> None:
    # The file may be a link to footage that other cameras have too.
    path = recorded.folder / "recording.mp4"
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def _place(source: Path, target: Path) -> None:
    """Clone, link or copy, whichever is the first to work."""
    target.unlink(missing_ok=True)
    if _cloned(source, target):
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _cloned(source: Path, target: Path) -> bool:
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError:
            pass
        else:
            return True
    target.unlink()
    return False
