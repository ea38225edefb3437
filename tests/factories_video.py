"""Video that a simulated camera has signed, and what may be done to it."""

import functools
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bodycam.rules.signed_video.judge import Judge
from bodycam.rules.signed_video.nal import Codec
from sim.signed_video import Signing, encode, sign

SECONDS = 12  # six groups of twenty frames
FRAMES = 120
GROUP = 20
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
TICKS = int((datetime(2026, 6, 1, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds())


@functools.cache
def pictures(codec, slices=1):
    """Return real frames; do not change them in place."""
    return encode(codec=codec, seconds=SECONDS, slices=slices)


@functools.cache
def authority(name="Cameras"):
    """Return a root certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return certificate(name, key, name, key, ca=True), key


def certificate(subject, key, issuer, issuer_key, *, ca=False, days=3650):
    def called(name):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    return (
        x509.CertificateBuilder()
        .subject_name(called(subject))
        .issuer_name(called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ISSUED)
        .not_valid_after(ISSUED + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


@functools.cache
def camera_key():
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def camera_chain():
    """Return the chain of the simulated camera under ``authority()``."""
    _, key = authority()
    return pem(certificate("camera", camera_key(), "Cameras", key))


def signed(codec="h264", scheme="onvif", *, slices=1, **more):
    """Return frames signed by the simulated camera."""
    more = {"key": camera_key(), "chain_pem": camera_chain()} | more
    return sign(pictures(codec, slices), Signing(scheme=scheme, codec=codec, **more))


def judged(frames, codec="h264", anchors=None):
    """Return what the server's rules find in the frames."""
    judge = Judge(codec=Codec(codec), anchors=anchors)
    for number, units in enumerate(frames):
        judge.frame(number * 100)
        for unit in units:
            judge.take(unit)
    return judge.finish(end_ms=len(frames) * 100)


def verdicts(findings):
    """Return first frame, end and verdict of each span."""
    return [(one.first_frame, one.end_frame, one.verdict.value) for one in findings.spans]


def with_byte_changed(frames, number):
    """Return the frames with one byte of the picture in frame ``number`` changed."""
    unit = frames[number][-1]
    middle = len(unit) // 2
    changed = unit[:middle] + bytes([unit[middle] ^ 0x10]) + unit[middle + 1 :]
    return [*frames[:number], [*frames[number][:-1], changed], *frames[number + 1 :]]
