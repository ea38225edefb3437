"""All pages for the composition root: one router, and the static files."""

from fastapi import APIRouter

from app.web import (
    access,
    complaints,
    control,
    coverage,
    custody,
    finance,
    home,
    law,
    log,
    papers,
    recordings,
    records,
    refunds,
    shifts,
    slips,
    terminals,
)
from app.web.assets import mount_static

__all__ = ["mount_static", "router"]

router = APIRouter(include_in_schema=False)
_FAMILIES = (
    home,
    access,
    complaints,
    recordings,
    shifts,
    coverage,
    custody,
    control,
    finance,
    refunds,
    law,
    records,
    slips,
    terminals,
    log,
    papers,
)
for _family in _FAMILIES:
    router.include_router(_family.router)
