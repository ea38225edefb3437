"""From the terminal's and the host's codes to the one reason an officer is told.

Host codes: ISO 8583 DE39. Terminal codes: PA00P015, chapter 10. A code nobody listed is a plain
decline, never an approval.
"""

from collections.abc import Mapping
from typing import Final

from fines.wire.protocol import OwnerVerdict, Reason
from fines.wire.zvt import Code

OWNERS: Final[Mapping[str, OwnerVerdict]] = {
    "M": OwnerVerdict.MATCH,
    "N": OwnerVerdict.NO_MATCH,
    "U": OwnerVerdict.UNKNOWN,
    "S": OwnerVerdict.NOT_SUPPORTED,
    "D": OwnerVerdict.NO_ANSWER,
}

_HOST: Final[Mapping[str, Reason]] = {
    "51": Reason.INSUFFICIENT_FUNDS,
    "54": Reason.CARD_EXPIRED,
    "61": Reason.INSUFFICIENT_FUNDS,
    "91": Reason.HOST_UNREACHABLE,
    "92": Reason.HOST_UNREACHABLE,
    "96": Reason.HOST_UNREACHABLE,
    "68": Reason.HOST_UNREACHABLE,
}
_TERMINAL: Final[Mapping[int, Reason]] = {
    Code.CARD_UNREADABLE: Reason.CARD_UNREADABLE,
    Code.CHIP_ERROR: Reason.CARD_UNREADABLE,
    Code.CARD_UNKNOWN: Reason.CARD_UNREADABLE,
    Code.ABORTED: Reason.CARD_TIMEOUT,
    Code.CARD_BLOCKED: Reason.ISSUER_DECLINED,
    Code.CARD_EXPIRED: Reason.CARD_EXPIRED,
    Code.COMMUNICATION: Reason.HOST_UNREACHABLE,
    Code.PLEASE_WAIT: Reason.TERMINAL_BUSY,
    Code.PRINTER_NOT_READY: Reason.NO_PAPER,
}
_HOST_CODES: Final = range(0x01, 0x64)
_HOST_SILENT: Final = range(0xA0, 0xB0)
_UNPROVEN: Final = frozenset({OwnerVerdict.UNKNOWN, OwnerVerdict.NOT_SUPPORTED})


def host_code(*, result: int, host_result: int | None) -> str:
    """Return DE39 as the terminal passes it on, an empty string where the host said nothing."""
    code = host_result or result
    return f"{code:02X}" if code in _HOST_CODES or code in (0x91, 0x92, 0x96) else ""


def reason_of(*, result: int, host_result: int | None, owner: OwnerVerdict, told: bool) -> Reason:
    """Return why a sale was declined. ``told``: the issuer said something about the owner.

    57 with "no match" is another person's card; 57 where the issuer cannot tell is a card not
    proven to be the payer's. The two are refused alike and told apart for the officer.
    """
    code = host_result or result
    if code in _HOST_SILENT:
        return Reason.HOST_UNREACHABLE
    if told and owner is OwnerVerdict.NO_MATCH:
        return Reason.THIRD_PARTY_CARD
    if told and owner is OwnerVerdict.NO_ANSWER:
        return Reason.OWNERSHIP_NO_ANSWER
    if told and owner in _UNPROVEN:
        return Reason.OWNERSHIP_UNPROVEN
    if host := host_code(result=result, host_result=host_result):
        return _HOST.get(host, Reason.ISSUER_DECLINED)
    return _TERMINAL.get(code, Reason.TERMINAL_FAULT)


def reason_of_refusal(code: int) -> Reason:
    """Return why the terminal would not take a command."""
    return _TERMINAL.get(code, Reason.TERMINAL_FAULT)
