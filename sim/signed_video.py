"""A camera that signs its video frame by frame: Axis Signed Video and ONVIF Media Signing.

    pictures = encode(codec="h264", seconds=12)             # real H.264 or H.265, by frame
    signed = sign(pictures, Signing(scheme="onvif", codec="h264", key=key, chain_pem=chain))
    del signed[37]                                          # misbehave: lose a frame
    write_mp4(signed, target, codec="h264")

Written from the two standards apart from the server's checker, so that neither repeats the other's
mistakes. A frame is a list of units without start codes.
"""

import hashlib
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import ffmpeg
import imageio_ffmpeg
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_FRAMES_PER_SECOND: Final = 10
_GROUP_FRAMES: Final = 20
_SECONDS_MAX: Final = 120
_UUIDS: Final = {
    "axis": bytes.fromhex("5369676e656420566964656f2e2e2e30"),
    "onvif": bytes.fromhex("005bc93f2d715e95ada4796f90877a6f"),
}
_ENCODERS: Final[dict[str, dict[str, Any]]] = {
    "h264": {"c:v": "libx264", "preset": "ultrafast", "bf": 0, "sc_threshold": 0},
    "h265": {"c:v": "libx265", "preset": "ultrafast",
             "x265-params": "log-level=none:bframes=0:scenecut=0:open-gop=0:pools=1"},
}  # fmt: skip
_FORMATS: Final = {"h264": "h264", "h265": "hevc"}
_HASH_OID: Final = bytes.fromhex("608648016503040201")
_START: Final = b"\x00\x00\x00\x01"
Frames = list[list[bytes]]


def encode(*, codec: str, seconds: int, slices: int = 1) -> Frames:
    """Return real frames of a moving test picture, a group of 2 s each."""
    picture = ffmpeg.input(f"testsrc2=s=160x96:r={_FRAMES_PER_SECOND}", f="lavfi", t=seconds)
    options = _ENCODERS[codec] | {
        "g": _GROUP_FRAMES,
        "keyint_min": _GROUP_FRAMES,
        "pix_fmt": "yuv420p",
    }
    if slices > 1:
        options["slices"] = slices
    raw = _run(ffmpeg.output(picture, "pipe:1", f=_FORMATS[codec], **options))
    return frames_of(raw, codec=codec)


def frames_of(raw: bytes, *, codec: str) -> Frames:
    """Cut a raw stream into frames."""
    units = [unit for unit in re.split(rb"\x00{2,}\x01", raw) if unit]
    frames: Frames = []
    pictured = True
    for unit in units:
        picture = _is_picture(unit, codec)
        if pictured and (not picture or _is_first(unit, codec)):
            frames.append([])
            pictured = False
        frames[-1].append(unit.rstrip(b"\x00"))
        pictured = pictured or picture
    return frames


def _head(codec: str) -> int:
    return 1 if codec == "h264" else 2


def _is_picture(unit: bytes, codec: str) -> bool:
    return (unit[0] & 0x1F) in {1, 5} if codec == "h264" else (unit[0] >> 1) < 32  # noqa: PLR2004 - VCL units


def _is_first(unit: bytes, codec: str) -> bool:
    return _is_picture(unit, codec) and bool(unit[_head(codec)] & 0x80)


def _starts_group(unit: bytes, codec: str) -> bool:
    key = (unit[0] & 0x1F) == 5 if codec == "h264" else 16 <= (unit[0] >> 1) <= 21  # noqa: PLR2004 - IDR, IRAP
    return key and _is_first(unit, codec)


