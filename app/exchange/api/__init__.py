"""Routes of the exchange, a file for each use."""

from app.exchange.api import access, checks, requests, sanctions
from app.exchange.api.ports import make_ports

__all__ = ["make_ports", "routers"]

routers = (access.router, checks.router, requests.router, sanctions.router)
