"""Refusals of the courts' channel, before any gate is asked."""

from uuid import UUID

from app.errors import DomainError, Kind


class NoPersonBehind(DomainError):
    """No person of a court stands behind the call: rights are the person's, never the system's.

    The fields carry ``refusal`` (``NO_PERSON``), ``item`` of the Rules and the three texts.
    """

    kind = Kind.UNAUTHENTICATED
    code = "exchange.no_person"
    cure = "Send the message with the signature of a registered person of the court."


class CourtMessageNotValid(DomainError):
    """The message has another form than the protocol's, or one that cannot be signed."""

    kind = Kind.INVALID
    code = "exchange.court_message_not_valid"
    cure = "Send the message as docs/protocols/courts.md describes it."


class CourtMessageNotForUs(DomainError):
    """The message names another server, system, request or sanction than it came to."""

    kind = Kind.INVALID
    code = "exchange.court_message_not_for_us"
    cure = "Sign a message for this server, this system and this address."


class CourtMessageStale(DomainError):
    """The message was signed too long ago, or in the future."""

    kind = Kind.CONFLICT
    code = "exchange.court_message_stale"
    cure = "Set the clock, and sign a new message."


class CourtMessageReplayed(DomainError):
    """The message was taken before; each is good once."""

    kind = Kind.CONFLICT
    code = "exchange.court_message_replayed"
    cure = "Sign a new message with an id of its own."

    def __init__(self, message_id: UUID) -> None:
        super().__init__(f"message {message_id} was taken before", message_id=str(message_id))


class CourtsSystemNotFound(DomainError):
    """There is no such system, or another unit answers for it."""

    kind = Kind.NOT_FOUND
    code = "exchange.courts_system_not_found"

    def __init__(self, system_id: UUID) -> None:
        super().__init__(f"no system {system_id}")
