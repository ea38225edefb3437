"""ISO 8583 between the simulated terminal and the simulated acquirer, over TCP.

Two bytes of big-endian length, then the message (pyiso8583's ASCII form). The payer's IIN travels
in the private field 48 as ``01`` + length + value; the issuer answers ``02`` + ``01`` + one
letter: M match, N no match, U unknown, S not supported.
"""

import copy
import socket
from typing import Any, Final

import iso8583
from iso8583.specs import default_ascii

MESSAGE_BYTES_MAX: Final = 4096
SPEC: Final[dict[str, Any]] = copy.deepcopy(default_ascii)

SALE, SALE_ANSWER = "0200", "0210"
REVERSAL, REVERSAL_REPEAT, REVERSAL_ANSWER = "0420", "0421", "0430"
REVERSAL_REQUEST, REVERSAL_REQUEST_REPEAT = "0400", "0401"
RECONCILIATION, RECONCILIATION_ANSWER = "0500", "0510"
NETWORK, NETWORK_ANSWER = "0800", "0810"
SIGN_ON: Final = "001"
SIGN_OFF: Final = "002"
ECHO: Final = "301"
IN_BALANCE, OUT_OF_BALANCE = "1", "2"  # DE66
MERCHANT_CATEGORY_FINES: Final = "9222"
KZT: Final = "398"
CHIP: Final = "051"
PURCHASE: Final = "000000"
REFUND: Final = "200000"
DUPLICATE: Final = "94"  # DE39: the host has this very sale already
LATE, CANCELLED = "68", "17"  # DE39 of a reversal: why

PAYER_IIN: Final = "01"
OWNER: Final = "02"

Message = dict[str, str]


class LinkDown(Exception):
    """The host cannot be reached, hung up, or answered with nonsense."""


def pack_private(fields: dict[str, str]) -> str:
    """Return DE48: two digits of tag, two of length, the value."""
    return "".join(f"{tag}{len(value):02d}{value}" for tag, value in fields.items())


def parse_private(text: str) -> dict[str, str]:
    """Return the sub-fields of DE48.

    Raises:
        LinkDown: it cannot be read.
    """
    fields: dict[str, str] = {}
    while text:
        tag, size = text[:2], text[2:4]
        if not size.isdecimal() or len(text) < 4 + int(size):
            raise LinkDown("the private field cannot be read")
        fields[tag], text = text[4 : 4 + int(size)], text[4 + int(size) :]
    return fields


def encode(message: Message) -> bytes:
    """Return one message as it goes over the line, its length before it."""
    raw, _ = iso8583.encode(dict(message), SPEC)
    return len(raw).to_bytes(2, "big") + bytes(raw)


def decode(raw: bytes) -> Message:
    """Return a message without its length.

    Raises:
        LinkDown: it is not ISO 8583.
    """
    try:
        decoded, _ = iso8583.decode(raw, SPEC)
    except iso8583.DecodeError as error:
        raise LinkDown("the message is not ISO 8583") from error
    return decoded


def send(connection: socket.socket, message: Message) -> None:
    """Send one message."""
    connection.sendall(encode(message))


def receive(connection: socket.socket) -> Message | None:
    """Return the next message, ``None`` when the peer has hung up.

    Raises:
        LinkDown: too long, cut off, or not ISO 8583. TimeoutError: see the socket.
    """
    head = _exactly(connection, 2)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if size > MESSAGE_BYTES_MAX:
        raise LinkDown("the message is too long")
    raw = _exactly(connection, size)
    if raw is None:
        raise LinkDown("the message is cut off")
    return decode(raw)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def original(message: Message) -> str:
    """Return DE90 of a sale: its type, STAN and transmission time, no institution numbers."""
    return f"0200{message['11']}{message['7']}{'0' * 22}"


def key_of(message: Message) -> tuple[str, str, str]:
    """Return what names a sale: terminal, STAN, transmission time; of a reversal, its original."""
    if message["t"][:2] == REVERSAL[:2]:
        return message["41"], message["90"][4:10], message["90"][10:20]
    return message["41"], message["11"], message["7"]
