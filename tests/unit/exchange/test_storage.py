"""Answers at rest: they open for their own request, under their own key, unchanged."""

from uuid import UUID

import pytest

from app.exchange.errors import AnswerDamaged
from app.exchange.storage import SealedAnswer, seal, unseal

VAULT = bytes(range(32))
REQUEST = UUID("00000000-0000-4000-8000-000000000001")
OTHER = UUID("00000000-0000-4000-8000-000000000002")
PLAINTEXT = "ҮСЕНОВ".encode()


def test_a_sealed_answer_opens_and_shows_nothing():
    sealed = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)

    assert unseal(vault=VAULT, request_id=REQUEST, sealed=sealed) == PLAINTEXT
    assert PLAINTEXT not in sealed.ciphertext
    assert repr(sealed) == "SealedAnswer()"


def test_the_same_answer_is_sealed_differently_each_time():
    one = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)
    two = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)

    assert one.ciphertext != two.ciphertext
    assert one.wrapped_key != two.wrapped_key


def test_it_does_not_open_for_another_request_or_key():
    sealed = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)

    with pytest.raises(AnswerDamaged):
        unseal(vault=VAULT, request_id=OTHER, sealed=sealed)
    with pytest.raises(AnswerDamaged):
        unseal(vault=bytes(32), request_id=REQUEST, sealed=sealed)


@pytest.mark.parametrize("part", ["wrapped_key", "ciphertext"])
def test_one_changed_byte_anywhere_is_noticed(part):
    sealed = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)
    content = getattr(sealed, part)

    for place in range(len(content)):
        broken = bytearray(content)
        broken[place] ^= 1
        pieces = {"wrapped_key": sealed.wrapped_key, "ciphertext": sealed.ciphertext}
        with pytest.raises(AnswerDamaged):
            unseal(
                vault=VAULT,
                request_id=REQUEST,
                sealed=SealedAnswer(**(pieces | {part: bytes(broken)})),
            )


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_answer_is_refused(length):
    sealed = seal(vault=VAULT, request_id=REQUEST, plaintext=PLAINTEXT)

    with pytest.raises(AnswerDamaged):
        unseal(
            vault=VAULT,
            request_id=REQUEST,
            sealed=SealedAnswer(sealed.wrapped_key, sealed.ciphertext[:length]),
        )
