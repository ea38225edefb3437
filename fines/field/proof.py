"""What a slip shows besides of a card and its terminal, whichever driver was told it."""

import logging

from pydantic import ValidationError

from fines.wire.card_numbers import holds_card_number
from fines.wire.protocol import CardProof

log = logging.getLogger(__name__)


def card_proof(*, batch_number: int | None = None, **told: str) -> CardProof | None:
    """Return what a slip shows besides; what does not fit is left out and stops no sale."""
    try:
        return CardProof(
            batch_number=batch_number,
            **{name: "" if holds_card_number(text) else text for name, text in told.items()},
        )
    except ValidationError:
        log.warning("the terminal's proof of a card mangles a field")
        return None
