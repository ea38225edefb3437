"""An answer as it is stored: canonical bytes, so that its hash can be compared for ever."""

from dataclasses import dataclass, field
from datetime import date

import rfc8785

from app.exchange.rules.requests import Part, PartStatus
from app.exchange.wire.registers import RegisterName


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything one check brought to light.

    ``salt`` keeps the hash of the stored bytes from being guessed from a likely answer.
    """

    salt: str = field(repr=False)
    iin: str = field(repr=False)
    birth_date: date = field(repr=False)
    plate: str | None = field(default=None, repr=False)
    document_number: str | None = field(default=None, repr=False)
    document_expires_on: date | None = None
    cautions: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


def answer_bytes(answer: Answer) -> bytes:
    """Return the RFC 8785 form of ``answer``."""
    expires_on = answer.document_expires_on
    plain: dict[str, object] = {
        "v": 1,
        "salt": answer.salt,
        "iin": answer.iin,
        "birth_date": answer.birth_date.isoformat(),
        "plate": answer.plate,
        "document_number": answer.document_number,
        "document_expires_on": None if expires_on is None else expires_on.isoformat(),
        "cautions": list(answer.cautions),
        "parts": [
            {
                "register": part.register.value,
                "status": part.status.value,
                "asked_ms": part.asked_ms,
                "fault": part.fault,
                "record": part.record,
            }
            for part in answer.parts
        ],
    }
    return rfc8785.dumps(plain)  # type: ignore[arg-type]  # nested JSON values, by construction


def answer_of(plain: dict[str, object]) -> Answer:
    """Return the answer of the parsed JSON that ``answer_bytes`` made."""
    expires_on, parts, cautions = plain["document_expires_on"], plain["parts"], plain["cautions"]
    number, plate = plain["document_number"], plain["plate"]
    return Answer(
        salt=str(plain["salt"]),
        iin=str(plain["iin"]),
        birth_date=date.fromisoformat(str(plain["birth_date"])),
        plate=None if plate is None else str(plate),
        document_number=None if number is None else str(number),
        document_expires_on=None if expires_on is None else date.fromisoformat(str(expires_on)),
        cautions=tuple(str(one) for one in cautions) if isinstance(cautions, list) else (),
        parts=tuple(_part(one) for one in parts) if isinstance(parts, list) else (),
    )


def _part(plain: dict[str, object]) -> Part:
    asked_ms, record = plain["asked_ms"], plain["record"]
    return Part(
        register=RegisterName(plain["register"]),
        status=PartStatus(plain["status"]),
        asked_ms=float(asked_ms) if isinstance(asked_ms, int | float) else None,
        fault=str(plain["fault"]),
        record=record if isinstance(record, dict) else None,
    )
