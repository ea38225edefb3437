"""Version 1 of the protocol between the exchange and a register: JSON over HTTP.

One question is one ``POST {registers_url}/v1/{register}``; see ``docs/protocols/registers.md``.
An answer is believed only if it has this form, repeats the question's ``message_id`` and
``register``, and is about the subject that was asked for.
"""

import enum
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 1
PATH = "/v1/{register}"
ANSWER_BYTES_MAX = 256 * 1024  # a portrait of 100 KiB in base64, and room to spare

IinText = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
BinText = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
PlateText = Annotated[str, Field(pattern=r"^[A-Z0-9]{5,10}$")]
Short = Annotated[str, Field(max_length=64)]
Long = Annotated[str, Field(max_length=256)]


class Message(BaseModel):
    """Messages name persons: none of their values shows in ``repr``, hence in no log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        yield from ()


class RegisterName(enum.Enum):
    """The services a register answers; a roadside check asks the first eight."""

    PERSON_DOCUMENTS = "person_documents"  # GBD FL: the state database of natural persons
    DRIVER_LICENCE = "driver_licence"
    VEHICLE = "vehicle"
    INSURANCE = "insurance"
    INSPECTION = "inspection"
    WANTED_PERSONS = "wanted_persons"
    WANTED_VEHICLES = "wanted_vehicles"
    UNPAID_FINES = "unpaid_fines"
    LEGAL_ENTITY = "legal_entity"  # GBD UL: the state database of legal entities, by BIN
    PERSON_PHOTO = "person_photo"  # GBD FL: the photograph alone, in the size it is kept


class AnswerStatus(enum.Enum):
    """What a register says of a question."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    REFUSED = "refused"  # the register's own rules do not allow the question


class Requester(Message):
    """Who asks, and on which basis: the register keeps it in its own log."""

    department_bin: BinText
    officer_iin: IinText
    basis: Annotated[str, Field(max_length=32)]


class Query(Message):
    """The subject: a person's IIN, a vehicle's plate, or a legal entity's BIN."""

    iin: IinText | None = None
    plate: PlateText | None = None
    bin: BinText | None = None


class RegisterRequest(Message):
    """One question to one register."""

    message_id: UUID
    message_at: AwareDatetime
    requester: Requester
    query: Query


class PersonDocuments(Message):
    """GBD FL: the person and the identity card in force."""

    iin: IinText
    surname: Short
    given_name: Short
    patronymic: Short = ""
    birth_date: date
    document_number: Short
    document_issued_on: date | None = None
    document_valid_until: date | None = None
    document_in_force: bool = True
    residence: Long = ""
    phone: Short = ""
    portrait_png_base64: Annotated[str, Field(max_length=200_000)] = ""


