"""Use cases of access: ask for it, decide, sign the agreement, move, block, tell who stands how."""

from app.exchange.service.access.standing import (
    AccessStanding,
    AgreementStanding,
    UserStanding,
    standing_of,
)

__all__ = ["AccessStanding", "AgreementStanding", "UserStanding", "standing_of"]
