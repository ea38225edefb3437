"""All pages for the composition root: one router, and the static files."""

from fastapi import APIRouter

from app.web import access, complaints, control, finance, home, law, log, papers, recordings
from app.web.assets import mount_static

__all__ = ["mount_static", "router"]

router = APIRouter(include_in_schema=False)
for _family in (home, access, complaints, recordings, control, finance, law, log, papers):
    router.include_router(_family.router)