class LicenceState(enum.Enum):
    """Whether the person may drive."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # deprived of the right to drive


class DriverLicence(Message):
    """The driving licence of a person."""

    iin: IinText
    licence_number: Short
    categories: Annotated[tuple[Annotated[str, Field(max_length=4)], ...], Field(max_length=32)]
    issued_on: date
    valid_until: date
    state: LicenceState


class Vehicle(Message):
    """A registered vehicle and its owner."""

    plate: PlateText
    make_model: Short
    year: int = Field(ge=1900, le=2200)
    color: Short
    vin: Short
    registration_number: Short
    owner_iin: IinText | None = None
    owner_name: Long = ""


class Insurance(Message):
    """The contract of compulsory insurance of a vehicle."""

    plate: PlateText
    policy_number: Short
    insurer: Long
    valid_from: date
    valid_until: date


class Inspection(Message):
    """The last technical inspection of a vehicle."""

    plate: PlateText
    certificate_number: Short
    passed_on: date
    valid_until: date


class WantedPerson(Message):
    """A search for a person. A hit is confirmed with the initiator before anybody acts on it."""

    iin: IinText
    category: Short
    initiator: Long
    since: date


class WantedVehicle(Message):
    """A search for a vehicle."""

    plate: PlateText
    category: Short
    initiator: Long
    since: date


class UnpaidFine(Message):
    """One fine that is not paid; money in whole tiyn."""

    decision_number: Short
    article: Short
    decided_on: date
    amount_tiyn: int = Field(ge=0, le=10**12)


class UnpaidFines(Message):
    """The unpaid fines of a person."""

    iin: IinText
    fines: Annotated[tuple[UnpaidFine, ...], Field(min_length=1, max_length=200)]


class EntityState(enum.Enum):
    """Where a legal entity stands."""

    ACTIVE = "active"
    LIQUIDATING = "liquidating"
    LIQUIDATED = "liquidated"


class LegalEntity(Message):
    """GBD UL: a legal entity, its branch or representation."""

    bin: BinText
    name_kk: Long
    name_ru: Long
    registered_on: date
    state: EntityState
    address: Long = ""
    head_iin: IinText | None = None
    head_name: Long = ""
    activity_code: Short = ""  # OKED, the main one


class PersonPhoto(Message):
    """GBD FL: the photograph of the identity card in force."""

    iin: IinText
    taken_on: date | None = None
    portrait_png_base64: Annotated[str, Field(min_length=1, max_length=240_000)]


Record = (
    PersonDocuments
    | DriverLicence
    | Vehicle
    | Insurance
    | Inspection
    | WantedPerson
    | WantedVehicle
    | UnpaidFines
    | LegalEntity
    | PersonPhoto
)

RECORD_OF: dict[RegisterName, type[Record]] = {
    RegisterName.PERSON_DOCUMENTS: PersonDocuments,
    RegisterName.DRIVER_LICENCE: DriverLicence,
    RegisterName.VEHICLE: Vehicle,
    RegisterName.INSURANCE: Insurance,
    RegisterName.INSPECTION: Inspection,
    RegisterName.WANTED_PERSONS: WantedPerson,
    RegisterName.WANTED_VEHICLES: WantedVehicle,
    RegisterName.UNPAID_FINES: UnpaidFines,
    RegisterName.LEGAL_ENTITY: LegalEntity,
    RegisterName.PERSON_PHOTO: PersonPhoto,
}


R = TypeVar("R", bound=Message)


class _Answer(Message):
    message_id: UUID
    register_name: RegisterName = Field(alias="register")
    answered_at: AwareDatetime


class FoundAnswer(_Answer, Generic[R]):
    """The register holds a record; its form is that of ``RECORD_OF``."""

    status: Literal["found"]
    record: R


class OtherAnswer(_Answer):
    """The register holds nothing of the subject, or may not say."""

    status: Literal["not_found", "refused"]


def _form(record: type[Record]) -> TypeAdapter[FoundAnswer[Record] | OtherAnswer]:
    found = FoundAnswer.__class_getitem__(record)
    form: Any = Annotated[found | OtherAnswer, Field(discriminator="status")]  # known as it runs
    return TypeAdapter(form)


# One form for each register: an answer is read once, its record with it.
_FORMS = {register: _form(record) for register, record in RECORD_OF.items()}


class AnswerNotValid(ValueError):
    """The answer cannot be believed; the message names the step and nothing of the content."""


def read_answer(
    content: bytes, *, register: RegisterName, request: RegisterRequest
) -> tuple[AnswerStatus, Record | None]:
    """Return what the register says in ``content``, checked against the question.

    Raises:
        AnswerNotValid: not JSON, another form, another message, another register or another
            subject than was asked for.
    """
    # Causes are cut off: an error of validation repeats the input, which names persons.
    try:
        answer = _FORMS[register].validate_json(content)
    except ValueError:
        raise AnswerNotValid("not an answer of this protocol") from None
    if answer.message_id != request.message_id or answer.register_name is not register:
        raise AnswerNotValid("an answer to another question")
    if isinstance(answer, OtherAnswer):
        return AnswerStatus(answer.status), None
    record = answer.record
    asked = request.query
    if getattr(record, "iin", asked.iin) != asked.iin:
        raise AnswerNotValid("a record of another person")
    if getattr(record, "plate", asked.plate) != asked.plate:
        raise AnswerNotValid("a record of another vehicle")
    if getattr(record, "bin", asked.bin) != asked.bin:
        raise AnswerNotValid("a record of another legal entity")
    return AnswerStatus.FOUND, record
