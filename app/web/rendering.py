"""Templates into pages: one Jinja environment per language, everything escaped."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.web.assets import player_url, static_url
from app.web.texts import LANGUAGES, catalogue, formats, language_of

_TEMPLATES: Final = Path(__file__).parent / "templates"
_NEXT_MAX: Final = 300  # characters of a path of ours, ids and all
# With "no-referrer" a browser sends its own forms with "Origin: null", which proves nothing.
_HEADERS: Final = {"Referrer-Policy": "same-origin"}


@functools.cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    words = catalogue(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # put there by the extension
        words.gettext, words.ngettext, newstyle=True
    )
    shown = formats(language)
    environment.filters |= {
        "day": shown.day,
        "short_day": shown.short_day,
        "weekday": shown.weekday,
        "month": shown.month,
        "moment": shown.moment,
        "exact": shown.exact,
        "clock": shown.clock,
        "lasting": shown.length,
        "size": shown.size,
        "number": shown.number,
        "money": shown.money,
    }
    environment.globals |= {
        "language": language,
        "languages": LANGUAGES,
        "static": static_url,
        "player_fallback": player_url,
    }
    return environment


def page(
    request: Request,
    name: str,
    context: Mapping[str, object] | None = None,
    *,
    status_code: int = 200,
) -> HTMLResponse:
    """Return the page of the template ``name`` in the language of the request.

    ``viewer`` (see ``app.web.viewer``) fills the head of the page; a page without one is shown
    to nobody in particular.
    """
    language = language_of(request)
    given = {"viewer": None, "here": own_address(request)} | dict(context or {})
    body = _environment(language).get_template(name).render(given)
    return HTMLResponse(body, status_code, _HEADERS | {"Content-Language": language})


def own_address(request: Request) -> str:
    """Return path and query of a page that may be asked for again; of a form, its GET."""
    query = request.url.query
    asked_again = request.method in ("GET", "HEAD") and query
    return safe_next(f"{request.url.path}?{query}" if asked_again else request.url.path)


def safe_next(path: str) -> str:
    """Return ``path`` if it is one of ours, else ``/``: nobody is sent elsewhere from here."""
    odd = len(path) > _NEXT_MAX or "\\" in path or not path.isprintable()
    if odd or not path.startswith("/") or path.startswith("//"):
        return "/"
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc else "/"
