"""The text a person signs to sign in, and when it may still be answered."""

import base64
import enum
from datetime import datetime
from uuid import UUID

from app.identity import errors

NONCE_BYTES = 32


class Operation(enum.Enum):
    """What a challenge is for; its answer serves nothing else."""

    SIGN_IN = "sign_in"


def challenge_content(
    *,
    challenge_id: UUID,
    operation: Operation,
    audience: str,
    device_id: UUID | None,
    nonce: bytes,
    expires_at: datetime,
) -> bytes:
    """Return the bytes to sign: readable lines, so that the signer's program can show them.

    They name this server, the act and the device: signed for another, they are worth nothing.
    """
    lines = (
        "Saqshy challenge v1",
        f"audience: {audience}",
        f"operation: {operation.value}",
        f"device: {device_id or 'none'}",
        f"challenge: {challenge_id}",
        f"nonce: {base64.b64encode(nonce).decode()}",
        f"expires: {expires_at.isoformat()}",
    )
    return ("\n".join(lines) + "\n").encode()


def check_challenge(
    *,
    operation: Operation,
    expected: Operation,
    device_id: UUID | None,
    answered_on: UUID | None,
    expires_at: datetime,
    used_at: datetime | None,
    now: datetime,
) -> None:
    """Check that a challenge may be answered now, from this device, for this act.

    Raises:
        ChallengeOfAnotherDevice, ChallengeUsed, ChallengeExpired, ChallengeNotFound: it may not.
    """
    if operation is not expected:
        raise errors.ChallengeNotFound("no such challenge for this act")
    if device_id != answered_on:
        raise errors.ChallengeOfAnotherDevice("the challenge was given to another device")
    if used_at is not None:
        raise errors.ChallengeUsed("the challenge was answered before")
    if now >= expires_at:
        raise errors.ChallengeExpired("the challenge was not answered in time")
