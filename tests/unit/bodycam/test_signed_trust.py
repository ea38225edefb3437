import functools

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bodycam.rules.signed_video.trust import AnchorsNotReadable, Trust, read_anchors
from bodycam.verify import main
from sim.signed_video import write_mp4
from tests.factories_video import (
    TICKS,
    authority,
    camera_key,
    certificate,
    judged,
    pem,
    signed,
    verdicts,
)

WHOLE = [(0, 100, "signed"), (100, 120, "unsigned")]
TAIL = (100, 120, "unsigned")  # its signature would stand in the next group


def test_a_chain_to_the_configured_authority_is_proven():
    anchors = read_anchors(pem(authority()[0]))

    found = judged(signed(started_at_ticks=TICKS * 10**7), anchors=anchors)

    assert found.trust is Trust.PROVEN
    assert verdicts(found) == WHOLE


def test_without_authority_a_key_proves_nothing_of_its_owner():
    found = judged(signed())

    assert found.trust is Trust.UNPROVEN


def test_a_forger_with_his_own_authority_is_found():
    key = ec.generate_private_key(ec.SECP256R1())
    root, root_key = authority("Forgers")
    frames = signed(key=key, chain_pem=pem(certificate("camera", key, "Forgers", root_key), root))

    found = judged(frames, anchors=read_anchors(pem(authority()[0])))

    assert found.trust is Trust.FOREIGN
    assert verdicts(found) == [(0, 100, "forged"), TAIL]


def test_a_certificate_that_may_not_issue_makes_no_chain():
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate("camera", camera_key(), "Cameras", authority()[1])
    frames = signed(key=key, chain_pem=pem(certificate("x", key, "camera", camera_key()), leaf))

    found = judged(frames, anchors=read_anchors(pem(authority()[0])))

    assert found.trust is Trust.FOREIGN


def test_a_certificate_out_of_its_time_makes_no_chain():
    chain = pem(certificate("camera", camera_key(), "Cameras", authority()[1], days=30))
    frames = signed(chain_pem=chain, started_at_ticks=TICKS * 10**7)

    found = judged(frames, anchors=read_anchors(pem(authority()[0])))

    assert found.trust is Trust.FOREIGN


def test_a_known_key_of_an_axis_camera_is_proven():
    frames = signed("h264", "axis")
    own = next(unit for unit in frames[20] if b"PUBLIC KEY" in unit)
    anchors = read_anchors(own[own.index(b"-----BEGIN") :])

    found = judged(frames, anchors=anchors)

    assert found.trust is Trust.PROVEN


def public(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


@functools.cache
def other():
    """Return another camera's key and its chain, to a root that nobody lists."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, pem(certificate("camera", key, "Others", authority("Others")[1]))


ANCHORS = {
    "none": lambda: b"",
    "root only": lambda: pem(authority()[0]),
    "key only": lambda: public(camera_key()),
    "both": lambda: pem(authority()[0]) + public(camera_key()),
}
# A camera of ONVIF has a key of its own here, so that only its chain can speak for it.
CAMERAS = {
    "bare key listed": lambda: {"scheme": "axis", "key": camera_key()},
    "bare key not listed": lambda: {"scheme": "axis", "key": other()[0]},
    "chain to the root": lambda: {"key": other()[0], "chain_pem": chain_of_ours()},
    "chain to another root": lambda: {"key": other()[0], "chain_pem": other()[1]},
}


@functools.cache
def chain_of_ours():
    return pem(certificate("camera", other()[0], "Cameras", authority()[1]))


# As the table of docs/signed-video.md says it.
TABLE = {
    "bare key listed": ("unproven", "unproven", "proven", "proven"),
    "bare key not listed": ("unproven", "unproven", "foreign", "foreign"),
    "chain to the root": ("unproven", "proven", "unproven", "proven"),
    "chain to another root": ("unproven", "foreign", "unproven", "foreign"),
}
CELLS = [
    (given, camera, trust)
    for camera, row in TABLE.items()
    for given, trust in zip(ANCHORS, row, strict=True)
]


@pytest.mark.parametrize(("given", "camera", "trust"), CELLS)
def test_an_anchor_judges_its_own_kind_of_key_alone(tmp_path, given, camera, trust):
    frames = signed(**CAMERAS[camera]())
    anchors = tmp_path / "cameras.pem"
    anchors.write_bytes(ANCHORS[given]())

    found = judged(frames, anchors=read_anchors(ANCHORS[given]()) if given != "none" else None)

    assert found.trust is Trust(trust)
    assert found.tampered is (trust == "foreign")
    assert verdicts(found) == ([(0, 100, "forged"), TAIL] if trust == "foreign" else WHOLE)
    path = write_mp4(frames, tmp_path / "v.mp4", codec="h264")
    ca = ["--ca", str(anchors)] if given != "none" else []
    assert main([str(path), *ca]) == {"proven": 0, "foreign": 1, "unproven": 4}[trust]


def test_a_proven_key_does_not_speak_for_what_a_bare_one_signed_before_it():
    frames = signed("h264", "axis", key=other()[0])[:60] + signed()[60:]

    found = judged(frames, anchors=read_anchors(pem(authority()[0])))

    assert found.trust is Trust.UNPROVEN


def test_a_bare_key_behind_a_proven_one_is_foreign():
    frames = signed()[:60] + signed("h264", "axis", key=other()[0])[60:]

    found = judged(frames, anchors=read_anchors(pem(authority()[0])))

    assert found.trust is Trust.FOREIGN
    assert found.wrong_signatures


def test_another_key_in_the_middle_convicts_what_it_signed():
    other = ec.generate_private_key(ec.SECP256R1())
    frames = signed("h264", "axis")[:60] + signed("h264", "axis", key=other)[60:]

    found = judged(frames)

    assert found.trust is Trust.FOREIGN
    assert found.wrong_signatures


@pytest.mark.parametrize(
    "text", [b"", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_anchors_that_cannot_be_read_are_refused(text):
    with pytest.raises(AnchorsNotReadable):
        read_anchors(text)