@dataclass(kw_only=True)
class Signing:
    """How a camera signs.

    Attributes:
        version: of Axis's general field; 1 lists the link to the next group and has no group hash.
        with_list: send a hash for each unit, not only one for the group.
        units_max: sign parts of a group of so many units.
        sign_every: sign one SEI in so many; those between are covered by the next signed one.
        escaped: hash the SEI as it is sent, emulation prevention included.
    """

    scheme: str
    codec: str
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    chain_pem: bytes = b""
    version: int = 4
    with_list: bool = True
    units_max: int | None = None
    sign_every: int = 1
    escaped: bool = True
    counter: int = 0
    started_at_ticks: int = 0
    _previous_first: bytes = bytes(32)
    _anchor: bytes = b""
    _covered: list[bytes] = field(default_factory=list)
    _partial: bool = False

    def public_pem(self) -> bytes:
        """Return the key as the stream carries it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def see(self, unit: bytes) -> bytes | None:
        """Take the next picture unit; return the SEI to send before it, if one is due."""
        digest = hashlib.sha256(unit).digest()
        starts = _starts_group(unit, self.codec)
        sei = None
        full = self.units_max is not None and len(self._covered) >= self.units_max
        if self._covered and (starts or full):
            self._partial = full and not starts
            sei = self._sei(link=_bound(self._anchor, digest) if starts else None)
        if starts:
            self._anchor = digest
        self._covered.append(digest if starts else _bound(self._anchor, digest))
        return sei

    def _sei(self, *, link: bytes | None) -> bytes:
        covered, self._covered = self._covered, []
        linked, self._previous_first = self._previous_first, covered[0]
        signed = self.counter % self.sign_every == self.sign_every - 1
        make = self._axis_fields if self.scheme == "axis" else self._onvif_fields
        fields = make(covered, linked, link)
        unit = self._unit(fields, signed=signed)
        self.counter += 1
        if not signed:
            # It is a unit of the group it is sent in, which is the one it speaks of.
            self._covered.append(_bound(self._anchor, hashlib.sha256(unit).digest()))
        return unit

    def _axis_fields(self, covered: list[bytes], linked: bytes, link: bytes | None) -> bytes:
        count = len(covered) + (self.version == 1)
        general = struct.pack(">BIH3s", self.version, self.counter, count, b"\x02\x02\x02")
        if self.version > 1:
            general += bytes([2 if self._partial else 0])
        if self.version >= 3:  # noqa: PLR2004 - the version that brought them
            general += linked + hashlib.sha256(b"".join(covered)).digest()
        listed = covered + ([link or bytes(32)] if self.version == 1 else [])
        fields = b"\x01" + bytes([len(general)]) + general
        key = (b"\x01\x00" if self.version == 1 else b"\x02") + self.public_pem()
        fields += _field(2, key)
        return fields + (_field(4, b"\x01" + b"".join(listed)) if self.with_list else b"")

    def _onvif_fields(self, covered: list[bytes], linked: bytes, link: bytes | None) -> bytes:
        del link
        at = self.started_at_ticks + self.counter * 20_000_000 if self.started_at_ticks else 0
        general = struct.pack(">B3sBqqIH", 2, b"\x01\x00\x00", self._partial, at, at,
                              self.counter, len(covered))  # fmt: skip
        general += hashlib.sha256(b"".join(covered)).digest() + linked
        oid = bytes([6, len(_HASH_OID)]) + _HASH_OID
        fields = _field(1, general) + _field(4, bytes([1, len(oid)]) + oid + bytes([0, 0, 0]))
        fields += _field(6, b"\x01\x01" + self.chain_pem)
        return fields + (_field(2, b"\x01" + b"".join(covered)) if self.with_list else b"")

    def _unit(self, fields: bytes, *, signed: bool) -> bytes:
        room = 2 + self._signature_bytes() if signed else 0
        head_bytes = (3 if self.version == 1 else 2) if self.scheme == "axis" else 1
        value_bytes = head_bytes + room
        size = 16 + 1 + len(fields) + (3 + value_bytes if signed else 0)
        head = b"\x06\x05" if self.codec == "h264" else b"\x4e\x01\x05"
        head += b"\xff" * (size // 255) + bytes([size % 255])
        flag = {"axis": 0x80, "onvif": 0x40}[self.scheme] if self.escaped else 0
        document = head + _UUIDS[self.scheme] + bytes([flag]) + fields
        if not signed:
            return _escaped(document + b"\x80") if self.escaped else document + b"\x80"
        signature = self._sign(_escaped(document) if self.escaped else document)
        value = bytes([1 if self.scheme == "onvif" or self.version == 1 else 2])
        value = value.ljust(head_bytes, b"\x00") + struct.pack(">H", len(signature))
        value += signature.ljust(self._signature_bytes(), b"\x00")
        return _escaped(document + _field(5 if self.scheme == "axis" else 3, value) + b"\x80")

    def _signature_bytes(self) -> int:
        return self.key.key_size // 8 if isinstance(self.key, rsa.RSAPrivateKey) else 72

    def _sign(self, document: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(document, ec.ECDSA(hashes.SHA256()))
        if self.scheme == "axis":
            return self.key.sign(document, padding.PKCS1v15(), hashes.SHA256())
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return self.key.sign(document, pss, hashes.SHA256())


def _bound(anchor: bytes, digest: bytes) -> bytes:
    return hashlib.sha256(anchor + digest).digest()


def _field(tag: int, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(value)) + value


def _escaped(unit: bytes) -> bytes:
    """Put emulation prevention bytes in (H.264 section 7.4.1)."""
    return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", unit)


def sign(pictures: Frames, signing: Signing) -> Frames:
    """Return the frames with signing SEI among their units."""
    signed: Frames = []
    for units in pictures:
        out: list[bytes] = []
        for unit in units:
            sei = signing.see(unit) if _is_picture(unit, signing.codec) else None
            out += [sei, unit] if sei else [unit]
        signed.append(out)
    return signed


def write_mp4(frames: Frames, target: Path, *, codec: str, fragmented: bool = True) -> Path:
    """Write the frames as an MP4, with the units as they are."""
    flags = "+frag_keyframe+empty_moov+default_base_moof" if fragmented else "+faststart"
    raw = b"".join(_START + unit for units in frames for unit in units)
    with tempfile.NamedTemporaryFile(suffix=f".{codec}") as file:
        file.write(raw)
        file.flush()
        source = ffmpeg.input(file.name, f=_FORMATS[codec], r=_FRAMES_PER_SECOND)
        options = {"c": "copy", "f": "mp4", "movflags": flags}
        _run(ffmpeg.output(source, str(target), **options).overwrite_output())
    return target


def _run(stream: Any) -> bytes:
    command = stream.global_args("-nostdin", "-loglevel", "error").compile(
        cmd=imageio_ffmpeg.get_ffmpeg_exe()
    )
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, capture_output=True, check=False, timeout=_SECONDS_MAX
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:].decode(errors="replace"))
    return done.stdout
