"""Whom a record or an old fine is about: sealed at rest, opened where it is needed."""

from dataclasses import dataclass, field
from uuid import UUID

from fines import models, storage
from fines.errors.proceedings import RecordDamaged
from fines.service.desk import Desk


@dataclass(frozen=True, kw_only=True)
class Offender:
    """The person, and all that was said of him and by him. None of it shows in ``repr``."""

    iin: str = field(repr=False)
    papers: dict[str, str] = field(repr=False)  # names, birth, residence, document
    vehicle: dict[str, str] = field(default_factory=dict, repr=False)  # empty on foot
    essence: str = field(default="", repr=False)
    details: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def full_name(self) -> str:
        """The name as papers write it."""
        names = (self.papers.get(one, "") for one in ("surname", "given_name", "patronymic"))
        return " ".join(one for one in names if one)


def index_of(desk: Desk, iin: str) -> bytes:
    """Return the keyed hash under which this person's records are found."""
    return storage.offender_index(subject_key=desk.keys.subject, iin=iin)


def key_of(desk: Desk, record: models.OffenceRecord | models.RegisterFine) -> storage.RecordKey:
    """Return the own key of a record, or of a fine taken over.

    Raises:
        RecordDamaged: it was altered or wrapped under another vault key.
    """
    return storage.open_key(vault=desk.keys.vault, owner=record.id, wrapped=record.wrapped_key)


def sealed_columns(
    desk: Desk, *, owner: UUID, offender: Offender, content: storage.Content
) -> dict[str, bytes]:
    """Return what is stored of an offender in the new row ``owner``."""
    key = storage.new_key(vault=desk.keys.vault, owner=owner)
    values: dict[str, object] = {
        "iin": offender.iin,
        "papers": offender.papers,
        "vehicle": offender.vehicle,
        "essence": offender.essence,
        "details": offender.details,
    }
    return {
        "offender_index": index_of(desk, offender.iin),
        "wrapped_key": key.wrapped,
        "sealed": key.seal(content, values),
    }


def offender_of(desk: Desk, row: models.OffenceRecord | models.RegisterFine) -> Offender:
    """Return whom a row is about.

    Raises:
        RecordDamaged: what is sealed was altered or moved, or the person is not the indexed one.
    """
    content = (
        storage.Content.RECORD
        if isinstance(row, models.OffenceRecord)
        else storage.Content.REGISTER_FINE
    )
    key = storage.open_key(vault=desk.keys.vault, owner=row.id, wrapped=row.wrapped_key)
    values = key.unseal(content, row.sealed)
    offender = Offender(
        iin=str(values["iin"]),
        papers=_texts(values["papers"]),
        vehicle=_texts(values["vehicle"]),
        essence=str(values["essence"]),
        details=_details(values["details"]),
    )
    if index_of(desk, offender.iin) != row.offender_index:
        raise RecordDamaged(f"record {row.id} is indexed for another person")
    return offender


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in _details(value).items()}


def _details(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise RecordDamaged("a sealed record has another form")
    return value
