"""Routes of fines, a file for each part."""

from fines.api import payments, proceedings, records, terminals
from fines.api.desk import DeskOfApp, make_desk

__all__ = ["DeskOfApp", "make_desk", "routers"]

routers = (records.router, payments.router, proceedings.router, terminals.router)
