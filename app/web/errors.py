"""Refusals and faults as pages, for whoever reads them in a browser.

``app.problems`` asks here first; programs keep getting problem details.
"""

from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from app.web.rendering import own_address, page
from app.web.texts import N_

_NOT_PAGES: Final = ("/api/", "/device/", "/static/")
_UNAUTHENTICATED: Final = 401
_FAULT: Final = 500
# What happened, and what the reader can do, by status; the code says the rest to the specialist.
_WORDS: Final = {
    400: (N_("The request was not understood"), N_("Go back and try again.")),
    403: (
        N_("You may not open this page"),
        N_(
            "Your post does not give this right. Ask the administrator of your unit if you need it."
        ),
    ),
    404: (
        N_("There is no such page"),
        N_("The address is mistyped, or what it names belongs to another unit."),
    ),
    405: (N_("This page cannot be opened so"), N_("Go back and use the buttons of the page.")),
    409: (
        N_("This cannot be done now"),
        N_("The state of the record has changed. Open it again and look."),
    ),
    413: (N_("Too much was sent or found"), N_("Send or ask for less.")),
    422: (N_("The address or the form is not right"), N_("Go back and correct what you entered.")),
    503: (N_("The service is busy"), N_("Wait a few seconds and try again.")),
    507: (N_("The store has no room left"), N_("Tell the administrator.")),
}
# What a status cannot say: who may do it, and when.
_CODE_WORDS: Final = {
    "fines.filing_not_by_you": (
        N_("You took this payment yourself"),
        N_("Photograph the signed slip, or let another person of the unit confirm the filing."),
    ),
    "fines.refund_limit_of_clerk": (
        N_("This is more than one clerk may approve in a day"),
        N_(
            "Let another clerk of the unit decide, or decide tomorrow. A sum above a whole day's"
            " limit is asked for in parts. This refund stays asked for."
        ),
    ),
    "fines.refund_limit_of_unit": (
        N_("This is more than the unit may approve in a day"),
        N_(
            "Decide tomorrow. A sum above a whole day's limit is asked for in parts. This refund"
            " stays asked for."
        ),
    ),
}
_FAULT_WORDS: Final = (
    N_("The service failed"),
    N_("Nothing was changed. Try again; if it fails again, tell the administrator."),
)


def page_of_problem(request: Request, status: int, code: str) -> Response | None:
    """Return a refusal or fault as a page, or ``None`` where a program asked and wants a problem.

    Who is not signed in is sent to sign in first, and comes back to where he was.

    Args:
        request: what was refused.
        status: of HTTP, as ``app.problems`` decided it.
        code: the stable code, shown small: it is what the administrator will ask for.
    """
    if not _wants_page(request):
        return None
    if status == _UNAUTHENTICATED:
        query = urlencode({"next": own_address(request)})
        return RedirectResponse(f"/sign-in?{query}", 303)
    otherwise = _FAULT_WORDS if status >= _FAULT else _WORDS[400]
    what, cure = _CODE_WORDS.get(code) or _WORDS.get(status, otherwise)
    context = {"what": what, "cure": cure, "status": status, "code": code}
    return page(request, "problem.html", context, status_code=status)


def _wants_page(request: Request) -> bool:
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not request.url.path.startswith(_NOT_PAGES)
