import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit.rules.ed25519 import is_signed

ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032_hold(key, message, signature):
    assert is_signed(
        public_key=bytes.fromhex(key),
        message=bytes.fromhex(message),
        signature=bytes.fromhex(signature),
    )


@settings(max_examples=40)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.data())
def test_it_agrees_with_the_library_and_refuses_any_flipped_bit(seed, message, bit):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public_key, signature = key.public_key().public_bytes_raw(), key.sign(message)
    place = bit.draw(st.integers(0, 511))
    flipped = bytearray(signature)
    flipped[place // 8] ^= 1 << place % 8

    good = is_signed(public_key=public_key, message=message, signature=signature)
    bad = is_signed(public_key=public_key, message=message, signature=bytes(flipped))

    assert (good, bad) == (True, False)


def test_a_scalar_over_the_order_is_refused_though_the_equation_holds():
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"once")
    scalar = int.from_bytes(signature[32:], "little") + ORDER

    malleated = signature[:32] + scalar.to_bytes(32, "little")

    assert not is_signed(
        public_key=key.public_key().public_bytes_raw(), message=b"once", signature=malleated
    )


@pytest.mark.parametrize(
    ("public_key", "signature"),
    [
        (b"", bytes(64)),
        (bytes(32), b""),
        (b"\xff" * 32, bytes(64)),
        (bytes([2]) + bytes(31), bytes(64)),
        (bytes(32), b"\xff" * 32 + bytes(32)),
    ],
)
def test_what_is_no_key_or_no_signature_is_refused(public_key, signature):
    assert not is_signed(public_key=public_key, message=b"", signature=signature)
