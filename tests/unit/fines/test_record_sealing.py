"""People at rest: what is sealed opens for its own row, whole, under this server's key alone."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fines import storage
from fines.errors.proceedings import RecordDamaged
from fines.storage import Content

VAULT, OTHER = b"v" * 32, b"w" * 32
ONE, TWO = UUID(int=1), UUID(int=2)
VALUES = {"iin": "950817301017", "papers": {"surname": "Сейтқалиев"}}


def sealed(owner=ONE):
    key = storage.new_key(vault=VAULT, owner=owner)
    return key, key.seal(Content.RECORD, VALUES)


def test_what_is_sealed_opens_as_it_was():
    key, ciphertext = sealed()

    again = storage.open_key(vault=VAULT, owner=ONE, wrapped=key.wrapped)

    assert again.unseal(Content.RECORD, ciphertext) == VALUES
    assert b"950817301017" not in ciphertext
    assert "v" * 8 not in repr(key)


def test_another_row_vault_or_kind_opens_nothing():
    key, ciphertext = sealed()

    with pytest.raises(RecordDamaged):
        storage.open_key(vault=OTHER, owner=ONE, wrapped=key.wrapped)
    with pytest.raises(RecordDamaged):
        storage.open_key(vault=VAULT, owner=TWO, wrapped=key.wrapped)
    with pytest.raises(RecordDamaged):
        key.unseal(Content.ENTRY, ciphertext)
    with pytest.raises(RecordDamaged):
        key.unseal(Content.RECORD, ciphertext, of=TWO)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_changed_bit_is_seen(place, bit):
    key, ciphertext = sealed()
    changed = bytearray(ciphertext)
    changed[place % len(changed)] ^= 1 << bit

    with pytest.raises(RecordDamaged):
        key.unseal(Content.RECORD, bytes(changed))


@given(cut=st.integers(0, 40))
def test_a_cut_end_is_seen(cut):
    key, ciphertext = sealed()

    with pytest.raises(RecordDamaged):
        key.unseal(Content.RECORD, ciphertext[:cut])


def test_the_index_finds_the_person_and_tells_nothing_without_the_key():
    one = storage.offender_index(subject_key=VAULT, iin="950817301017")

    assert one == storage.offender_index(subject_key=VAULT, iin="950817301017")
    assert one != storage.offender_index(subject_key=OTHER, iin="950817301017")
    assert one != storage.offender_index(subject_key=VAULT, iin="950817301018")
