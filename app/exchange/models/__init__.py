"""Tables of the exchange, a file for each use. What a register said is stored sealed."""

from app.exchange.models.requests import RegisterRequestRow

__all__ = ["RegisterRequestRow"]
