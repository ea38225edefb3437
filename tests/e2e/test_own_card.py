"""Another's card by eight ways, each again and again: refused, no tenge kept, the reason exact."""

from dataclasses import replace

import pytest

from fines.field.names import CHECKER, NameVerdict
from fines.wire.protocol import OwnerMethod, OwnerVerdict, PayerName, Reason, Result
from sim.district import CARDS, DRIVER, EXPIRED_CARD, FRIEND
from sim.terminal import Abilities
from tests.factories_driver import till

pytestmark = pytest.mark.enable_socket

TIMES = 25
PAYER = PayerName(surname="ҮСЕНОВ", given_name="Нұрлан", patronymic="Ыбырайұлы")
OWN = replace(DRIVER.card, holder_name="NURLAN USENOV", balance_tiyn=10**12)
STRANGE = replace(DRIVER.card, holder_name="BOLAT USENOV")


def read_then_sell(made, card):
    made.terminal.insert_card(card)
    seen = made.driver.card_acquisition(timeout_seconds=2, payer_name=PAYER)
    return made.sell(card, card_before=seen)


@pytest.mark.parametrize(
    ("card", "owner", "reason", "result"),
    [
        (FRIEND.card, None, Reason.THIRD_PARTY_CARD, Result.DECLINED),
        (
            replace(DRIVER.card, holder_name="BOLAT ISKAKOV"),
            "unchecked",
            Reason.THIRD_PARTY_CARD,
            Result.REVERSED,
        ),
        (OWN, "check down", Reason.OWNERSHIP_NO_ANSWER, Result.DECLINED),
        (OWN, "check slow", Reason.OWNERSHIP_NO_ANSWER, Result.DECLINED),
        (OWN, "S", Reason.OWNERSHIP_UNPROVEN, Result.DECLINED),
        (OWN, "joint account", Reason.OWNERSHIP_UNPROVEN, Result.DECLINED),
        (EXPIRED_CARD, None, Reason.CARD_EXPIRED, Result.DECLINED),
        (OWN, "wallet token", Reason.OWNERSHIP_UNPROVEN, Result.DECLINED),
    ],
    ids=[
        "IIN of another", "name of another", "check down", "check slow", "not supported",
        "joint account", "expired", "wallet token",
    ],
)  # fmt: skip
def test_a_card_not_proven_to_be_the_payers_pays_nothing(tmp_path, card, owner, reason, result):
    with till(tmp_path, can=Abilities(tells_name=True)) as made:
        made.acquirer.switch.approves_unchecked = owner == "unchecked"
        if owner is not None:
            made.acquirer.ownership[card.key] = "S" if owner == "unchecked" else owner

        ends = [read_then_sell(made, card) for _ in range(TIMES)]

        assert {(end.result, end.reason) for end in ends} == {(result, reason)}
        assert made.acquirer.book.standing == []
        assert made.approvals == []
        assert made.driver.last_result() is None


@pytest.mark.parametrize(
    ("card", "verdict", "result", "reason"),
    [
        (OWN, NameVerdict.MATCH, Result.COMPLETED, Reason.NONE),
        (STRANGE, NameVerdict.PARTIAL, Result.REVERSED, Reason.OWNERSHIP_UNPROVEN),
        (DRIVER.card, NameVerdict.ABSENT, Result.REVERSED, Reason.OWNERSHIP_UNPROVEN),
    ],
    ids=["in full", "in part", "not told"],
)
def test_a_name_proves_only_in_full_and_only_without_the_issuers_word(
    tmp_path, card, verdict, result, reason
):
    with till(tmp_path, can=Abilities(tells_name=True), cards=(*CARDS, card)) as made:
        made.acquirer.switch.approves_unchecked = True
        made.acquirer.ownership[card.key] = "S"
        made.terminal.insert_card(card)
        seen = made.driver.card_acquisition(timeout_seconds=2, payer_name=PAYER)

        end = made.sell(card, card_before=seen)

        assert seen.name_verdict is verdict
        assert "USENOV" not in repr(seen)
        assert (end.result, end.reason) == (result, reason)
        told = [(one.owner_verdict, one.owner_method, one.owner_checker) for one in made.approvals]
        proven = [(OwnerVerdict.NOT_SUPPORTED, OwnerMethod.NAME, CHECKER)]
        assert told == (proven if result is Result.COMPLETED else [])


def test_without_a_card_read_before_a_name_proves_nothing(tmp_path):
    with till(tmp_path, can=Abilities(tells_name=True)) as made:
        made.acquirer.switch.approves_unchecked = True
        made.acquirer.ownership[OWN.key] = "S"

        end = made.sell(OWN)

        assert (end.result, end.reason) == (Result.REVERSED, Reason.OWNERSHIP_UNPROVEN)
        assert made.acquirer.book.standing == []
