import base64
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycam.rules.custody import CustodyNotReadable, check_custody
from bodycam.rules.footage_check import check_video
from bodycam.rules.signed_video.trust import read_anchors
from bodycam.rules.signing import sign_receipt
from bodycam.verify import main, run
from bodycam.wire.manifest import Receipt
from sim.camera import Camera
from sim.signed_video import write_mp4
from tests.factories_bodycam import SECONDS, STARTED_AT, footage
from tests.factories_video import authority, pem, pictures, signed, verdicts, with_byte_changed


def reading(path):
    content = path.read_bytes()
    return {
        "read_at": lambda start, length: content[start : start + length],
        "size_bytes": len(content),
    }


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    path.write_bytes(pem(authority()[0]))
    return path


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("fragmented", [True, False])
def test_a_file_is_checked_in_either_container(tmp_path, codec, fragmented):
    path = write_mp4(signed(codec), tmp_path / "v.mp4", codec=codec, fragmented=fragmented)

    found = check_video(**reading(path), anchors=read_anchors(pem(authority()[0])))

    assert verdicts(found) == [(0, 100, "signed"), (100, 120, "unsigned")]
    assert [(one.starts_ms, one.ends_ms) for one in found.spans] == [(0, 10_000), (10_000, 12_000)]


def test_a_raw_stream_is_checked(tmp_path, ca):
    path = tmp_path / "v.h264"
    path.write_bytes(b"".join(b"\0\0\0\1" + unit for units in signed() for unit in units))

    assert main([str(path), "--ca", str(ca)]) == 0


def test_the_program_names_the_changed_frame_and_needs_no_server(tmp_path):
    frames = with_byte_changed(signed("h264", "axis"), 57)
    path = write_mp4(frames, tmp_path / "v.mp4", codec="h264")

    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bodycam.verify", path, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    spans = json.loads(done.stdout)["video"]["spans"]
    assert [57, 58, "changed", 5700, 5800] in spans
    assert "sqlalchemy" not in done.stderr
    assert "fastapi" not in done.stderr


@pytest.mark.parametrize(
    ("frames", "with_ca", "code"),
    [
        (signed, True, 0),
        (signed, False, 4),
        (lambda: pictures("h264"), True, 3),
        (lambda: with_byte_changed(signed(), 3), True, 1),
    ],
    ids=["proven", "unproven", "unsigned", "changed"],
)
def test_the_exit_code_says_what_was_found(tmp_path, ca, frames, with_ca, code):
    path = write_mp4(frames(), tmp_path / "v.mp4", codec="h264")

    assert main([str(path), *(["--ca", str(ca)] if with_ca else [])]) == code


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 and more", b"\0\0\0\x20ftypisom" + bytes(64)])
def test_what_is_no_video_cannot_be_read(tmp_path, content):
    path = tmp_path / "x.mp4"
    path.write_bytes(content)

    assert main([str(path)]) == 2


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    from uuid import uuid4

    camera = Camera(camera_id=uuid4())
    made = camera.record(
        bay=tmp_path_factory.mktemp("bay"),
        footage=footage(),
        started_at=STARTED_AT,
        seconds=SECONDS,
    )
    return camera, made


def custody(camera, recorded, **more):
    given = {
        "manifest_json": (recorded.folder / "manifest.json").read_bytes(),
        "manifest_signature": recorded.signature.encode(),
        "camera_key_pem": camera.public_key_pem.encode(),
    }
    return check_custody(**(reading(recorded.folder / "recording.mp4") | given | more))


def test_a_recording_is_whole_beside_its_manifest(recorded):
    found = custody(*recorded)

    assert found.whole
    assert found.manifest_signed is True
    assert found.blocks == ()


def test_one_changed_byte_of_a_recording_is_found(recorded):
    camera, made = recorded
    content = bytearray((made.folder / "recording.mp4").read_bytes())
    content[len(content) // 3] ^= 1

    found = custody(camera, made, read_at=lambda start, length: content[start : start + length])

    assert not found.whole
    assert found.blocks == (0,)


def test_a_manifest_of_another_camera_is_found(recorded):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    other = Ed25519PrivateKey.generate().public_key()

    found = custody(*recorded, camera_key_pem=other.public_bytes(serialization.Encoding.PEM, form))

    assert found.manifest_signed is False
    assert not found.whole


@pytest.fixture(scope="module")
def beside(recorded, tmp_path_factory):
    """Return the files that lie beside a recording, by the option that names each."""
    camera, made = recorded
    key = Ed25519PrivateKey.generate()
    receipt = Receipt(
        recording_id=made.recording_id,
        merkle_root=made.manifest.merkle_root,
        size_bytes=(made.folder / "recording.mp4").stat().st_size,
        stored_at=STARTED_AT,
        whole=True,
    )
    folder = tmp_path_factory.mktemp("beside")
    contents = {
        "--manifest": (made.folder / "manifest.json").read_bytes(),
        "--signature": made.signature.encode(),
        "--camera-key": camera.public_key_pem.encode(),
        "--receipt": sign_receipt(receipt=receipt, key=key).model_dump_json().encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder, contents, base64.b64encode(key.public_key().public_bytes_raw()).decode()


def checked(recorded, beside, *, option="", content=b""):
    """Return the exit code of the program, with other ``content`` of what ``option`` names."""
    folder, contents, key = beside
    if option:
        (folder / "other").write_bytes(content)
    files = {name: folder / ("other" if name == option else name) for name in contents}
    given = [text for name, path in files.items() for text in (name, str(path))]
    return run([str(recorded[1].folder / "recording.mp4"), *given, "--receipt-key", key])


def test_a_recording_with_manifest_and_receipt_is_whole(recorded, beside):
    assert checked(recorded, beside) == 0


@pytest.mark.parametrize("option", ["--manifest", "--signature", "--receipt"])
def test_one_changed_bit_of_what_lies_beside_is_never_whole(recorded, beside, option):
    camera, made = recorded
    _, contents, key = beside
    content = contents[option]
    for at in range(len(content) * 8):
        other = bytearray(content)
        other[at // 8] ^= 1 << at % 8
        given = contents | {option: bytes(other)}
        try:
            found = custody(
                camera,
                made,
                manifest_json=given["--manifest"],
                manifest_signature=given["--signature"],
                receipt_json=given["--receipt"],
                receipt_key=key,
            )
        except CustodyNotReadable:
            continue
        assert not found.whole, (option, at)


FOREIGN_KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    + base64.b64encode(bytes.fromhex("300d30080606042a0304050603020001")).decode()
    + "\n-----END PUBLIC KEY-----\n"
)


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--signature", b"\xff\xfe" + bytes(62)),
        ("--signature", b""),
        ("--signature", base64.b64encode(bytes(63))),
        ("--camera-key", b"no key"),
        ("--camera-key", FOREIGN_KEY.encode()),
        ("--manifest", b"\xff{}"),
        ("--receipt", b"[]"),
    ],
)
def test_what_cannot_be_read_is_not_called_changed(recorded, beside, capsys, option, content):
    assert checked(recorded, beside, option=option, content=content) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_an_error_of_the_program_is_no_verdict(capsys):
    assert run(["a\0b"]) == 2
    assert "Traceback" in capsys.readouterr().err
