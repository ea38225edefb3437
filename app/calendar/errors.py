"""Refusals of the working-day calendar."""

from app.errors import DomainError, Kind


class CalendarNotCovered(DomainError):
    """A term runs into a year whose holidays are not entered: its end is not known."""

    kind = Kind.UNAVAILABLE
    code = "calendar.year_not_covered"
    cure = "Ask the administrator to enter the holidays and moved days of that year."


class CalendarNotValid(DomainError):
    """The file of special days is not well formed; the message names the line."""

    kind = Kind.INVALID
    code = "calendar.not_valid"
    cure = "Correct the line named in app/calendar/catalogue/special_days.csv."
