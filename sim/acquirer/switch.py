"""What the simulated acquirer and issuer answer to each ISO 8583 message. No socket, no sleep.

switch = Switch(cards=CARDS, now=lambda: datetime.now(UTC))
for answer in switch.answer(message): ...   # usually one, under a fault none or two
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from fines.wire.instruction import RefundOrder
from fines.wire.instruction import read as read_instruction
from sim.acquirer.book import Book, Debit, Fault, Refund
from sim.district import Card
from sim.terminal import iso

_NO_MATCH, _UNPROVEN, _NO_CHECK = "N", frozenset("UD"), "S"
# What an issuer cannot attest, in words of the street; "slow" is its check, given up in time.
_TOLD: Final = {"joint account": "U", "wallet token": "U", "check down": "D", "check slow": "D"}
_KEPT: Final = ("3", "4", "7", "11", "12", "13", "41", "42", "49", "70")
_REVERSAL_ANSWERS: Final = {
    iso.REVERSAL: iso.REVERSAL_ANSWER,
    iso.REVERSAL_REPEAT: iso.REVERSAL_ANSWER,
    iso.REVERSAL_REQUEST: "0410",
    iso.REVERSAL_REQUEST_REPEAT: "0410",
}
# What each kind of message must have; of these, what must be digits.
_MANDATORY: Final = {
    "02": ("3", "4", "7", "11", "41", "49"),
    "04": ("3", "4", "7", "11", "41", "90"),
    "05": ("7", "11", "41", "76", "88"),
    "08": ("7", "11", "70"),
}
_DIGITS: Final = frozenset({"3", "4", "7", "11", "74", "76", "86", "88", "90"})
_NETWORK_CODES: Final = frozenset({iso.SIGN_ON, iso.SIGN_OFF, iso.ECHO})


@dataclass(frozen=True)
class Answer:
    """A message to send back, held for so many seconds."""

    message: iso.Message
    after_seconds: float = 0.0


class Switch:
    """The host's logic. ``ownership`` overrides the issuer's answer about a card by its key."""

    def __init__(
        self,
        *,
        cards: Iterable[Card],
        now: Callable[[], datetime],
        late_seconds: float = 2.0,
        back_offices: frozenset[str] = frozenset(),
    ) -> None:
        self._cards = {card.pan: card for card in cards}
        self._balances = {card.pan: card.balance_tiyn for card in self._cards.values()}
        self._now, self.late_seconds = now, late_seconds
        self._back_offices = back_offices  # terminals that may refund; no card terminal does
        self.ownership: dict[str, str] = {}
        self.approves_unchecked = False  # cards of issuers that have no check of the owner
        self.book = Book()
        self._faults: deque[Fault] = deque()
        self._dead_keys: set[tuple[str, str, str]] = set()  # reversed before they came
        self._declined: dict[tuple[str, str, str], str] = {}
        self._batches: dict[str, int] = {}
        self._reconciled: dict[tuple[str, str, str], iso.Message] = {}
        self._previous: iso.Message | None = None
        self._serial = 0
        self._lock = threading.RLock()

    def fault(self, *faults: Fault) -> None:
        """Misbehave with the next messages, one fault each."""
        with self._lock:
            self._faults.extend(faults)

    def answer(self, message: iso.Message) -> list[Answer]:
        """Return what goes back for a message."""
        kind = message["t"]
        if not _well_formed(message):
            return [Answer(reply(message, f"{kind[:2]}{int(kind[2]) // 2 * 2 + 1}0", "30"))]
        with self._lock:
            if kind == iso.NETWORK:
                return [Answer(self._network(message))]
            if kind in _REVERSAL_ANSWERS:
                return self._reverse(message, _REVERSAL_ANSWERS[kind])
            if kind == iso.RECONCILIATION:
                return [Answer(self._reconcile(message))]
            if kind == iso.SALE:
                return self._financial(message)
            return [Answer(reply(message, kind[:2] + "30", "12"))]

    def refund(self, *, instruction: str, rrn: str, amount_tiyn: int) -> tuple[str, Refund | None]:
        """Carry out a refund that two people have instructed; the same one has effect once.

        Returns the response code (00 done, 25 no such sale, 13 more than is left, 94 the
        instruction was given with another sale or sum) and the booking.
        """
        with self._lock:
            for known in self.book.refunds:
                if known.instruction == instruction:
                    same = (known.debit.rrn, known.amount_tiyn) == (rrn, amount_tiyn)
                    return ("00", known) if same else ("94", None)
            found = [debit for debit in self.book.standing if debit.rrn == rrn]
            if not found:
                return "25", None
            debit = found[0]
            if not 0 < amount_tiyn <= debit.amount_tiyn - debit.refunded_tiyn:
                return "13", None
            self._serial += 1
            debit.refunded_tiyn += amount_tiyn
            self._give(debit.card, amount_tiyn)
            booked = Refund(instruction, debit, amount_tiyn, f"R{self._serial:05d}", self._now())
            self.book.refunds.append(booked)
            return "00", booked

    def carry_out(self, content: bytes) -> dict[UUID, str]:
        """Carry out a refund instruction file; return the response code of each refund.

        Its words about a sale must be the sale's own (else 25). The same file again changes
        nothing.

        Raises:
            SheetNotValid: the file is not whole or not as agreed; nothing of it is carried out.
        """
        return {one.refund_id: self._carry_out(one) for one in read_instruction(content)}

    def _carry_out(self, order: RefundOrder) -> str:
        named = (order.rrn, order.approval_code, order.terminal_number, order.merchant_number)
        with self._lock:
            known = {
                (debit.rrn, debit.approval_code, debit.terminal_number, debit.merchant_number)
                for debit in self.book.debits
            }
            if named not in known:
                return "25"
            code, _booked = self.refund(
                instruction=str(order.refund_id), rrn=order.rrn, amount_tiyn=order.amount_tiyn
            )
            return code

    def end_of_day(self, *, day: date, fee_basis_points: int = 0) -> bytes:
        """Close the day and return its settlement file."""
        with self._lock:
            return self.book.settle(day=day, fee_basis_points=fee_basis_points)

    def _take_fault(self, *, reversal: bool) -> Fault | None:
        if self._faults and (self._faults[0] is Fault.LOST_REVERSAL_ANSWER) is reversal:
            return self._faults.popleft()
        return None

    def _network(self, message: iso.Message) -> iso.Message:
        code = message.get("70", "")
        if code == iso.SIGN_ON:
            self.book.sign_ons += 1
        return reply(message, iso.NETWORK_ANSWER, "00" if code in _NETWORK_CODES else "12")

    def _financial(self, message: iso.Message) -> list[Answer]:
        fault = self._take_fault(reversal=False)
        if fault is Fault.NO_ANSWER:
            return []
        key = iso.key_of(message)
        if fault in (Fault.DOWN, Fault.PARTIAL) and not self._is_booked(key):
            self._declined[key] = "91" if fault is Fault.DOWN else "10"
        if key in self._declined:  # a message come twice is declined twice
            return [Answer(reply(message, iso.SALE_ANSWER, self._declined[key]))]
        purchase = message.get("3") == iso.PURCHASE
        decided = self._decide(message) if purchase else self._refund_message(message)
        stale, self._previous = self._previous, decided
        return self._spoiled(fault, decided, stale)

    def _spoiled(
        self, fault: Fault | None, decided: iso.Message, stale: iso.Message | None
    ) -> list[Answer]:
        answers = [Answer(decided)]
        match fault:
            case Fault.BOOKED_NO_ANSWER:
                answers = []
            case Fault.LATE:
                answers = [Answer(decided, self.late_seconds)]
            case Fault.WRONG_STAN:
                other = f"{(int(decided['11']) + 1) % 1_000_000:06d}"
                answers = [Answer({**decided, "11": other})]
            case Fault.DUPLICATE:
                answers *= 2
            case Fault.STALE if stale is not None:
                answers.insert(0, Answer(stale))
            case _:
                pass
        return answers

    def _decide(self, message: iso.Message) -> iso.Message:
        card = self._cards.get(message.get("2", ""))
        owner = self._owner(card, iso.parse_private(message.get("48", "")).get(iso.PAYER_IIN, ""))
        code = self._refusal(message, card, owner)
        private = {"48": iso.pack_private({iso.OWNER: owner})}
        if code is not None or card is None:
            self.book.declines.append((card.key if card else "unknown", code or "14"))
            return reply(message, iso.SALE_ANSWER, code or "14") | private
        amount = int(message["4"])
        self._balances[card.pan] -= amount
        self._serial += 1
        terminal = message["41"]
        debit = Debit(
            key=iso.key_of(message),
            card=card.key,
            amount_tiyn=amount,
            rrn=f"6{self._serial:011d}",
            approval_code=f"A{self._serial:05d}",
            terminal_number=terminal,
            merchant_number=message.get("42", "").strip(),
            card_masked=f"{card.pan[:6]}{'*' * (len(card.pan) - 10)}{card.pan[-4:]}",
            at=self._now(),
            batch=self._batches.get(terminal, 0),
        )
        self.book.debits.append(debit)
        approved = {"37": debit.rrn, "38": debit.approval_code}
        return reply(message, iso.SALE_ANSWER, "00") | private | approved

    def _owner(self, card: Card | None, payer_iin: str) -> str:
        if card is None:
            return "U"
        told = "M" if payer_iin == card.holder_iin else _NO_MATCH
        answer = self.ownership.get(card.key, told)
        return _TOLD.get(answer, answer)

    def _refusal(self, message: iso.Message, card: Card | None, owner: str) -> str | None:
        """Return DE39 of a refusal. The owner is asked first: nothing else is told of others."""
        if card is None:
            return "14"
        key = iso.key_of(message)
        if key in self._dead_keys or self._is_booked(key):
            return "94"
        refusals = (
            (message.get("49") != iso.KZT, "12"),
            (int(message["4"]) == 0, "13"),
            (owner == _NO_MATCH or owner in _UNPROVEN, "57"),
            (owner == _NO_CHECK and not self.approves_unchecked, "57"),
            (card.expiry < f"{self._now().astimezone(UTC):%y%m}", "54"),
            (self._balances[card.pan] < int(message["4"]), "51"),
        )
        return next((code for refused, code in refusals if refused), None)

    def _is_booked(self, key: tuple[str, str, str]) -> bool:
        return any(debit.key == key for debit in self.book.debits)

    def _refund_message(self, message: iso.Message) -> iso.Message:
        """Answer 0200 with 20xxxx (refund) or 02xxxx (void): never from a card terminal."""
        refund = message.get("3", "")[:2] == iso.REFUND[:2]
        if not refund or message["41"] not in self._back_offices:
            return reply(message, iso.SALE_ANSWER, "58")
        key = "/".join(iso.key_of(message))
        code, booked = self.refund(
            instruction=key, rrn=message.get("37", ""), amount_tiyn=int(message["4"])
        )
        told = {"37": booked.debit.rrn, "38": booked.approval_code} if booked else {}
        return reply(message, iso.SALE_ANSWER, code) | told

    def _reverse(self, message: iso.Message, kind: str) -> list[Answer]:
        """Take a sale back, once however often it is asked; an unknown one can come no more."""
        fault = self._take_fault(reversal=True)
        self.book.reversal_messages += 1
        key = iso.key_of(message)
        self._dead_keys.add(key)
        known = [debit for debit in self.book.debits if debit.key == key]
        for debit in known:
            if not debit.reversed and not debit.refunded_tiyn:
                debit.reversed = True
                self.book.reversal_effects += 1
                self._give(debit.card, debit.amount_tiyn)
        if fault is not None:
            return []
        return [Answer(reply(message, kind, "00" if known else "25"))]

    def _reconcile(self, message: iso.Message) -> iso.Message:
        """Answer 0500: 66 is 1 where the terminal's totals are ours, 2 where not; close its batch.

        A terminal sends only what it keeps: 76 and 88 count its sales, 74 and 86 its credits,
        which are none.
        """
        terminal = message["41"]
        if (known := self._reconciled.get(iso.key_of(message))) is not None:
            return known  # its answer was lost
        batch = self._batches.get(terminal, 0)
        ours = self.book.batch_of(terminal, batch)
        told = int(message.get("76", "0")), int(message.get("88", "0"))
        given = int(message.get("74", "0")), int(message.get("86", "0"))
        balanced = told == ours and given == (0, 0)
        self.book.reconciliations.append((terminal, balanced))
        self._batches[terminal] = batch + 1
        told_back = iso.IN_BALANCE if balanced else iso.OUT_OF_BALANCE
        answer = reply(message, iso.RECONCILIATION_ANSWER, "00") | {"66": told_back}
        self._reconciled[iso.key_of(message)] = answer
        return answer

    def _give(self, card_key: str, amount_tiyn: int) -> None:
        pan = next(card.pan for card in self._cards.values() if card.key == card_key)
        self._balances[pan] += amount_tiyn


def reply(message: iso.Message, kind: str, code: str) -> iso.Message:
    """Return an answer of ``kind`` that repeats what names the message."""
    return {"t": kind, **{name: message[name] for name in _KEPT if name in message}, "39": code}


def _well_formed(message: iso.Message) -> bool:
    """Return whether a message has what its kind needs; the codec lets letters into numbers."""
    needed = _MANDATORY.get(message["t"][:2], ())
    digits = all(
        message[name].isascii() and message[name].isdecimal() for name in _DIGITS & message.keys()
    )
    try:
        iso.parse_private(message.get("48", ""))
    except iso.LinkDown:
        return False
    return digits and all(name in message for name in needed)
