"""Routes of the exchange, a file for each use."""

from app.exchange.api import access, checks

routers = (checks.router, access.router)
