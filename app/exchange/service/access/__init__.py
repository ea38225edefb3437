"""Use cases of access: ask for it, decide, sign the agreement, move, block, tell who stands how."""

from app.exchange.service.access.agreement import (
    Agreement,
    publish_agreement,
    read_agreement,
    sign_agreement,
)
from app.exchange.service.access.blocking import block_user, unblock_user, write_unblocking
from app.exchange.service.access.clocks import ClocksRead, read_clocks
from app.exchange.service.access.deciding import (
    Granted,
    grant_access,
    refuse_access,
    return_request,
    write_grant,
    write_refusal,
)
from app.exchange.service.access.filing import file_request, officials_of, write_form
from app.exchange.service.access.ports import AccessPorts
from app.exchange.service.access.standing import (
    AccessStanding,
    AgreementStanding,
    UserStanding,
    standing_from,
    standing_of,
)
from app.exchange.service.access.transfers import note_transfer, note_transfers
from app.exchange.service.access.viewing import (
    RequestView,
    UserLine,
    UserView,
    breaches,
    own_requests,
    queue,
    read_request,
    user_of,
    users,
)

__all__ = [
    "AccessPorts",
    "AccessStanding",
    "Agreement",
    "AgreementStanding",
    "ClocksRead",
    "Granted",
    "RequestView",
    "UserLine",
    "UserStanding",
    "UserView",
    "block_user",
    "breaches",
    "file_request",
    "grant_access",
    "note_transfer",
    "note_transfers",
    "officials_of",
    "own_requests",
    "publish_agreement",
    "queue",
    "read_agreement",
    "read_clocks",
    "read_request",
    "refuse_access",
    "return_request",
    "sign_agreement",
    "standing_from",
    "standing_of",
    "unblock_user",
    "user_of",
    "users",
    "write_form",
    "write_grant",
    "write_refusal",
    "write_unblocking",
]
