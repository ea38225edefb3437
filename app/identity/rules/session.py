"""How long a session lives, and where a browser's session may be used from."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from app.identity import errors

SEEN_EVERY = timedelta(seconds=30)  # idleness is known to this; a write per request costs too much
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SessionEnd(enum.Enum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    ENDED_BY_OTHERS = "ended_by_others"  # an official blocked it, or the post ended


@dataclass(frozen=True, kw_only=True)
class SessionTerm:
    """The instants that decide whether a session lives."""

    expires_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None


def check_session(term: SessionTerm, *, idle: timedelta, now: datetime) -> None:
    """Check that a session lives at ``now``.

    Raises:
        SessionOver: it was ended, its term is over, or nobody used it for ``idle``.
    """
    if term.ended_at is not None:
        raise errors.SessionOver("the session was ended", reason="ended")
    if now >= term.expires_at:
        raise errors.SessionOver("the session's term is over", reason="term")
    if now - term.last_seen_at >= idle:
        raise errors.SessionOver("nobody used the session for long", reason="idle")


def check_same_origin(
    *,
    method: str,
    own_url: str,
    host: str | None,
    origin: str | None,
    fetch_site: str | None,
) -> None:
    """Check that an act by cookie comes from our own page (Fetch Metadata, RFC 6454).

    Reading is free: the cookie is ``SameSite=Strict`` and answers carry no permission for others.

    Raises:
        CrossSite: it does not, or the browser does not say.
    """
    if method in _SAFE_METHODS:
        return
    if fetch_site is not None and fetch_site != "same-origin":
        raise errors.CrossSite("the request comes from another site")
    if origin is not None:
        if urlsplit(origin).netloc not in {host, urlsplit(own_url).netloc}:
            raise errors.CrossSite("the request comes from another site")
    elif fetch_site is None:
        raise errors.CrossSite("the browser does not say where the request comes from")
