"""Everything that the pages of access name has a word."""

import pytest

from app.exchange.rules.access import (
    AccessRefusal,
    AccessStage,
    AgreementStanding,
    GrantOrigin,
    RequestClock,
    UserStanding,
)
from app.exchange.rules.bases import Basis
from app.exchange.wire.registers import RegisterName
from app.identity.rules.blocking import BlockReason
from app.web import access_words as words


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (AccessStage, words.STAGES),
        (AccessStage, words.REQUEST_STAGES),
        (RequestClock, words.CLOCKS),
        (UserStanding, words.STANDINGS),
        (AgreementStanding, words.AGREEMENTS),
        (GrantOrigin, words.ORIGINS),
        (AccessRefusal, words.REFUSAL_REASONS),
        (BlockReason, words.BLOCK_REASONS),
    ],
)
def test_each_state_has_a_word(kind, named):
    assert set(named) == set(kind)


def test_each_service_and_basis_has_a_word():
    assert set(words.SERVICES) == {one.value for one in RegisterName}
    assert set(words.BASES) == {one.value for one in Basis}
