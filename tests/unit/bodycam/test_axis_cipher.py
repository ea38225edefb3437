"""Encrypted clips by range, held against OpenSSL's own decryption."""

import itertools
import json
import random

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.rules.axis_cipher import (
    ContentCipher,
    KeyWrong,
    decrypted,
    key_name_of,
    public_key_text,
    read_key_object,
    unwrap,
)
from tests.factories_axis import encrypted, key_object, openssl

KEY, IV = bytes(range(32)), bytes(range(100, 116))
PRIVATE = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def public_pem(private=PRIVATE):
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def reading(sealed):
    return lambda start, length: sealed[start : start + length]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 33, 1000])
def test_the_clear_size_is_what_was_encrypted(size):
    clear = random.Random(size).randbytes(size)
    sealed = encrypted(clear, key=KEY, iv=IV)

    assert ContentCipher(KEY, IV).clear_bytes(reading(sealed), size_bytes=len(sealed)) == size
    assert decrypted(ContentCipher(KEY, IV), sealed) == clear


@pytest.mark.parametrize("size", [47, 48, 49])
def test_every_range_is_what_openssl_decrypts(size):
    clear = random.Random(size).randbytes(size)
    sealed = encrypted(clear, key=KEY, iv=IV)
    theirs = openssl("enc", "-d", "-aes-256-cbc", "-K", KEY.hex(), "-iv", IV.hex(), given=sealed)
    cipher = ContentCipher(KEY, IV)

    for start, length in itertools.product(range(size + 3), range(size + 5)):
        found = cipher.read(reading(sealed), start, length, clear_bytes=size)
        assert found == theirs[start : start + length], (start, length)


@pytest.mark.parametrize("cut", [1, 15, 17, 40])
def test_a_cut_object_does_not_open(cut):
    sealed = encrypted(bytes(80), key=KEY, iv=IV)[:-cut]

    with pytest.raises(KeyWrong):
        ContentCipher(KEY, IV).clear_bytes(reading(sealed), size_bytes=len(sealed))


def test_another_key_does_not_open():
    sealed = encrypted(bytes(80), key=KEY, iv=IV)

    with pytest.raises(KeyWrong):
        decrypted(ContentCipher(bytes(32), IV), sealed)


def test_another_iv_changes_the_first_block_alone():
    clear = random.Random(3).randbytes(80)
    sealed = encrypted(clear, key=KEY, iv=IV)

    found = decrypted(ContentCipher(KEY, bytes(16)), sealed)

    assert found[:16] != clear[:16]
    assert found[16:] == clear[16:]


def test_a_key_object_is_opened_as_the_specification_says(tmp_path):
    body = key_object(public_pem(), tmp_path, key=KEY, iv=IV, public_key_id="k-1")

    found = read_key_object(body)

    assert found.public_key_id == "k-1"
    assert unwrap(PRIVATE, found) == ContentCipher(KEY, IV)


def test_a_key_wrapped_for_somebody_else_does_not_open(tmp_path):
    body = key_object(public_pem(OTHER), tmp_path, key=KEY, iv=IV)

    with pytest.raises(KeyWrong):
        unwrap(PRIVATE, read_key_object(body))


def test_a_wrapped_key_of_another_length_is_none(tmp_path):
    body = key_object(public_pem(), tmp_path, key=KEY[:16], iv=IV)

    with pytest.raises(KeyWrong):
        unwrap(PRIVATE, read_key_object(body))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"1", b"{}", b"\xff", b'{"EncryptedKey": 7, "ContentEncryptionIV": "AA=="}',
        b'{"EncryptedKey": "AA==", "ContentEncryptionIV": "AA=="}',
        b'{"EncryptedKey": "", "ContentEncryptionIV": "AAAAAAAAAAAAAAAAAAAAAA=="}',
        b'{"EncryptedKey": "%%", "ContentEncryptionIV": "AAAAAAAAAAAAAAAAAAAAAA=="}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_garbage_is_no_key_object(content):
    with pytest.raises(AxisMetadataNotValid):
        read_key_object(content)


def test_the_key_of_a_clip_and_of_a_track_are_found_by_name():
    assert key_name_of("20190101_090909_7CF7.mp4") == "20190101_090909_7CF7.key"
    track = "20190101_090909_7CF7_ACCC8E000001_gpstrail.json"
    assert key_name_of(track) == "20190101_090909_7CF7.key"


def test_the_public_key_fits_the_connection_file():
    big = rsa.generate_private_key(public_exponent=65_537, key_size=3072)

    text = public_key_text(big)

    assert len(text) <= 2048
    assert json.dumps(text)
    assert openssl("base64", "-d", "-A", given=text.encode()).startswith(b"-----BEGIN PUBLIC KEY")
