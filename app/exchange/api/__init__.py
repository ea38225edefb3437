"""Routes of the exchange, a file for each use."""

from app.exchange.api import checks, control

routers = (checks.router, control.router)
