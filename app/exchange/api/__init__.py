"""Routes of the exchange, a file for each use."""

from app.exchange.api import access, checks, control, requests, sanctions
from app.exchange.api.ports import make_ports

__all__ = ["make_ports", "routers"]

routers = (checks.router, requests.router, sanctions.router, access.router, control.router)
