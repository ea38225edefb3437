"""Who looks at a page: what its head shows, and which rooms the role may enter."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal, Role
from app.identity.service import posts_by_id
from app.web.texts import N_

ROLE_NAMES: Final = {
    Role.PATROL_OFFICER: N_("Patrol police inspector"),
    Role.INVESTIGATOR: N_("Investigator"),
    Role.DEVICE_KEEPER: N_("Device keeper"),
    Role.DUTY_OFFICER: N_("Duty officer"),
    Role.COMPLAINTS_REVIEWER: N_("Complaints reviewer"),
    Role.RESPONSIBLE_OFFICIAL: N_("Responsible official"),
    Role.EXCHANGE_OPERATOR: N_("Exchange operator"),
    Role.EXCHANGE_CONTROLLER: N_("Exchange controller"),
    Role.FINANCE_CLERK: N_("Finance clerk"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.COURT: N_("Person of a court"),
}

WATCHING_ROLES: Final = (
    Role.EXCHANGE_OPERATOR,
    Role.RESPONSIBLE_OFFICIAL,
    Role.EXCHANGE_CONTROLLER,
    Role.AUDITOR,
)
COVERAGE_ROLES: Final = (
    Role.DEVICE_KEEPER,
    Role.DUTY_OFFICER,
    Role.COMPLAINTS_REVIEWER,
    Role.RESPONSIBLE_OFFICIAL,
)
BLOCKING_ROLES: Final = frozenset({Role.EXCHANGE_OPERATOR, Role.RESPONSIBLE_OFFICIAL})

# Where the work of a role is done that has no pages here.
_BY_PROGRAM: Final = N_(
    "Your work is done by the programs of your workplace, which use this server. These pages show"
    " you who you are to it."
)
WORK_ELSEWHERE: Final = {
    Role.PATROL_OFFICER: N_(
        "Your work is done on the tablet: checks, offence records and payments. These pages show"
        " you who you are to the server."
    ),
    Role.INVESTIGATOR: _BY_PROGRAM,
    Role.DEVICE_KEEPER: _BY_PROGRAM,
    Role.DUTY_OFFICER: _BY_PROGRAM,
    Role.ADMINISTRATOR: N_("The server is run by its command line: python -m app --help."),
}


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The person signed in, as the pages show him to himself."""

    full_name: str
    title: str
    badge: str
    role: Role
    unit_kk: str
    unit_ru: str
    iin: str = field(repr=False)  # for the signer on his own machine: which keys are his

    @property
    def role_name(self) -> str:
        """The role in English; the template says it in the page's language."""
        return ROLE_NAMES[self.role]

    @property
    def short_name(self) -> str:
        """Surname and initials."""
        surname, *others = self.full_name.split()
        return " ".join([surname, "".join(f"{one[0]}." for one in others)]).strip()

    @property
    def reviews_complaints(self) -> bool:
        """Whether the complaint and footage pages are open to this role."""
        return self.role is Role.COMPLAINTS_REVIEWER

    @property
    def reconciles(self) -> bool:
        """Whether the finance page is open to this role."""
        return self.role is Role.FINANCE_CLERK

    @property
    def reads_coverage(self) -> bool:
        """Whether the pages of the cameras' time are open to this role."""
        return self.role in COVERAGE_ROLES

    @property
    def lets_go(self) -> bool:
        """Whether this role permits that recordings are destroyed."""
        return self.role in {Role.DEVICE_KEEPER, Role.RESPONSIBLE_OFFICIAL}

    @property
    def controls(self) -> bool:
        """Whether the pages of departmental control and of the log are open to this role."""
        return self.role in {
            Role.RESPONSIBLE_OFFICIAL,
            Role.EXCHANGE_CONTROLLER,
            Role.AUDITOR,
        }

    @property
    def over_officers(self) -> bool:
        """Whether cases of ordinary proceedings are handed on by this role."""
        return self.role in {Role.RESPONSIBLE_OFFICIAL, Role.DUTY_OFFICER}

    @property
    def corrects_records(self) -> bool:
        """Whether this role looks at its subordinates' records and corrects them."""
        return self.role is Role.RESPONSIBLE_OFFICIAL

    @property
    def sees_terminals(self) -> bool:
        """Whether the page of the unit's card terminals is open to this role."""
        return self.role in {
            Role.DEVICE_KEEPER,
            Role.FINANCE_CLERK,
            Role.RESPONSIBLE_OFFICIAL,
        }

    @property
    def keeps_law(self) -> bool:
        """Whether dated values that are not verified are shown to this role."""
        return self.role is Role.ADMINISTRATOR

    @property
    def decides_access(self) -> bool:
        """Whether requests for access are decided by this role."""
        return self.role is Role.EXCHANGE_OPERATOR

    @property
    def watches_users(self) -> bool:
        """Whether this role sees the rights of others: its subordinates', or everybody's."""
        return self.role in WATCHING_ROLES

    @property
    def sees_breaches(self) -> bool:
        """Whether late decisions are reported to this role."""
        return self.watches_users and self.role is not Role.RESPONSIBLE_OFFICIAL

    def unit(self, language: str) -> str:
        """Return the unit's name; a unit has two official names, English readers get Russian."""
        return self.unit_kk if language == "kk" else self.unit_ru


async def viewer_of(session: AsyncSession, *, caller: Principal) -> Viewer:
    """Return who the caller is.

    Raises:
        NotSignedIn: the caller acts through no post.
    """
    if caller.post_id is None:
        raise NotSignedIn("a page needs a person")
    card = (await posts_by_id(session, [caller.post_id]))[caller.post_id]
    return Viewer(
        full_name=card.full_name,
        title=card.title,
        badge=card.badge,
        role=card.role,
        unit_kk=card.department_name_kk,
        unit_ru=card.department_name_ru,
        iin=card.iin,
    )
