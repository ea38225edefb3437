"""From ZVT's status information to what the agent and the server speak of."""

import hashlib
import hmac
import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from fines.field.driver import CardSeen, StoredSale
from fines.field.names import NameVerdict
from fines.field.proof import card_proof
from fines.field.reasons import OWNERS
from fines.wire import zvt, zvt_status
from fines.wire.protocol import Approval, OwnerVerdict
from fines.wire.zvt import Apdu
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_status import StatusInformation

log = logging.getLogger(__name__)

_UUID_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads cards, approvals and kept sales; ``card_ref_key`` keys a card item without a PAR."""

    card_ref_key: bytes = field(repr=False)

    def approval(self, status: StatusInformation, *, now: datetime) -> Approval | None:
        """Return an approval as the server wants it; ``None`` where the terminal left gaps."""
        reference, kind = self._card_ref(status)
        try:
            return Approval(
                amount_tiyn=status.amount_tiyn or 0,
                currency=status.currency or zvt.KZT,
                terminal_number=status.terminal_number,
                merchant_number=status.merchant_number,
                receipt_number=_present(status.receipt_number),
                trace_number=_present(status.trace_number),
                rrn=status.rrn,
                approval_code=status.approval_code,
                card_brand=status.brand,
                card_masked=status.card_masked,
                card_ref=reference,
                card_ref_kind=kind,
                owner_verdict=OWNERS.get(status.owner, OwnerVerdict.UNKNOWN),
                entry_mode=zvt_status.TECHNOLOGIES.get(_present(status.technology), "unknown"),
                cardholder_check=zvt_status.CARDHOLDER_CHECKS.get(
                    _present(status.cardholder_check), "unknown"
                ),
                aid=status.aid,
                proof=card_proof(
                    terminal_serial=status.terminal_serial,
                    batch_number=status.batch_number,
                    application_label=status.application_label,
                    tvr=status.tvr,
                    tsi=status.tsi,
                    cryptogram=status.cryptogram,
                ),
                terminal_at=status.terminal_time(near=now),
            )
        except (ValidationError, ZvtMalformed):
            log.warning("the terminal's approval lacks or mangles a field")
            return None

    def card(self, status: StatusInformation, *, name_verdict: NameVerdict | None) -> CardSeen:
        """Return a card read before any sale."""
        reference, kind = self._card_ref(status)
        return CardSeen(
            brand=status.brand,
            card_masked=status.card_masked,
            card_ref=reference,
            card_ref_kind=kind,
            name_verdict=name_verdict,
        )

    def stored(self, message: Apdu, *, now: datetime) -> StoredSale | None:
        """Return the sale that a repeated receipt tells of, ``None`` where it tells of none.

        Raises:
            ZvtMalformed: it cannot be read, which says nothing of what is kept.
        """
        status = zvt_status.parse_status(message)
        if not status.approved or status.receipt_number is None or status.trace_number is None:
            return None
        known = len(status.reference) == _UUID_BYTES
        return StoredSale(
            receipt_number=status.receipt_number,
            trace_number=status.trace_number,
            amount_tiyn=status.amount_tiyn or 0,
            terminal_number=status.terminal_number,
            order_id=UUID(bytes=status.reference) if known else None,
            approval=self.approval(status, now=now),
        )

    def _card_ref(self, status: StatusInformation) -> tuple[str, str]:
        if status.par:
            return status.par, "par"
        if not status.card_item:
            return "", "par"
        # An unkeyed hash of a card number is found by trying: it is keyed before it is kept.
        keyed = hmac.new(self.card_ref_key, status.card_item, hashlib.sha256)
        return keyed.hexdigest(), "item"


def _present(number: int | None) -> int:
    """Return a number that must be there; -1 fails the field's limits, or names no kind."""
    return -1 if number is None else number
