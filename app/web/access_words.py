"""What the pages of access call stages, services, bases and reasons, and what they refuse with."""

from typing import Final

from app.exchange.rules.access import (
    AccessRefusal,
    AccessStage,
    AgreementStanding,
    GrantOrigin,
    RequestClock,
    UserStanding,
)
from app.identity.rules.blocking import BlockReason
from app.web.refusals import SIGN_IN_REFUSALS, Refusal
from app.web.texts import N_

STAGES: Final = {
    AccessStage.REQUESTED: N_("Requested"),
    AccessStage.RETURNED: N_("Returned as incomplete"),
    AccessStage.GRANTED: N_("Granted, the agreement is not signed"),
    AccessStage.REFUSED: N_("Refused"),
    AccessStage.ACTIVE: N_("Active"),
    AccessStage.SUSPENDED: N_("Suspended: the day after the transfer is over"),
    AccessStage.BLOCKED: N_("Blocked"),
}
# What a request became; "granted" says nothing of the agreement there.
REQUEST_STAGES: Final = STAGES | {AccessStage.GRANTED: N_("Granted")}
CLOCKS: Final = {
    RequestClock.RUNNING: N_("in time"),
    RequestClock.ALARM: N_("fewer than four hours are left"),
    RequestClock.OVERDUE: N_("overdue: a breach is reported"),
}
STANDINGS: Final = {
    UserStanding.ACTIVE: N_("The rights are in force."),
    UserStanding.NO_POST: N_("The person holds no post today."),
    UserStanding.NOT_REGISTERED: N_("No rights were granted."),
    UserStanding.SUSPENDED: N_("The rights are suspended until a new request is granted."),
    UserStanding.BLOCKED: N_("The person is blocked: no session is opened."),
    UserStanding.UNKNOWN: N_("It cannot be established, which counts as no rights."),
}
AGREEMENTS: Final = {
    AgreementStanding.SIGNED: N_("signed"),
    AgreementStanding.MISSING: N_("not signed"),
    AgreementStanding.OLD: N_("a former version is signed"),
    AgreementStanding.UNKNOWN: N_("none is in force"),
}
ORIGINS: Final = {
    GrantOrigin.REQUEST: N_("by a request"),
    GrantOrigin.TRANSFER: N_("left after a transfer"),
}
REFUSAL_REASONS: Final = {
    AccessRefusal.NO_NEED: N_("The duties of the post do not need it"),
    AccessRefusal.WRONG_ROLE: N_("The role is not that of the post"),
    AccessRefusal.SERVICES_NOT_ALLOWED: N_("The services are not for this role (appendix 2)"),
    AccessRefusal.BASES_NOT_ALLOWED: N_("The bases are not for this role (appendix 1)"),
    AccessRefusal.NO_RESPONSIBLE_OFFICIAL: N_("No responsible official is named"),
    AccessRefusal.WORKPLACE_NOT_FIT: N_(
        "The workplace does not meet the requirements (appendix 4)"
    ),
    AccessRefusal.PAST_VIOLATION: N_("The applicant has broken the rules before"),
    AccessRefusal.OTHER: N_("Another reason"),
}
BLOCK_REASONS: Final = {
    BlockReason.VIOLATION: N_("Violation of the rules or of information security"),
    BlockReason.DISMISSAL: N_("Dismissal"),
    BlockReason.REMOVAL: N_("Removal from the post"),
    BlockReason.REQUESTED: N_("At a request to block"),
}
SERVICES: Final = {
    "person_documents": N_("Person and documents"),
    "person_photo": N_("Photograph of a person"),
    "driver_licence": N_("Driver licence"),
    "vehicle": N_("Vehicle"),
    "insurance": N_("Compulsory insurance"),
    "inspection": N_("Technical inspection"),
    "wanted_persons": N_("Wanted persons"),
    "wanted_vehicles": N_("Wanted vehicles"),
    "unpaid_fines": N_("Unpaid fines"),
    "legal_entity": N_("Legal entity"),
}
BASES: Final = {
    "PRIMARY_CHECK": N_("Primary check"),
    "CRIMINAL_CASE": N_("Criminal case"),
    "CRIMINAL_ORDER": N_("Investigative order"),
    "INTERNATIONAL_ORDER": N_("International order"),
    "ADMIN_LE": N_("Administrative case"),
    "SEARCH_CASE": N_("Search case"),
    "ENFORCEMENT": N_("Enforcement proceeding"),
    "CRIMINAL_COURT": N_("Criminal case in court"),
    "ADMIN_COURT": N_("Administrative case in court"),
    "CIVIL_COURT": N_("Civil case in court"),
    "COURT_OTHER": N_("Other case in court"),
}

_OWN_REFUSALS: Final = (
    Refusal(
        codes=("exchange.access_form_incomplete",),
        what=N_("The form is not complete"),
        cure=N_("It was returned and its 24 hours have not begun. Fill in every field and sign."),
    ),
    Refusal(
        codes=("exchange.access_already_requested",),
        what=N_("Your former request is not decided yet"),
        cure=N_("It is decided within 24 hours of receipt."),
    ),
    Refusal(
        codes=("exchange.access_refusal_not_motivated",),
        what=N_("A reason and a text are needed"),
        cure=N_("Choose the reason, say it in words, and sign again."),
    ),
    Refusal(
        codes=("exchange.access_rights_too_wide",),
        what=N_("These rights cannot be granted"),
        cure=N_("Grant at least one service and one basis, and none that was not asked for."),
    ),
    Refusal(
        codes=(
            "exchange.sod_self",
            "exchange.sod_relation",
            "exchange.sod_second_operator",
            "exchange.sod_unblock",
        ),
        what=N_("This decision is another operator's"),
        cure=N_("Nobody decides on himself, his superior, his subordinate, or his own decision."),
    ),
    Refusal(
        codes=("exchange.access_step_refused", "identity.already_blocked", "identity.not_blocked"),
        what=N_("Somebody has decided meanwhile"),
        cure=N_("Open the page again and look how it stands."),
    ),
    Refusal(
        codes=("exchange.agreement_not_current",),
        what=N_("Another version of the agreement is in force"),
        cure=N_("Open the page again, read it and sign."),
    ),
    Refusal(
        codes=("identity.session_over", "access.not_signed_in"),
        what=N_("Your session is over"),
        cure=N_("Sign in again; nothing was changed."),
    ),
)
ACCESS_REFUSALS: Final = (*_OWN_REFUSALS, *SIGN_IN_REFUSALS)
