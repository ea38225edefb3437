"""Use cases of identity: sign in and out, sign a document, import staff, tell who is who."""

from app.identity.repository import POST_STANDING, REQUESTER, SESSION_HELD, posts_in_force
from app.identity.service.blocking import (
    Block,
    block_person,
    blocks_of,
    lift_block,
    standing_block,
)
from app.identity.service.boundaries import districts_on
from app.identity.service.relations import (
    Subordination,
    is_subordinate,
    subordinates_in,
    superior_of,
    superiors_of,
)
from app.identity.service.reporting import (
    ReportingLine,
    RoleHeld,
    holders_of,
    names_of,
    person_ids,
    reporting_lines,
)
from app.identity.service.revocation import ask_about_signer
from app.identity.service.sessions import (
    end_sessions,
    end_sessions_of_person,
    principal_of_token,
    session_expiry,
    session_lives,
    sign_out,
)
from app.identity.service.sign_in import (
    NewChallenge,
    SignedIn,
    SignInPolicy,
    new_challenge,
    sign_in,
)
from app.identity.service.signatures import sign_document
from app.identity.service.staff import (
    PostCard,
    Requester,
    StaffImported,
    import_staff,
    last_post_of,
    post_of_iin,
    posts_by_id,
    posts_found,
    posts_of_people,
    requester_from,
    staff_of_department,
)
from app.identity.service.watching import SessionWatch, living_sessions

__all__ = [
    "POST_STANDING",
    "REQUESTER",
    "SESSION_HELD",
    "Block",
    "NewChallenge",
    "PostCard",
    "ReportingLine",
    "Requester",
    "RoleHeld",
    "SessionWatch",
    "SignInPolicy",
    "SignedIn",
    "StaffImported",
    "Subordination",
    "ask_about_signer",
    "block_person",
    "blocks_of",
    "districts_on",
    "end_sessions",
    "end_sessions_of_person",
    "holders_of",
    "import_staff",
    "is_subordinate",
    "last_post_of",
    "lift_block",
    "living_sessions",
    "names_of",
    "new_challenge",
    "person_ids",
    "post_of_iin",
    "posts_by_id",
    "posts_found",
    "posts_in_force",
    "posts_of_people",
    "principal_of_token",
    "reporting_lines",
    "requester_from",
    "session_expiry",
    "session_lives",
    "sign_document",
    "sign_in",
    "sign_out",
    "staff_of_department",
    "standing_block",
    "subordinates_in",
    "superior_of",
    "superiors_of",
]
