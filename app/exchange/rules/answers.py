"""An answer as it is stored: canonical bytes, so that its hash can be compared for ever."""

from dataclasses import dataclass, field
from datetime import date

from app.canonical import canonical, exact
from app.exchange.rules.requests import Part, PartStatus
from app.exchange.wire.registers import RegisterName


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything one check brought to light.

    ``salt`` keeps the hash of the stored bytes from being guessed from a likely answer.
    """

    salt: str = field(repr=False)
    iin: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    bin: str | None = field(default=None, repr=False)
    plate: str | None = field(default=None, repr=False)
    document_number: str | None = field(default=None, repr=False)
    document_expires_on: date | None = None
    cautions: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


def answer_bytes(answer: Answer) -> bytes:
    """Return the RFC 8785 form of ``answer``."""
    plain: dict[str, object] = {
        "v": 2,
        "salt": answer.salt,
        "iin": answer.iin,
        "birth_date": _day(answer.birth_date),
        "bin": answer.bin,
        "plate": answer.plate,
        "document_number": answer.document_number,
        "document_expires_on": _day(answer.document_expires_on),
        "cautions": list(answer.cautions),
        "parts": [
            {
                "register": part.register.value,
                "status": part.status.value,
                "asked_ms": exact(part.asked_ms),
                "fault": part.fault,
                "record": part.record,
            }
            for part in answer.parts
        ],
    }
    return canonical(plain)


def answer_of(plain: dict[str, object]) -> Answer:
    """Return the answer of the parsed JSON that ``answer_bytes`` made."""
    parts, cautions = plain["parts"], plain["cautions"]
    return Answer(
        salt=str(plain["salt"]),
        iin=_text(plain["iin"]),
        birth_date=_date(plain["birth_date"]),
        bin=_text(plain.get("bin")),  # answers of version 1 are about persons alone
        plate=_text(plain["plate"]),
        document_number=_text(plain["document_number"]),
        document_expires_on=_date(plain["document_expires_on"]),
        cautions=tuple(str(one) for one in cautions) if isinstance(cautions, list) else (),
        parts=tuple(_part(one) for one in parts) if isinstance(parts, list) else (),
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _date(plain: object) -> date | None:
    return None if plain is None else date.fromisoformat(str(plain))


def _text(plain: object) -> str | None:
    return None if plain is None else str(plain)


def _part(plain: dict[str, object]) -> Part:
    asked_ms, record = plain["asked_ms"], plain["record"]
    return Part(
        register=RegisterName(plain["register"]),
        status=PartStatus(plain["status"]),
        asked_ms=float(asked_ms) if isinstance(asked_ms, int | float) else None,
        fault=str(plain["fault"]),
        record=record if isinstance(record, dict) else None,
    )
