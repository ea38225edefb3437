"""Use cases of identity: sign in and out, sign a document, import staff, tell who is who."""

from app.identity.repository import POST_STANDING
from app.identity.service.relations import (
    Subordination,
    is_subordinate,
    subordinates_in,
    superior_of,
)
from app.identity.service.reporting import (
    ReportingLine,
    RoleHeld,
    holders_of,
    names_of,
    reporting_lines,
)
from app.identity.service.revocation import ask_about_signer
from app.identity.service.sessions import (
    end_sessions,
    end_sessions_of_person,
    principal_of_token,
    session_expiry,
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
    StaffImported,
    import_staff,
    post_of_iin,
    posts_by_id,
    staff_of_department,
)

__all__ = [
    "POST_STANDING",
    "NewChallenge",
    "PostCard",
    "ReportingLine",
    "RoleHeld",
    "SignInPolicy",
    "SignedIn",
    "StaffImported",
    "Subordination",
    "ask_about_signer",
    "end_sessions",
    "end_sessions_of_person",
    "holders_of",
    "import_staff",
    "is_subordinate",
    "names_of",
    "new_challenge",
    "post_of_iin",
    "posts_by_id",
    "principal_of_token",
    "reporting_lines",
    "session_expiry",
    "sign_document",
    "sign_in",
    "sign_out",
    "staff_of_department",
    "subordinates_in",
    "superior_of",
]
