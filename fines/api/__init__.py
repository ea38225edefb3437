"""Routes of fines, a file for each part."""

from fines.api import (
    duplicates,
    money,
    payments,
    proceedings,
    records,
    terminals,
    totals,
)
from fines.api.desk import DeskOfApp, make_desk
from fines.service.totals import hand_in_check

__all__ = ["DeskOfApp", "hand_in_check", "make_desk", "routers"]

routers = (
    records.router,
    payments.router,
    duplicates.router,
    proceedings.router,
    terminals.router,
    totals.router,
    money.router,
)
