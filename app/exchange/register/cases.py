"""The registers that confirm a case. Nothing else in the server may ask them."""

from typing import Protocol

from app.exchange.rules.cases import CaseQuestion, CaseReply

__all__ = ["CaseQuestion", "CaseRegisterPort", "CaseReply"]


class CaseRegisterPort(Protocol):
    """Asks one register of cases whether a case is in an officer's work."""

    async def confirm(self, question: CaseQuestion) -> CaseReply:
        """Return the verdict on ``question`` within the register's limit of seconds.

        Never raises for anything the far end does: silence, a refused connection and an answer
        that cannot be believed are all ``UNAVAILABLE``, which confirms nothing.
        """
        ...
