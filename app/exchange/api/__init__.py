"""Routes of the exchange, a file for each use."""

from app.exchange.api import access, checks, control, courts, documents, holds, requests, sanctions
from app.exchange.api.courts import authenticate_system
from app.exchange.api.ports import make_ports

__all__ = ["authenticate_system", "make_ports", "routers"]

routers = (
    access.router,
    checks.router,
    requests.router,
    sanctions.router,
    courts.router,
    control.router,
    holds.router,
    documents.router,
)
