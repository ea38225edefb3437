"""The credential of a device: its form, its hash, its comparison."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credentials import (
    credential_text,
    is_secret,
    read_credential,
    secret_sha256,
)

DEVICE = UUID("3f2b8a52-6f0e-4c1c-9d6e-0b8f3c2a1d4e")
SECRET = "A" * 42 + "_"


def test_a_credential_is_read_back():
    credential = read_credential(credential_text(holder_id=DEVICE, secret=SECRET))

    assert credential is not None
    assert (credential.holder_id, credential.secret) == (DEVICE, SECRET)
    assert SECRET not in f"{credential} {credential!r}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        str(DEVICE),
        f"{DEVICE}.",
        f"{DEVICE}.{SECRET[:-1]}",
        f"{DEVICE}.{SECRET}A",
        f"{DEVICE}.{SECRET}\n",
        f" {DEVICE}.{SECRET}",
        f"{str(DEVICE).upper()}.{SECRET}",
        f"{DEVICE.hex}.{SECRET}",
        f"{DEVICE}.{SECRET[:-1]}é",
        f"{DEVICE}:{SECRET}",
        "x" * 100_000,
    ],
)
def test_another_form_is_no_credential(text):
    assert read_credential(text) is None


@given(st.text(max_size=100))
def test_any_text_is_read_without_a_fault(text):
    assert read_credential(text) is None


def test_only_the_stored_secret_is_the_secret():
    stored = hashlib.sha256(SECRET.encode()).digest()

    assert secret_sha256(SECRET) == stored
    assert is_secret(SECRET, stored_sha256=stored)
    assert not is_secret(SECRET[:-1] + "B", stored_sha256=stored)
    assert not is_secret(SECRET, stored_sha256=None)
    assert not is_secret("no device", stored_sha256=None)
