"""The courts' system EAIAS as our channel sees it: a judge's message, signed and sent.

    eaias = SimEaias(base_url, system_id=..., credential=..., authority=stage.authority)
    answer = eaias.ask(JUDGE, {"basis": "CIVIL_COURT", "services": ["legal_entity"], ...})

``message`` and ``signed`` make what is sent, for whoever wants to change something in it first.
"""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import httpx
import rfc8785

from sim.authority import Authority, Use
from sim.district import Staff

HEADER: Final = "System-Credential"
REQUESTS: Final = "/api/courts/requests"


def message(
    *,
    audience: str,
    system_id: str,
    act: str = "request",
    message_id: UUID | None = None,
    sent_at: datetime | None = None,
    **content: object,
) -> dict[str, object]:
    """Return a message of the channel's version 1; ``content`` is ``request``, or the answer's."""
    return {
        "v": 1,
        "audience": audience,
        "system_id": system_id,
        "message_id": str(message_id or uuid4()),
        "sent_at": (sent_at or datetime.now(UTC)).isoformat(),
        "act": act,
        **content,
    }


def signed(
    authority: Authority, staff: Staff, said: dict[str, object], use: Use = Use.COMBINED
) -> dict[str, object]:
    """Return the body of a call: the message, and the person's signature over it."""
    content = rfc8785.dumps(said)  # type: ignore[arg-type]  # JSON
    cms = base64.b64encode(authority.sign(staff, content, use)).decode()
    return {"message": said, "cms": cms}


@dataclass(frozen=True, kw_only=True)
class SimEaias:
    """The courts' system, let in by the administrator with this credential."""

    base_url: str
    system_id: str
    credential: str = field(repr=False)
    authority: Authority

    def ask(self, staff: Staff, request: dict[str, object]) -> httpx.Response:
        """Ask on behalf of a person of a court."""
        said = message(audience=self.base_url, system_id=self.system_id, request=request)
        return httpx.post(
            f"{self.base_url}{REQUESTS}",
            json=signed(self.authority, staff, said),
            headers={HEADER: self.credential},
            timeout=30,
        )
