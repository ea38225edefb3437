"""The sandbox of this machine, and files that mean harm."""

import functools
import random
import struct
import subprocess

import imageio_ffmpeg

from app.settings import SandboxKind
from bodycam.media import make_sandbox
from bodycam.rules.tracks import read_tracks
from sim.signed_video import encode, write_mp4
from tests.factories_bodycam import SECONDS, footage

_FFMPEG = (imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error")


def sandbox():
    """Return bubblewrap's sandbox, or the weaker one where the machine has no bubblewrap."""
    for kind in SandboxKind:
        made = make_sandbox(kind)
        if made.before:
            return made
    raise LookupError("install bubblewrap: this machine has no user namespaces either")


@functools.cache
def small(*, fragmented=True):
    """Return a real MP4 of a few groups, without sound."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        frames = encode(codec="h264", seconds=6)
        path = write_mp4(frames, Path(folder) / "s.mp4", codec="h264", fragmented=fragmented)
        return path.read_bytes()


def box(kind, body=b"", *, size=None):
    return struct.pack(">I4s", 8 + len(body) if size is None else size, kind) + body


def wide(kind, body=b"", *, size=None):
    return struct.pack(">I4sQ", 1, kind, 16 + len(body) if size is None else size) + body


def _at(content, mark, number=0):
    at = -1
    for _ in range(number + 1):
        at = content.index(mark, at + 1)
    return at


def _put(content, at, value):
    return content[:at] + value + content[at + len(value) :]


def _patched(content, mark, ahead, value, number=0):
    return _put(content, _at(content, mark, number) + ahead, value)


def _each(content, mark, ahead, value):
    changed, at = bytearray(content), content.find(mark)
    while at >= 0:
        changed[at + ahead : at + ahead + len(value)] = value
        at = content.find(mark, at + 1)
    return bytes(changed)


U32 = b"\xff\xff\xff\xff"
FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2")


def _nested(depth):
    body = b""
    for _ in range(depth):
        body = box(b"moov", body)
    return FTYP + body


def _text_files():
    return {
        "empty": b"",
        "one byte": b"\0",
        "seven bytes": b"\0\0\0\x08fty",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n%%EOF\n" * 40,
        "html": b"<html><script>fetch('http://127.0.0.1/')</script></html>" * 20,
        "hls playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://127.0.0.1:9/x.ts\n",
        "hls of a local file": b"#EXTM3U\n#EXTINF:6,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "concat script": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "dash manifest": b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>',
        "svg with entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
        "zip": b"PK\x03\x04" + bytes(200),
        "elf": b"\x7fELF\x02\x01\x01" + bytes(200),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "avi head": b"RIFF\xff\xff\xff\x7fAVI LIST" + bytes(200),
        "matroska head": b"\x1aE\xdf\xa3" + bytes(200),
        "transport stream": (b"\x47\x40\x00\x10" + bytes(184)) * 50,
        "zeros": bytes(1 << 16),
        "ones": b"\xff" * (1 << 16),
        "noise": random.Random(5).randbytes(1 << 16),
        "noise behind ftyp": FTYP + random.Random(6).randbytes(1 << 16),
    }


def _box_files():
    return {
        "ftyp alone": FTYP,
        "ftyp of zero size": box(b"ftyp", b"isom", size=0),
        "ftyp smaller than its head": box(b"ftyp", b"isom", size=4),
        "wide box smaller than its head": wide(b"moov", size=8),
        "wide box of 2^63": FTYP + wide(b"moov", size=1 << 63),
        "wide box of 2^64-1": FTYP + wide(b"mdat", size=(1 << 64) - 1),
        "box past the end": FTYP + box(b"moov", b"", size=1 << 30),
        "moov of nothing": FTYP + box(b"moov"),
        "moov to the end": FTYP + box(b"moov", b"", size=0),
        "a hundred thousand empty boxes": FTYP + box(b"free") * 100_000,
        "boxes nested two thousand deep": _nested(2000),
        "moov twice": FTYP + box(b"moov") * 2,
        "mdat first and nothing else": box(b"mdat", bytes(5000)),
        "moof before moov": FTYP + box(b"moof", box(b"mfhd", bytes(8))) + box(b"mdat", bytes(9)),
        "moof of 256 MiB": FTYP + box(b"moof", box(b"mfhd", bytes(8)), size=256 << 20),
    }


def _fragmented_files():
    good = small()
    moof = _at(good, b"moof") - 4
    tracks = read_tracks(
        good[_at(good, b"moov") - 4 :][: struct.unpack_from(">I", good, _at(good, b"moov") - 4)[0]]
    )
    assert tracks
    return {
        "timescale of zero": _patched(good, b"mdhd", 16, bytes(4)),
        "a track without number": _patched(good, b"tkhd", 16, bytes(4)),
        "run of 2^32-1 samples": _patched(good, b"trun", 8, U32),
        "every run of 2^32-1 samples": _each(good, b"trun", 8, U32),
        "runs of no samples": _each(good, b"trun", 8, bytes(4)),
        "run that claims every field": _patched(good, b"trun", 5, b"\x00\x0f\xff"),
        "data offset far before the file": _each(good, b"trun", 12, b"\x80\0\0\0"),
        "data offset far behind the file": _each(good, b"trun", 12, b"\x7f\xff\xff\xff"),
        "samples of 4 GiB": _each(good, b"trun", 20, U32),
        "time of 2^63": _patched(good, b"tfdt", 8, b"\x80" + bytes(7)),
        "time of 2^64-1 everywhere": _each(good, b"tfdt", 8, U32 * 2),
        "time that runs backwards": _patched(good, b"tfdt", 8, bytes(8), 2),
        "no decode times": good.replace(b"tfdt", b"free"),
        "fragments of another track": _each(good, b"tfhd", 8, b"\0\0\0\x63"),
        "fragment head without body": good.replace(b"mdat", b"free"),
        "cut in the middle of a fragment": good[: moof + 300],
        "cut in the middle of moov": good[: _at(good, b"moov") + 100],
        "a moof destroyed": _put(good, _at(good, b"moof", 1) - 4, random.Random(7).randbytes(64)),
        "mdat of zeros": _put(good, _at(good, b"mdat") + 4, bytes(2000)),
        "unit lengths of 2^32-1": _put(good, _at(good, b"mdat") + 4, U32),
        "set-up of no bytes": _patched(good, b"avcC", -4, b"\0\0\0\x08"),
        "picture of 65535 by 65535": _patched(good, b"avc1", 28, U32),
        "mfhd marks without a fragment": good[:moof] + b"\0\0\0\x10mfhd" * 20_000,
        "moof inside mdat": good[:moof] + box(b"mdat", good[moof:]),
        "fragments in reverse": good[:moof] + good[moof:][::-1],
    }


def _plain_files():
    good = small(fragmented=False)
    return {
        "plain without moov": good.replace(b"moov", b"free"),
        "table of 2^32-1 sizes": _patched(good, b"stsz", 12, U32),
        "one size of 2^32-1 for all": _patched(good, b"stsz", 8, U32),
        "table of 2^32-1 chunks": _patched(good, b"stco", 8, U32),
        "chunks behind the file": _each(good, b"stco", 12, U32),
        "chunk runs that start at zero": _patched(good, b"stsc", 12, bytes(4)),
        "times of 2^32-1 samples": _patched(good, b"stts", 12, U32),
        "key samples that are not there": _patched(good, b"stss", 12, U32),
        "no table of places": good.replace(b"stco", b"free"),
    }


@functools.cache
def hostile():
    """Return files by what is wrong with each."""
    return {**_text_files(), **_box_files(), **_fragmented_files(), **_plain_files()}


def mutant(seed):
    """Return real footage with some bytes changed, cut, doubled or taken from elsewhere."""
    chance = random.Random(seed)
    good = chance.choice([small(), small(fragmented=False), footage(6).read_bytes()])
    changed = bytearray(good)
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(changed))
        act = chance.randrange(5)
        if act == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif act == 1:
            changed[at : at + 4] = chance.choice([bytes(4), U32, b"\x7f" + U32[1:], b"\0\0\0\1"])
        elif act == 2:
            del changed[at : at + chance.randrange(1, 400)]
        elif act == 3:
            changed[at:at] = chance.randbytes(chance.randrange(1, 200))
        else:
            other = chance.randrange(len(changed))
            changed[at : at + 64] = changed[other : other + 64]
    # Half of them in the boxes, where a parser can be led astray, and not in the pictures.
    if seed % 2:
        head = bytearray(good[:4096])
        for _ in range(chance.randrange(1, 6)):
            head[chance.randrange(len(head))] = chance.randrange(256)
        return bytes(head) + bytes(changed[4096:])
    return bytes(changed)


@functools.cache
def plain_footage(seconds=SECONDS):
    """Return footage as a plain MP4: one description, at its end."""
    path = footage(seconds).with_name(f"plain-{seconds}.mp4")
    subprocess.run([*_FFMPEG, "-i", footage(seconds), "-c", "copy", path], check=True)
    return path


@functools.cache
def brightening_footage(seconds):
    """Return a plain MP4, coded ahead (B), in which every picture is brighter than the last.

    From the brightest on it begins anew: 25 pictures a second, four shades each.
    """
    path = footage(seconds).with_name(f"brightening-{seconds}.mp4")
    command = [*_FFMPEG, "-y", "-f", "lavfi", "-i"]
    command += ["nullsrc=s=320x176:r=25,format=gray,geq=lum='32+4*mod(N,48)',format=yuv420p"]
    command += ["-f", "lavfi", "-i", "anoisesrc=a=0.4:r=48000:seed=7", "-t", str(seconds)]
    command += ["-c:v", "libx264", "-g", "50", "-c:a", "aac", "-x264-params"]
    command += ["bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0"]
    subprocess.run([*command, path], check=True)
    return path


def broken_off(content, *, at=1.0):
    """Return a plain MP4 as a camera leaves it that lost power: without description, and cut.

    What is left of the media is ``at`` of them; the length of ``mdat`` was never written.
    """
    media = content.index(b"mdat") - 4
    left = content[: content.rindex(b"moov") - 4]
    cut = left[: media + int((len(left) - media) * at)]
    return cut[:media] + bytes(4) + cut[media + 4 :]


def pictures_in(content, folder):
    """Return a hash of each picture that a decoder of another hand finds, without a complaint."""
    path = folder / "look.mp4"
    path.write_bytes(content)
    listing = [*_FFMPEG, "-i", path, "-map", "0:v", "-f", "framemd5", "-"]
    done = subprocess.run(listing, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.split(",")[-1] for line in done.stdout.splitlines() if not line.startswith("#")]


def film_that_tells(folder, seconds=4):
    """Return a plain MP4 whose camera repeats its set-up before each key picture."""
    path = folder / "tells.mp4"
    command = [*_FFMPEG, "-y", "-f", "lavfi", "-i", "testsrc2=s=320x176:r=25"]
    command += ["-f", "lavfi", "-i", "anoisesrc=a=0.4:r=48000:seed=7", "-t", str(seconds)]
    command += ["-c:v", "libx264", "-bf", "0", "-x264-params", "repeat-headers=1", "-c:a", "aac"]
    subprocess.run([*command, path], check=True)
    return path.read_bytes()
