"""Routes of the exchange, a file for each use."""

from app.exchange.api import checks, courts
from app.exchange.api.courts import authenticate_system

__all__ = ["authenticate_system", "routers"]

routers = (checks.router, courts.router)
