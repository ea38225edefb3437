"""Routes of fines, a file for each part."""

from fines.api import duplicates, payments, records, terminals, totals
from fines.api.desk import DeskOfApp, make_desk

__all__ = ["DeskOfApp", "make_desk", "routers"]

routers = (records.router, payments.router, duplicates.router, terminals.router, totals.router)
